"""Function URLs on loopback: who reaches them, what arrives, who is let in."""

import asyncio
import contextlib
import hashlib
import http.client
import json
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

import aiohttp
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from tests.lambda_api import ECHO, connect, eventually, refused, request_for, running

from rollout.local_aws import LocalAws
from rollout.local_lambda import function_url_config, signature
from rollout.local_lambda.callers import Caller
from rollout.local_lambda.errors import LambdaError
from rollout.local_lambda.model import Call

OURS = Credentials("local", "local")
CORS = {
    "AllowOrigins": ["https://a.example"],
    "AllowMethods": ["GET", "POST"],
    "AllowHeaders": ["x-a", "x-b"],
    "ExposeHeaders": ["x-c"],
    "AllowCredentials": True,
    "MaxAge": 300,
}
# What came, byte for byte: how the event tells it must not lose anything.
BOUNCE = """
import base64
def run(event, context):
    body = event.get("body", "")
    if not event["isBase64Encoded"]:
        body = base64.b64encode(body.encode()).decode()
    return {"statusCode": 200, "body": body, "isBase64Encoded": True}
"""


@pytest.fixture(scope="module")
def aws():
    with running() as aws:
        yield aws


@pytest.fixture(scope="module")
def client_of(aws):
    made = {}

    def client_of(service):
        if service not in made:
            made[service] = connect(aws, service)
        return made[service]

    yield client_of
    for each in made.values():
        each.close()


@pytest.fixture(scope="module")
def client(client_of):
    return client_of("lambda")


@pytest.fixture
def deploy(client, request):
    """Deploy code under the test's own name; it is removed afterwards."""
    made = []

    def deploy(code, **settings):
        name = f"u{hashlib.sha256(request.node.name.encode()).hexdigest()[:8]}"
        name += str(len(made))
        client.create_function(**request_for(name, code, **settings))
        made.append(name)
        client.get_waiter("function_active_v2").wait(FunctionName=name)
        return name

    yield deploy
    for name in made:
        with contextlib.suppress(client.exceptions.ResourceNotFoundException):
            client.delete_function(FunctionName=name)


@pytest.fixture
def url_of(client, deploy):
    """Deploy code and return the URL of a function that runs it."""

    def url_of(code, auth_type="NONE", **config):
        made = client.create_function_url_config(
            FunctionName=deploy(code), AuthType=auth_type, **config
        )
        return made["FunctionUrl"]

    return url_of


@pytest.fixture(scope="module")
def bounce(client):
    client.create_function(**request_for("bounce", BOUNCE))
    client.get_waiter("function_active_v2").wait(FunctionName="bounce")
    yield client.create_function_url_config(FunctionName="bounce", AuthType="NONE")[
        "FunctionUrl"
    ]
    client.delete_function(FunctionName="bounce")


@pytest.fixture(scope="module")
def iam_url(client):
    code = "def run(event, context): return event['requestContext']\n"
    client.create_function(**request_for("signed", code))
    client.get_waiter("function_active_v2").wait(FunctionName="signed")
    yield client.create_function_url_config(FunctionName="signed", AuthType="AWS_IAM")[
        "FunctionUrl"
    ]
    client.delete_function(FunctionName="signed")


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


def signed_headers(url, data=b"", credentials=OURS, **scope):
    """Return what botocore adds to a POST when it signs it."""
    request = AWSRequest("POST", url, {"X-Signed": "a  b"}, data)
    service, region = scope.get("service", "lambda"), scope.get("region", "us-east-1")
    SigV4Auth(credentials, service, region).add_auth(request)
    return dict(request.headers.items())


def post_signed(url, data=b"", *signer, sent=None, **scope):
    """Sign a POST and send it, or something else under its signature."""
    headers = signed_headers(url, data, *signer, **scope)
    request = urllib.request.Request(sent or url, data, headers, method="POST")
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with contextlib.closing(answer):
        return answer.status, answer.headers, json.loads(answer.read())


def by_urllib(url):
    return fetch(url)[2]


