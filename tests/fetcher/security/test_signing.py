"""Signatures: those that botocore makes."""

import time
from datetime import datetime
from types import SimpleNamespace
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from fetcher.security import signing
from fetcher.security.signing import Signer

REGION = "eu-central-1"
KEYS = st.text("ABCDEFGHabcdefgh0123456789/+=", min_size=16, max_size=40)
CREDENTIALS = st.builds(ReadOnlyCredentials, KEYS, KEYS, st.none() | KEYS)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
VALUE = st.text("abc/+= ~%&é", max_size=9)


def authorization(credentials, host, path, payload, stamp, headers):
    """Return what botocore would have put into Authorization at that moment."""
    request = AWSRequest("POST", f"https://{host}{path}", headers, payload)
    request.headers["Host"] = host
    request.headers["X-Amz-Date"] = stamp
    if credentials.token:
        request.headers["X-Amz-Security-Token"] = credentials.token
    request.context["timestamp"] = stamp
    signer = SigV4Auth(credentials, "lambda", REGION)
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(to_sign, request))
    return request.headers["Authorization"]


@given(
    credentials=CREDENTIALS,
    name=st.text("abcXYZ019-_", min_size=1, max_size=64),
    qualifier=st.sampled_from(["", "%3Alive", "%3A%24LATEST"]),
    payload=st.binary(max_size=2_000),
    others=st.dictionaries(
        st.sampled_from(
            ["content-type", "x-amz-log-type", "x-amz-invocation-type", "x-amz-z"]
        ),
        st.sampled_from(["Tail", "application/json"]),
    ),
)
def test_headers_are_signed_as_botocore_signs_them(
    credentials, name, qualifier, payload, others
):
    host = f"lambda.{REGION}.amazonaws.com"
    path = f"/2015-03-31/functions/{name}{qualifier}/invocations"
    ours = Signer("lambda", REGION).headers(credentials, host, path, payload, others)

    assert others.items() <= ours.items()
    assert ours["authorization"] == authorization(
        credentials, host, path, payload, ours["x-amz-date"], others
    )


@given(
    credentials=CREDENTIALS,
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE"]),
    key=TEXT,
    query=st.dictionaries(
        st.sampled_from(["partNumber", "uploadId", "uploads"]), VALUE
    ),
    headers=st.dictionaries(
        st.sampled_from(["x-amz-meta-a", "x-amz-checksum-crc32"]), st.just("b=")
    ),
)
def test_a_query_is_signed_as_botocore_signs_it(
    credentials, method, key, query, headers
):
    url = f"https://photos.s3.{REGION}.amazonaws.com/{quote(key, '/-_.~')}"
    ours = _query_of(
        Signer("s3", REGION).signed_url(credentials, method, url, query, headers)
    )
    at = datetime.strptime(ours["X-Amz-Date"], "%Y%m%dT%H%M%S%z")
    theirs = AWSRequest(method, url, headers=headers, params=query)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda: at)
        S3SigV4QueryAuth(credentials, "s3", REGION, 900).add_auth(theirs)

    assert ours == _query_of(theirs.url)


def _query_of(url):
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


@pytest.mark.parametrize("later_s", [1, 86_400])
def test_what_is_kept_between_calls_does_not_outlive_its_day_or_key(
    monkeypatch, later_s
):
    """
    Temporary credentials are renewed in the middle of a run, and days end in it.
    """
    signer = Signer("lambda", REGION)
    now = time.time()
    later = now + later_s
    for moment, secret in ((now, "one"), (later, "one"), (later, "two")):
        clock = SimpleNamespace(
            time=lambda moment=moment: moment,
            strftime=time.strftime,
            gmtime=time.gmtime,
        )
        monkeypatch.setattr(signing, "time", clock)
        credentials = ReadOnlyCredentials("id", secret, None)
        headers = signer.headers(credentials, "localhost:1", "/f", b"{}")
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))

        assert headers["x-amz-date"] == stamp
        assert headers["authorization"] == authorization(
            credentials, "localhost:1", "/f", b"{}", stamp, {}
        )
