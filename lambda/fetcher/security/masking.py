"""
Secrets in URLs: passwords, and tokens and signatures in the query.

URLs are masked wherever they are written or shown; only requests carry them whole.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

MASK = "***"

_FLAGS = re.ASCII | re.IGNORECASE
_CHARACTERS = r"(?:[\w.~\[-]|%(?:25)*(?:5B|5F|2D|2E))*"
_NAME = (
    rf"{_CHARACTERS}(?:token|signature|credentials?|secret|password|passwd|passphrase"
    r"|(?:api|app|auth|access|secret)key|accesskeyid|accessid|sess(?:ion)?_?id|jwt)"
    rf"|(?:{_CHARACTERS}(?:[-_.\[]|%(?:25)*(?:5B|5F|2D|2E)))?(?:key|sig|auth|authorization"
    r"|pass|pwd|pw|ticket|hmac)|key-pair-id|policy|hdnea|hdnt[ls]"
)
_NAMED = rf"(?:{_NAME})_*(?:(?:\[|%(?:25)*5B)\d*)?(?:\]|%(?:25)*5D)?"
_named = re.compile(_NAMED, _FLAGS).fullmatch

# The URL's own password, in which only these three cannot stand: RFC 3986, 3.2.
_CREDENTIALS = re.compile(r"^([^/?#]*//)[^/?#]*@")
# The same where `//` is missing, or too long: no URL, but still a password.
_MISSPELT_CREDENTIALS = re.compile(r"(?<!\S)([^/?#:\s]*:/+|/*)[^/?#:\s]*:[^/?#\s]*@")
# Also where a slash in the password keeps the URL from being read. After a port comes a
# path.
_CREDENTIALS_IN_TEXT = re.compile(r"//(?:[^/\s]*|[^/\s@:\[]*+:(?!\d{1,5}/)[^\s@]*+)@")
_NAMES = re.compile(r"[?&;#]([^?&;#=\s]+)=")
_VALUE = re.compile(r"[^&#\s]+")
_VALUE_IN_PATH = re.compile(r"[^/?;#\s]+")
_OFTEN = 4  # as a name is percent-encoded
_MAX_DETAIL = 200  # characters: one line, however much of it an origin made up

# In a URL inside another. It may be percent-encoded several times, each adding a 25;
# only characters encoded as often are its own delimiters.
_INNER_CREDENTIALS = re.compile(
    r"((?:^|[:=\s'\"(])//)[^/?#&\s]*(?:&[^/?#&=\s]*)*(@|%40)", _FLAGS
)
_ENCODED_CREDENTIALS = re.compile(
    r"(%(?P<deep>(?:25)*)2F%(?P=deep)2F)"
    r"(?:(?!%(?P=deep)(?:2F|3F|23|26))[^/?#&\s])*(@|%(?P=deep)40)",
    _FLAGS,
)
_ENCODED_VALUE = re.compile(
    rf"(%(?P<deep>(?:25)*)(?:3F|26|3B|23){_NAMED}(?:=|%(?P=deep)3D))"
    r"(?:(?!%(?P=deep)(?:26|23))[^&#\s])+",
    _FLAGS,
)


def has_credentials(url: str) -> bool:
    """
    Tell whether the URL has a user name or password before its host.

    >>> has_credentials("https://user:secret@host"), has_credentials("//host?a@b")
    (True, False)
    """
    return "@" in url and _CREDENTIALS.match(url) is not None


def masked(url: str) -> str:
    """
    Return the URL as it may be written or shown.

    That masks user names and passwords, also of URLs inside it, and the values of
    parameters named like a signature, a token, a key or a password. The rest stays, so
    that the URL can be recognised.

    >>> masked("https://user:secret@host/a?size=2&X-Amz-Signature=12ab")
    'https://***@host/a?size=2&X-Amz-Signature=***'
    >>> masked("https://host?mail=a@b")
    'https://host?mail=a@b'
    >>> masked("https://host?from=http%3A%2F%2Fme%3Asecret%40h%2F%3Fsig%3Dab%26n%3D1")
    'https://host?from=http%3A%2F%2F***%40h%2F%3Fsig%3D***%26n%3D1'
    """
    has_value, is_encoded = "=" in url, "%" in url
    if "@" in url or (is_encoded and "40" in url):
        url = _CREDENTIALS.sub(rf"\1{MASK}@", url)
        url = _MISSPELT_CREDENTIALS.sub(rf"\1{MASK}@", url)
        url = _INNER_CREDENTIALS.sub(rf"\1{MASK}\2", url)
        url = _ENCODED_CREDENTIALS.sub(rf"\1{MASK}\3", url)
    if has_value and any(map(_is_secret, _NAMES.findall(url))):
        url = _without_values(url)
    if is_encoded and (has_value or "3D" in url or "3d" in url):
        url = _ENCODED_VALUE.sub(rf"\1{MASK}", url)
    return url


def masked_in(text: str) -> str:
    """
    Return a text with the URLs in it masked.

    It is unknown where these end, so rather more is masked.

    >>> masked_in("no route to http://me:pass?word@h/?token=12")
    'no route to http://***@h/?token=***'
    >>> masked_in("not read: http://me:pass/word@h/"), masked_in("http://h:80/@me")
    ('not read: http://***@h/', 'http://h:80/@me')
    """
    return masked(_CREDENTIALS_IN_TEXT.sub(f"//{MASK}@", text))


def _without_values(url: str) -> str:
    """Mask the values of all parameters that stand in a URL as they are."""
    path_end = len(url.partition("?")[0].partition("#")[0])
    shown: list[str] = []
    at = 0
    for name in _NAMES.finditer(url):
        if name.start() >= at and _is_secret(name[1]):
            is_in_path = name.start() < path_end
            value = (_VALUE_IN_PATH if is_in_path else _VALUE).match(url, name.end())
            if value:
                shown += url[at : name.end()], MASK
                at = value.end()
    return "".join([*shown, url[at:]])


@lru_cache(maxsize=1_024)  # a list has few names, again and again
def _is_secret(name: str) -> bool:
    for _ in range(_OFTEN):
        name = unquote(name)
    return _named(name) is not None


def one_line(detail: str) -> str:
    """Return the text on one printable line of limited length, secrets masked."""
    words = masked_in(" ".join(detail.split()))
    if not words.isprintable():
        words = "".join(sign if sign.isprintable() else "?" for sign in words)
    if len(words) <= _MAX_DETAIL:
        return words
    return f"{words[: _MAX_DETAIL - 3]}..."