def by_aiohttp(url):
    async def get():
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return await answer.read()

    return asyncio.run(get())


def by_botocore(url):
    return URLLib3Session().send(AWSRequest("GET", url).prepare()).content


def by_curl(url):
    if not shutil.which("curl"):
        pytest.skip("there is no curl")
    return subprocess.check_output(["curl", "-sS", url])


@pytest.mark.parametrize("get", [by_urllib, by_aiohttp, by_botocore, by_curl])
def test_every_client_reaches_a_url_without_tricks(url_of, get):
    url = url_of("def run(event, context): return event['rawPath']\n")

    assert get(url + "a/b?c") == b"/a/b"


def test_an_event_tells_all_of_a_request_and_of_its_place(url_of):
    url = url_of(ECHO)
    authority = urlsplit(url).netloc
    caller = http.client.HTTPConnection(authority, timeout=30)
    caller.putrequest("PATCH", "/a%2Fb//c?x=1&x=%26&y&z=a+b", skip_accept_encoding=True)
    for name, text in [
        ("X-Twice", "1"),
        ("x-twice", "2"),
        ("Cookie", "a=1; b=2"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("Authorization", "Bearer x"),
        ("Connection", "close"),
        ("Content-Type", "application/json"),
        ("Content-Length", "4"),
    ]:
        caller.putheader(name, text)
    caller.endheaders(b'"\xc3\xbc"')
    answer = caller.getresponse()
    event = json.loads(answer.read())
    caller.close()
    context = event["requestContext"]
    moment = datetime.strptime(context["time"], "%d/%b/%Y:%H:%M:%S %z")
    port = authority.rpartition(":")[2]

    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
    assert abs(context["timeEpoch"] / 1000 - moment.timestamp()) < 2
    assert len(context["apiId"]) == 32
    assert event["headers"].pop("x-amzn-trace-id").startswith("Root=1-")
    assert event == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/a%2Fb//c",
        "rawQueryString": "x=1&x=%26&y&z=a+b",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "host": authority,
            "x-twice": "1,2",
            "cookie": "a=1; b=2",
            "authorization": "Bearer x",
            "content-type": "application/json",
            "content-length": "4",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": port,
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {"x": "1,&", "y": "", "z": "a b"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": context["apiId"],
            "domainName": authority,
            "domainPrefix": context["apiId"],
            "http": {
                "method": "PATCH",
                "path": "/a%2Fb//c",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": None,
            },
            "requestId": answer.headers["x-amzn-RequestId"],
            "routeKey": "$default",
            "stage": "$default",
            "time": context["time"],
            "timeEpoch": context["timeEpoch"],
        },
        "body": '"ü"',
        "isBase64Encoded": False,
    }


def test_the_function_knows_the_request_by_the_same_id_and_its_own_arn(client, url_of):
    code = (
        "def run(event, context):\n"
        "    return [context.aws_request_id, context.invoked_function_arn]\n"
    )
    url = url_of(code)
    _, headers, body = fetch(url)
    request_id, arn = json.loads(body)

    assert request_id == headers["x-amzn-RequestId"]
    assert client.get_function(FunctionName=arn)["Configuration"]["FunctionArn"] == arn


@given(
    body=st.binary(max_size=200),
    kind=st.sampled_from(
        ["", "text/plain", "application/json", "image/png", "text/html;charset=latin-1"]
    ),
)
def test_every_body_arrives_whole(bounce, body, kind):
    status, _, answered = fetch(bounce, body, "PUT", Content_Type=kind)

    assert (status, answered) == (200, body)


def test_a_body_in_chunks_arrives_too(bounce):
    status, _, body = fetch(bounce, iter([b"ab", b"c"]), "POST", Content_Type="a/b")

    assert (status, body) == (200, b"abc")


