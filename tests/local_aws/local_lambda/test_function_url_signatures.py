"""Function URLs with AWS_IAM: the signatures admitted, and what they cover."""

import asyncio
import hashlib
import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from tests.support.signed_requests import headers_signed
from tests.support.urllib_http import fetch

from local_aws.local_lambda.errors import LambdaError
from local_aws.local_lambda.function_url.authentication import check as check_url
from local_aws.local_lambda.requests.access_keys import Caller
from local_aws.local_lambda.requests.signature_parsing import SignedRequest


@pytest.fixture(scope="module")
def iam_url(deploy_for_all):
    code = "def run(event, context): return event['requestContext']\n"
    return deploy_for_all(code).url("AWS_IAM")


def signed_headers(url, data, credentials, **scope):
    """Return what botocore adds to a POST when it signs it."""
    return headers_signed(credentials, "POST", url, data, X_Signed="a  b", **scope)


def post_signed(url, data, signer, **scope):
    """Sign a POST and send it."""
    signed = signed_headers(url, data, signer, **scope)
    status, headers, body = fetch(url, data, "POST", **signed)
    return status, headers, json.loads(body)


@pytest.mark.parametrize("has_token", [False, True])
def test_a_request_signed_with_our_own_pair_is_admitted(iam_url, aws, has_token):
    """Functions have the pair with a token, and may call each other."""
    names = ("access_key_id", "secret_access_key", "session_token")
    pair = [getattr(aws.keys, name) for name in names[: 3 if has_token else 2]]
    url = iam_url + "a%2Fb%20c/%C3%BC?b=1&a=%2F&a=2&c&d=x%20y"
    status, _, context = post_signed(url, b"body", Credentials(*pair))

    assert status == 200
    assert context["accountId"] == "123456789012"
    assert context["authorizer"]["iam"].keys() == {
        *("accessKey", "accountId", "callerId", "cognitoIdentity", "principalOrgId"),
        *("userArn", "userId"),
    }


def test_a_user_is_known_by_a_key_for_as_long_as_it_is_active(client_of, iam_url):
    iam = client_of("iam")
    iam.create_user(UserName="joe")
    key = iam.create_access_key(UserName="joe")["AccessKey"]
    joe = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    named = {"UserName": "joe", "AccessKeyId": key["AccessKeyId"]}
    _, _, context = post_signed(iam_url, b"", joe)
    iam.update_access_key(Status="Inactive", **named)
    inactive, headers, answer = post_signed(iam_url, b"", joe)
    iam.update_access_key(Status="Active", **named)
    active, _, _ = post_signed(iam_url, b"", joe)
    iam.delete_access_key(**named)
    deleted, _, _ = post_signed(iam_url, b"", joe)

    assert context["authorizer"]["iam"]["accessKey"] == key["AccessKeyId"]
    assert context["authorizer"]["iam"]["userArn"].endswith(":user/joe")
    assert (inactive, active, deleted) == (403, 200, 403)
    assert headers["x-amzn-ErrorType"] == "UnrecognizedClientException"
    assert answer == {
        "message": "The security token included in the request is invalid."
    }


def test_a_role_is_known_by_its_session(client_of, iam_url):
    role = "arn:aws:iam::123456789012:role/worker"
    assumed = client_of("sts").assume_role(RoleArn=role, RoleSessionName="me")
    keys = assumed["Credentials"]
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    role_keys = Credentials(*(keys[name] for name in names))
    status, _, context = post_signed(iam_url, b"", role_keys)

    assert status == 200
    arn = assumed["AssumedRoleUser"]["Arn"]
    assert context["authorizer"]["iam"]["userArn"] == arn


@pytest.mark.parametrize(
    ("credentials", "scope", "code", "message"),
    [
        (("any", "any"), {}, "UnrecognizedClientException", "The security"),
        ((None, "x"), {}, "InvalidSignatureException", "The request sig"),
        ((), {"service": "s3"}, "InvalidSignatureException", "Credential should be"),
        ((), {"region": "eu-west-1"}, "InvalidSignatureException", "Credential sho"),
    ],
)
def test_signatures_of_others_and_for_others_are_refused(
    iam_url, ours, credentials, scope, code, message
):
    key, secret = credentials or (None, None)
    signer = Credentials(key or ours.access_key, secret or ours.secret_key)
    status, headers, answer = post_signed(iam_url, b"", signer, **scope)

    assert status == 403
    assert headers["x-amzn-ErrorType"] == code
    assert answer["message"].startswith(message)


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer token",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=local, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/lambda/aws4_request",
    ],
)
def test_what_is_no_signature_is_forbidden(iam_url, authorization):
    now = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    status, headers, body = fetch(iam_url, Authorization=authorization, X_Amz_Date=now)

    assert status == 403
    assert headers["x-amzn-ErrorType"] == "AccessDeniedException"
    assert json.loads(body)["Message"].startswith("Forbidden. For troubleshooting")


