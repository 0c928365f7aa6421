"""What is secret in a URL is masked, at any depth of encoding; all else stays."""

from time import thread_time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.security.masking import has_credentials, masked, masked_in, one_line

SECRETS = [
    *("X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token"),
    *("X-Goog-Signature", "X-Goog-Credential", "GoogleAccessId"),
    *("AWSAccessKeyId", "OSSAccessKeyId", "Key-Pair-Id", "Policy", "Signature"),
    *("sig", "token", "access_token", "__token__", "jwt", "sessionid"),
    *("key", "api_key", "apikey", "X-API-Key", "subscription-key", "auth"),
    *("password", "client_secret", "pwd", "auth[token]", "auth%5Bkey%5D"),
    *("token[]", "token[0]", "token%5B%5D", "x%2Damz%2Dsignature", "%73ig"),
    *("x%252Damz%252Dsignature", "ticket", "pw", "hdnea", "hdnts"),
]
HARMLESS = [
    *("X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "Expires", "se", "sv"),
    *("size", "monkey", "keyword", "author", "tokens", "design", "compass", "q"),
    *("tickets", "ppw", "page%2Dsize"),
]
PARTS = st.text(st.sampled_from("a=&?%25F@/:"))


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("spelt", [str, str.lower, str.upper])
def test_a_secret_is_masked_however_its_name_is_spelt(name, spelt):
    before, after = f"http://h/a?n=1&{spelt(name)}=", "&m=a%2Fb"

    assert masked(f"{before}ab/+%2F;'=={after}") == f"{before}***{after}"


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_no_secret_says_which_url_it_is(name):
    url = f"http://h/a%20b?{name}=1&{name.lower()}=2#{name}=3"

    assert masked(url) == url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://h/a@b", "http://h/a@b"),
        ("http://h//a@b", "http://h//a@b"),
        ("http://u:p@h", "http://***@h"),
        ("http://u:p@q@h/", "http://***@h/"),
        ("http://u:p&a=b@h/", "http://***@h/"),
        ("http://token@h:8/a?b=c@d", "http://***@h:8/a?b=c@d"),
        ("s3://u:p@bucket/key", "s3://***@bucket/key"),
        ("http://h/?sig=&n=1", "http://h/?sig=&n=1"),
        ("http://h/a;jsessionid=1?n=1", "http://h/a;jsessionid=***?n=1"),
        ("http://h/a;sid=1;token=1;m=2/b", "http://h/a;sid=1;token=***;m=2/b"),
        ("http://h/a;token=1/b#c;d", "http://h/a;token=***/b#c;d"),
        ("http://h/a#access_token=1&n=1", "http://h/a#access_token=***&n=1"),
        ("http://h/?n=1;sig=2", "http://h/?n=1;sig=***"),
        ("h/a", "h/a"),
        ("user:hunter2@h/a", "***@h/a"),
        ("http:user:hunter2@h", "***@h"),
        ("http:/user:hunter2@h/a", "http:/***@h/a"),
        ("http:///user:hunter2@h/a", "http:///***@h/a"),
        ("h:8/a@b", "h:8/a@b"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url, shown):
    assert masked(url) == shown


@pytest.mark.parametrize("times", [0, 1, 2, 3])
@pytest.mark.parametrize("where", ["http://h/get?n=1&u={}", "https://h/proxy/{}"])
def test_a_url_inside_another_keeps_no_secret_either(where, times):
    """
    However often it is percent-encoded; what was encoded in it before stays in it.
    """
    inside, shown = (
        "https://u:p%40%2F%3Fw@i/a?b=1&sig=x%26y",
        "https://***@i/a?b=1&sig=",
    )
    for _ in range(times):
        inside, shown = quote(inside, safe=""), quote(shown, safe="*")

    assert masked(where.format(inside)) == where.format(f"{shown}***")


def test_what_follows_a_url_inside_another_stays():
    inside = quote("http://u:p@h/?sig=a&n=1#c", safe="")
    shown = quote("http://***@h/?sig=***&n=1#c", safe="*")

    assert masked(f"http://h?u={inside}&m=a@b") == f"http://h?u={shown}&m=a@b"
    assert masked("http://h?u=http://h&m=a@b") == "http://h?u=http://h&m=a@b"


@given(PARTS)
def test_what_is_masked_is_masked_once_and_for_all(text):
    assert masked(masked(text)) == masked(text)
    assert not has_credentials(text) or "***@" in masked(text)


@pytest.mark.parametrize(
    "said",
    [
        "no route to 'http://me:hunter2@h/?a=b'",
        "at http://me:pass?hunter2@h/",
        "at http://me:hunter2/hunter2@h/",
        "at ftp://me:/hunter2@h/",
        "at http://me:80hunter2/@h/",
        "moved to (http://h/?sig=hunter2): gone",
        "no such host as user:hunter2@h/a",
        "got http%3A%2F%2Fme%3Ahunter2%40h",
    ],
)
def test_no_secret_is_told_in_a_detail(said):
    assert "hunter2" not in masked_in(said)
    assert "hunter2" not in one_line(said)


@pytest.mark.parametrize(
    "url",
    [
        *("http://h:80/@me", "http://h:8080/a:b/c@2x.png", "http://[::1]:80/@me"),
        *("http://h/@me/a:b", "http://h/a:b@c"),
    ],
)
def test_what_stands_behind_a_port_or_in_a_path_is_no_password(url):
    assert masked_in(f"at {url}, once") == f"at {url}, once"


@pytest.mark.parametrize(
    "text",
    [
        "?" + "token" * 1_600 + "=",
        "?" + "[-" * 4_000 + "=",
        "%3F" + "%3Fa-" * 1_600 + "%3D",
        "%2F" * 2_700 + "@",
        "%" + "25" * 4_000 + "3Fkey=@40",
        "://" + "&a" * 4_000 + "@",
        "://a" * 2_000 + "@",
        ":" * 8_000 + "/@",
        "/" * 8_000 + "@",
        "//" + ":" * 8_000,
        "//:" * 2_700,
        "?" + "%5B" * 2_700 + "=",
    ],
)
def test_no_url_takes_long_to_mask(text):
    """
    One that was made for it once took seconds: strangers write the list.
    """
    began = thread_time()
    masked_in(text)

    assert thread_time() - began < 0.5