@pytest.mark.parametrize(
    ("returned", "status", "body"),
    [
        ("None", 200, b"null"),
        ("'wörld'", 200, "wörld".encode()),
        ("{'a': 'ü'}", 200, '{"a":"ü"}'.encode()),
        ("{'statusCode': 204}", 204, b""),
        ("{'statusCode': 404, 'body': None}", 404, b""),
        ("{'statusCode': 200, 'body': ''}", 200, b""),
        ("{'body': 'x'}", 200, b'{"body":"x"}'),
    ],
)
def test_what_a_function_returns_is_the_response(url_of, returned, status, body):
    answered = fetch(url_of(f"def run(event, context): return {returned}\n"))

    assert (answered[0], answered[2]) == (status, body)


@pytest.mark.parametrize(
    "returned",
    [
        "{'statusCode': 99}",
        "{'statusCode': 600}",
        "{'statusCode': 'teapot'}",
        "{'statusCode': None}",
        "{'statusCode': 200, 'body': {}}",
        "{'statusCode': 200, 'body': '%', 'isBase64Encoded': True}",
        "{'statusCode': 200, 'headers': []}",
        "{'statusCode': 200, 'headers': {'a': {}}}",
        "{'statusCode': 200, 'headers': {'a': 'b\\r\\nc: d'}}",
        "{'statusCode': 200, 'headers': {'a b': 'c'}}",
        "{'statusCode': 200, 'headers': {'a': '\\ud800'}}",
        "{'statusCode': 200, 'body': '\\ud800'}",
        "{'statusCode': 200, 'cookies': 'a=b'}",
        "{'statusCode': 200, 'cookies': ['a=b\\r\\nc: d']}",
        "b'no json'",
    ],
)
def test_what_is_no_response_is_a_bad_gateway(url_of, returned):
    status, _, body = fetch(url_of(f"def run(event, context): return {returned}\n"))

    assert (status, body) == (502, b"Internal Server Error")


@pytest.mark.parametrize(
    "code",
    [
        "raise ValueError('at import')\n",
        "import os\ndef run(event, context): os._exit(3)\n",
        "def run(event, context): return 'x' * 6_500_000\n",
    ],
    ids=["import", "exit", "too-large"],
)
def test_however_a_function_fails_it_is_a_bad_gateway(url_of, code):
    status, _, body = fetch(url_of(code))

    assert (status, body) == (502, b"Internal Server Error")


def test_headers_about_the_connection_are_renamed(url_of):
    code = (
        "def run(event, context):\n"
        "    headers = {'Content-Length': '99', 'Connection': 'x', 'X-Number': 1.5,\n"
        "               'Transfer-Encoding': 'chunked', 'content-type': 'text/html'}\n"
        "    return {'statusCode': 200, 'body': 'abc', 'headers': headers}\n"
    )
    _, headers, body = fetch(url_of(code))

    assert body == b"abc"
    assert headers["Content-Length"] == "3"
    assert headers["x-amzn-Remapped-Content-Length"] == "99"
    assert headers["x-amzn-Remapped-Connection"] == "x"
    assert headers["X-Number"] == "1.5"
    assert headers.get_all("Content-Type") == ["text/html"]
    assert "Transfer-Encoding" not in headers


def test_a_status_below_200_ends_the_connection(url_of):
    """
    A client takes it for the first of two responses, and would wait.
    """
    url = url_of("def run(event, context): return {'statusCode': 103}\n")
    with socket.create_connection(("127.0.0.1", urlsplit(url).port), 30) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b"".join(iter(lambda: caller.recv(65_536), b""))

    assert answer.startswith(b"HTTP/1.1 103 ")


def test_head_runs_the_function_and_leaves_out_the_body(bounce):
    status, _, body = fetch(bounce, method="HEAD")

    assert (status, body) == (200, b"")


def test_no_more_run_at_once_than_are_reserved(client, deploy):
    name = deploy(ECHO)
    made = client.create_function_url_config(FunctionName=name, AuthType="NONE")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    status, headers, body = fetch(made["FunctionUrl"])

    assert status == 429
    assert headers["x-amzn-ErrorType"] == "TooManyRequestsException"
    assert json.loads(body)["Reason"] == (
        "ReservedFunctionConcurrentInvocationLimitExceeded"
    )