def test_curls_own_signatures_hold(iam_url, ours):
    """A second opinion: its code is nobody's of ours."""
    if not shutil.which("curl"):
        pytest.skip("there is no curl")
    command = ["curl", "-sS", "--aws-sigv4", "aws:amz:us-east-1:lambda"]
    data = ["--user", f"{ours.access_key}:{ours.secret_key}", "--data", "a=1"]
    answer = subprocess.check_output([*command, *data, iam_url + "path"])

    assert json.loads(answer)["http"]["path"] == "/path"


CALLER = Caller("key", "arn", "id", "secret", expires_at=None)
KEYS = Credentials("key", "secret")


def check(headers, target, body=b"", caller=CALLER):
    """Return whether a POST passes, and why not."""

    async def identify(key):
        return caller if key == caller.access_key else None

    sent = CIMultiDictProxy(CIMultiDict(headers | {"Host": "h:1"}))
    request = SignedRequest("POST", target, sent)
    try:
        asyncio.run(check_url(request, body, "us-east-1", identify))
    except LambdaError as error:
        return error.code, str(error)
    return None


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(
    path=st.lists(texts, max_size=3),
    query=st.lists(st.tuples(texts, texts), max_size=3),
    body=st.binary(max_size=20),
    where=st.integers(0, 255),
)
def test_what_botocore_signs_passes_and_nothing_else(path, query, body, where):
    target = "/" + "/".join(quote(text, safe="-_.~") for text in path)
    if query:
        pairs = (map(quote_all, pair) for pair in query)
        target += "?" + "&".join(f"{name}={text}" for name, text in pairs)
    headers = signed_headers(f"http://h:1{target}", body, KEYS)
    tampered = bytearray(body + b"x")
    tampered[where % len(tampered)] ^= 1
    refusals = [
        check(headers, target, bytes(tampered)),
        check(headers | {"X-Signed": "c"}, target, body),
        check(headers, target.replace("/", "/b", 1), body),
    ]

    assert check(headers, target, body) is None
    assert {code for code, _ in refusals} == {"InvalidSignatureException"}


def quote_all(text):
    return quote(text, safe="-_.~")


@pytest.mark.parametrize(
    ("minutes", "begins"),
    [(-4, None), (4, None), (-6, "Signature expired: "), (6, "Signature not yet curr")],
)
def test_a_signature_holds_for_five_minutes(monkeypatch, minutes, begins):
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda **_: moment)
    headers = signed_headers("http://h:1/", b"", KEYS)
    refusal = check(headers, "/")

    assert (refusal is None) == (begins is None)
    assert begins is None or refusal[1].startswith(begins)


def test_a_session_that_is_over_is_refused():
    over = Caller("key", "arn", "id", "secret", expires_at=1.0)
    headers = signed_headers("http://h:1/", b"", KEYS)

    assert check(headers, "/", caller=over)[0] == "ExpiredTokenException"


@pytest.mark.parametrize("claimed", ["UNSIGNED-PAYLOAD", hashlib.sha256().hexdigest()])
def test_a_body_is_hashed_whatever_the_client_says_its_hash_is(claimed):
    claim = {"X_Amz_Content_SHA256": claimed}
    headers = headers_signed(KEYS, "POST", "http://h:1/", b"a", **claim)

    assert check(headers, "/", b"a")[0] == "InvalidSignatureException"


def test_a_signature_without_the_host_is_refused():
    """It would hold for the same request to another function."""

    class Hostless(SigV4Auth):
        def headers_to_sign(self, request):
            headers = super().headers_to_sign(request)
            del headers["host"]
            return headers

    request = AWSRequest("POST", "http://h:1/")
    Hostless(KEYS, "lambda", "us-east-1").add_auth(request)
    refusal = check(dict(request.headers.items()), "/")

    assert refusal[0] == "InvalidSignatureException"
