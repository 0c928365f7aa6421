"""HTTP as urllib speaks it, without an exception for a status other than 200."""

import contextlib
import urllib.error
import urllib.request

from tests.support.waiting import WAIT_S


def fetch(url, data=None, method=None, **headers):
    """Return a response's status, headers and body, whatever its status."""
    headers = {name.replace("_", "-"): text for name, text in headers.items()}
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        response = urllib.request.urlopen(request, timeout=WAIT_S)
    except urllib.error.HTTPError as error:
        response = error
    with contextlib.closing(response):
        return response.status, response.headers, response.read()