def test_a_hundred_callers_are_served_at_once(url_of):
    url = url_of("def run(event, context): return event['rawPath']\n")
    with ThreadPoolExecutor(100) as threads:
        answers = list(threads.map(lambda n: fetch(f"{url}{n}"), range(100)))

    assert [body for _, _, body in answers] == [b"/%d" % n for n in range(100)]


@pytest.mark.parametrize("size", [6_291_457, 4_800_000])
def test_too_large_a_request_is_refused_by_the_event_it_makes(bounce, size):
    """
    Base64 makes a third more of what is not text.
    """
    status, headers, body = fetch(bounce, bytes(size), Content_Type="image/png")

    assert status == 413
    assert headers["x-amzn-ErrorType"] == "RequestEntityTooLargeException"
    assert json.loads(body)["Message"].startswith(
        "Request must be smaller than 6291456"
    )


def test_four_megabytes_of_anything_arrive(bounce):
    status, _, body = fetch(bounce, bytes(4_000_000), Content_Type="image/png")

    assert (status, len(body)) == (200, 4_000_000)


def test_a_preflight_is_answered_without_the_function(url_of):
    code = "def run(event, context): raise ValueError\n"
    url = url_of(code, "AWS_IAM", Cors=CORS)
    status, headers, body = fetch(url, method="OPTIONS", Origin="https://a.example")

    assert (status, body) == (200, b"")
    assert headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert headers["Access-Control-Allow-Methods"] == "GET,POST"
    assert headers["Access-Control-Allow-Headers"] == "x-a,x-b"
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert headers["Access-Control-Max-Age"] == "300"
    assert headers["Vary"] == "Origin"


def test_other_responses_get_the_configured_headers_beside_their_own(url_of):
    own = {"Access-Control-Allow-Origin": "*"}
    code = f"def run(e, c): return {{'statusCode': 200, 'headers': {own}}}\n"
    url = url_of(code, Cors=CORS)
    _, headers, _ = fetch(url, Origin="https://a.example")

    assert headers.get_all("Access-Control-Allow-Origin") == ["*", "https://a.example"]
    assert headers["Access-Control-Expose-Headers"] == "x-c"
    assert "Access-Control-Allow-Methods" not in headers


@pytest.mark.parametrize("origin", ["https://b.example", "null", None])
@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
def test_an_origin_that_is_not_allowed_gets_no_headers(url_of, origin, method):
    url = url_of(ECHO, Cors=CORS)
    sent = {"Origin": origin} if origin else {}
    status, headers, _ = fetch(url, method=method, **sent)

    assert status == 200
    assert not [name for name in headers if name.startswith("Access-Control-")]


def test_without_cors_options_is_a_request_like_others(url_of):
    url = url_of("def run(event, context): return 'asked'\n")
    _, headers, body = fetch(url, method="OPTIONS", Origin="https://a.example")

    assert body == b"asked"
    assert "Access-Control-Allow-Origin" not in headers


def test_refusals_have_cors_headers_too(url_of):
    url = url_of(ECHO, "AWS_IAM", Cors={"AllowOrigins": ["*"]})
    status, headers, _ = fetch(url, Origin="https://a.example")

    assert status == 403
    assert headers["Access-Control-Allow-Origin"] == "https://a.example"


def test_whoever_signs_with_our_own_pair_is_let_in(iam_url):
    url = iam_url + "a%2Fb%20c/%C3%BC?b=1&a=%2F&a=2&c&d=x%20y"
    status, _, context = post_signed(url, b"body")

    assert status == 200
    assert context["accountId"] == "123456789012"
    assert context["authorizer"]["iam"].keys() == {
        *("accessKey", "accountId", "callerId", "cognitoIdentity", "principalOrgId"),
        *("userArn", "userId"),
    }


