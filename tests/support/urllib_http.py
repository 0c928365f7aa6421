"""HTTP as urllib speaks it, without an exception for what is not 200."""

import contextlib
import urllib.error
import urllib.request


def fetch(url, data=None, method=None, **headers):
    """Return a response's status, headers and body, whatever its status."""
    headers = {name.replace("_", "-"): text for name, text in headers.items()}
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with contextlib.closing(answer):
        return answer.status, answer.headers, answer.read()
