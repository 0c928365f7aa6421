"""Our signatures are botocore's."""

import time
from types import SimpleNamespace

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from rollout.invoke import signing
from rollout.invoke.signing import Signer

KEYS = st.text("ABCDEFGHabcdefgh0123456789/+=", min_size=16, max_size=40)


def botocores(credentials, host, path, payload, stamp, log_type=""):
    """Return what botocore would have put into Authorization at that moment."""
    request = AWSRequest("POST", f"https://{host}{path}", data=payload)
    request.headers["Content-Type"] = "application/json"
    request.headers["Host"] = host
    request.headers["X-Amz-Date"] = stamp
    if log_type:
        request.headers["X-Amz-Log-Type"] = log_type
    if credentials.token:
        request.headers["X-Amz-Security-Token"] = credentials.token
    request.context["timestamp"] = stamp
    signer = SigV4Auth(credentials, "lambda", "eu-central-1")
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(to_sign, request))
    return request.headers["Authorization"]


@given(
    access_key=KEYS,
    secret=KEYS,
    token=st.none() | KEYS,
    name=st.text("abcXYZ019-_", min_size=1, max_size=64),
    qualifier=st.sampled_from(["", "%3Alive", "%3A%24LATEST"]),
    payload=st.binary(max_size=2_000),
    log_type=st.sampled_from(["", "Tail"]),
)
def test_a_signature_is_the_one_botocore_makes(
    access_key, secret, token, name, qualifier, payload, log_type
):
    credentials = ReadOnlyCredentials(access_key, secret, token)
    host = "lambda.eu-central-1.amazonaws.com"
    path = f"/2015-03-31/functions/{name}{qualifier}/invocations"
    signer = Signer("lambda", "eu-central-1", host)
    headers = signer.headers(credentials, path, payload, log_type=log_type)

    assert headers["Authorization"] == botocores(
        credentials, host, path, payload, headers["X-Amz-Date"], log_type
    )


@pytest.mark.parametrize("later_s", [1, 86_400])
def test_what_is_kept_between_calls_does_not_outlive_its_day_or_key(
    monkeypatch, later_s
):
    """
    Temporary credentials are renewed in the middle of a run, and days end in it.
    """
    signer = Signer("lambda", "eu-central-1", "localhost:1")
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
        headers = signer.headers(credentials, "/f", b"{}")
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))

        assert headers["X-Amz-Date"] == stamp
        assert headers["Authorization"] == botocores(
            credentials, "localhost:1", "/f", b"{}", stamp
        )