def test_functions_can_call_each_other_with_what_they_have(client, iam_url, deploy):
    """
    Their credentials come with a token.
    """
    code = (
        "import os, urllib.request\n"
        "from botocore.auth import SigV4Auth\n"
        "from botocore.awsrequest import AWSRequest\n"
        "from botocore.session import get_session\n"
        "def run(event, context):\n"
        "    request = AWSRequest('GET', event)\n"
        "    credentials = get_session().get_credentials()\n"
        "    SigV4Auth(credentials, 'lambda', os.environ['AWS_REGION'])"
        ".add_auth(request)\n"
        "    headers = dict(request.headers.items())\n"
        "    sent = urllib.request.Request(event, headers=headers)\n"
        "    return urllib.request.urlopen(sent).status\n"
    )
    answer = client.invoke(
        FunctionName=deploy(code, Timeout=30), Payload=json.dumps(iam_url)
    )

    assert answer["Payload"].read() == b"200"


def test_a_user_is_known_by_a_key_for_as_long_as_it_is_active(client_of, iam_url):
    iam = client_of("iam")
    iam.create_user(UserName="joe")
    key = iam.create_access_key(UserName="joe")["AccessKey"]
    joe = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    named = {"UserName": "joe", "AccessKeyId": key["AccessKeyId"]}
    _, _, context = post_signed(iam_url, b"", joe)
    iam.update_access_key(Status="Inactive", **named)
    inactive, headers, told = post_signed(iam_url, b"", joe)
    iam.update_access_key(Status="Active", **named)
    active, _, _ = post_signed(iam_url, b"", joe)
    iam.delete_access_key(**named)
    deleted, _, _ = post_signed(iam_url, b"", joe)

    assert context["authorizer"]["iam"]["accessKey"] == key["AccessKeyId"]
    assert context["authorizer"]["iam"]["userArn"].endswith(":user/joe")
    assert (inactive, active, deleted) == (403, 200, 403)
    assert headers["x-amzn-ErrorType"] == "UnrecognizedClientException"
    assert told == {"message": "The security token included in the request is invalid."}


def test_a_role_is_known_by_its_session_and_needs_its_token(client_of, iam_url):
    role = "arn:aws:iam::123456789012:role/worker"
    given_ = client_of("sts").assume_role(RoleArn=role, RoleSessionName="me")
    keys = given_["Credentials"]
    pair = keys["AccessKeyId"], keys["SecretAccessKey"]
    status, _, context = post_signed(
        iam_url, b"", Credentials(*pair, keys["SessionToken"])
    )
    refusals = [
        post_signed(iam_url, b"", Credentials(*pair, token))[0] for token in (None, "x")
    ]

    assert status == 200
    arn = given_["AssumedRoleUser"]["Arn"]
    assert context["authorizer"]["iam"]["userArn"] == arn
    assert refusals == [403, 403]


@pytest.mark.parametrize(
    ("credentials", "scope", "code", "message"),
    [
        (Credentials("any", "any"), {}, "UnrecognizedClientException", "The security"),
        (Credentials("local", "x"), {}, "InvalidSignatureException", "The request sig"),
        (OURS, {"service": "s3"}, "InvalidSignatureException", "Credential should be"),
        (OURS, {"region": "eu-west-1"}, "InvalidSignatureException", "Credential sho"),
    ],
)
def test_signatures_of_others_and_for_others_are_refused(
    iam_url, credentials, scope, code, message
):
    status, headers, told = post_signed(iam_url, b"", credentials, **scope)

    assert status == 403
    assert headers["x-amzn-ErrorType"] == code
    assert told["message"].startswith(message)


def test_a_path_that_was_not_signed_is_refused(iam_url):
    status, headers, _ = post_signed(iam_url + "a", b"", sent=iam_url + "b")

    assert status == 403
    assert headers["x-amzn-ErrorType"] == "InvalidSignatureException"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
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


def test_curls_own_signatures_hold(iam_url):
    """
    A second opinion: its code is nobody's of ours.
    """
    if not shutil.which("curl"):
        pytest.skip("there is no curl")
    command = ["curl", "-sS", "--aws-sigv4", "aws:amz:us-east-1:lambda"]
    data = ["--user", "local:local", "--data", "a=1"]
    answer = subprocess.check_output([*command, *data, iam_url + "path"])

    assert json.loads(answer)["http"]["path"] == "/path"


CALLER = Caller("key", "arn", "id", "secret", expires_at=None)
KEYS = Credentials("key", "secret")


def check(headers, target, body=b"", caller=CALLER):
    """Return whether a POST passes, and why not."""

    async def identify(key):
        return caller if key == caller.access_key else None

    sent = CIMultiDictProxy(CIMultiDict(headers | {"Host": "h:1"}))
    request = signature.Signed("POST", target, sent, body)
    try:
        asyncio.run(signature.check(request, "us-east-1", identify))
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
    refusal, _ = check(headers, target, bytes(tampered)) or (None, None)
    other, _ = check(headers | {"X-Signed": "c"}, target, body) or (None, None)

    assert check(headers, target, body) is None
    assert refusal == other == "InvalidSignatureException"


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
    request = AWSRequest("POST", "http://h:1/", {"X-Amz-Content-SHA256": claimed}, b"a")
    SigV4Auth(KEYS, "lambda", "us-east-1").add_auth(request)
    headers = dict(request.headers.items())

    assert check(headers, "/", b"a")[0] == "InvalidSignatureException"


def test_a_signature_without_the_host_is_refused():
    """
    It would hold for the same request to another function.
    """

    class Hostless(SigV4Auth):
        def headers_to_sign(self, request):
            headers = super().headers_to_sign(request)
            del headers["host"]
            return headers

    request = AWSRequest("POST", "http://h:1/")
    Hostless(KEYS, "lambda", "us-east-1").add_auth(request)
    refusal = check(dict(request.headers.items()), "/")

    assert refusal[0] == "InvalidSignatureException"


def test_a_url_goes_with_its_configuration_and_with_its_function(client, deploy):
    name = deploy(ECHO)
    create = client.create_function_url_config
    first = create(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    client.delete_function_url_config(FunctionName=name)
    second = create(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    answered, _, _ = fetch(second)
    client.delete_function(FunctionName=name)

    assert answered == 200
    for url in (first, second):
        with pytest.raises(urllib.error.URLError):
            fetch(url)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function_url_config(FunctionName=name)


def test_a_connection_that_is_still_open_is_told_that_the_url_is_gone(client, deploy):
    name = deploy(ECHO)
    url = client.create_function_url_config(FunctionName=name, AuthType="NONE")
    caller = http.client.HTTPConnection(urlsplit(url["FunctionUrl"]).netloc, timeout=30)
    caller.request("GET", "/")
    before = caller.getresponse()
    before.read()
    client.delete_function_url_config(FunctionName=name)
    caller.request("GET", "/")
    after = caller.getresponse()

    assert (before.status, after.status) == (200, 403)
    assert after.headers["x-amzn-ErrorType"] == "AccessDeniedException"
    assert json.loads(after.read()) == {"Message": None}
    caller.close()


def test_a_request_under_way_outlives_its_url(client, deploy, shared_folder):
    code = (
        "import pathlib, time\n"
        "def run(event, context):\n"
        "    gate = pathlib.Path(event['headers']['gate'])\n"
        "    gate.with_suffix('.entered').touch()\n"
        "    while not gate.exists(): time.sleep(0.01)\n"
        "    return 'done'\n"
    )
    name = deploy(code, Timeout=30)
    url = client.create_function_url_config(FunctionName=name, AuthType="NONE")
    gate = shared_folder / "gate"
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(fetch, url["FunctionUrl"], Gate=str(gate))
        eventually(gate.with_suffix(".entered").exists)
        client.delete_function(FunctionName=name)
        gate.touch()

        assert answer.result()[2] == b"done"


def test_the_url_of_an_alias_runs_what_the_alias_stands_for(client, deploy):
    code = (
        "def run(event, context):\n"
        "    return [context.function_version, context.invoked_function_arn]\n"
    )
    name = deploy(code)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    made = client.create_function_url_config(
        FunctionName=name, Qualifier="live", AuthType="NONE"
    )
    version, arn = json.loads(fetch(made["FunctionUrl"])[2])
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="$LATEST")
    later, _ = json.loads(fetch(made["FunctionUrl"])[2])

    assert (version, later) == ("1", "$LATEST")
    assert arn == made["FunctionArn"]
    assert arn.endswith(f":{name}:live")


def test_an_update_holds_at_once_and_at_the_same_address(client, deploy):
    name = deploy(ECHO)
    url = client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")
    before, _, _ = fetch(url["FunctionUrl"])
    client.update_function_url_config(FunctionName=name, AuthType="NONE")
    after, _, _ = fetch(url["FunctionUrl"])

    assert (before, after) == (403, 200)


def test_urls_are_listed_in_pages(client, deploy):
    name = deploy(ECHO)
    client.publish_version(FunctionName=name)
    for alias in (None, "a", "b"):
        qualified = {"Qualifier": alias} if alias else {}
        if alias:
            client.create_alias(FunctionName=name, Name=alias, FunctionVersion="1")
        client.create_function_url_config(
            FunctionName=name, AuthType="NONE", **qualified
        )
    pages = list(
        client.get_paginator("list_function_url_configs").paginate(
            FunctionName=name, PaginationConfig={"PageSize": 2}
        )
    )
    listed = [
        url["FunctionUrl"] for page in pages for url in page["FunctionUrlConfigs"]
    ]

    assert [len(page["FunctionUrlConfigs"]) for page in pages] == [2, 1]
    assert len(set(listed)) == 3


def test_of_many_that_create_a_url_at_once_one_does():
    def make_function(aws):
        with contextlib.closing(connect(aws)) as client:
            client.create_function(**request_for("wanted", ECHO))

    async def race():
        async with LocalAws() as aws:
            await asyncio.to_thread(make_function, aws)
            control = aws._lambda._control
            asked = {"FunctionName": "wanted", "AuthType": "NONE"}
            call = Call("CreateFunctionUrlConfig", asked, "us-east-1")
            calls = [function_url_config.create(control, call) for _ in range(8)]
            made = await asyncio.gather(*calls, return_exceptions=True)
            return made, len(control.urls._targets)

    made, listening = asyncio.run(race())
    refusals = [each for each in made if isinstance(each, LambdaError)]

    assert len(made) - len(refusals) == listening == 1
    assert {each.code for each in refusals} == {"ResourceConflictException"}


@pytest.mark.parametrize("operation", ["create", "update"])
def test_streaming_is_refused_in_plain_words(client, deploy, operation):
    name = deploy(ECHO)
    if operation == "update":
        client.create_function_url_config(FunctionName=name, AuthType="NONE")
    status, code, message = refused(
        getattr(client, f"{operation}_function_url_config"),
        FunctionName=name,
        AuthType="NONE",
        InvokeMode="RESPONSE_STREAM",
    )

    assert (status, code) == (501, "NotImplementedException")
    assert message.startswith("InvokeMode RESPONSE_STREAM is not modelled")


def test_a_stopped_endpoint_answers_who_waits_and_leaves_no_url(shared_folder):
    entered = shared_folder / "entered"
    code = (
        "import pathlib, time\n"
        "def run(event, context):\n"
        f"    pathlib.Path({str(entered)!r}).touch()\n"
        "    time.sleep(60)\n"
    )
    with ThreadPoolExecutor(1) as thread:
        with running() as aws, contextlib.closing(connect(aws)) as client:
            client.create_function(**request_for("waits", code, Timeout=90))
            client.get_waiter("function_active_v2").wait(FunctionName="waits")
            url = client.create_function_url_config(
                FunctionName="waits", AuthType="NONE"
            )["FunctionUrl"]
            answer = thread.submit(fetch, url)
            eventually(entered.exists)
        status, _, _ = answer.result()

    assert status == 503
    with pytest.raises(urllib.error.URLError):
        fetch(url)
