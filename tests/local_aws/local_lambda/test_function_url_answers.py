"""Function URLs: what a function returns as a response, and CORS."""

import json
import socket
from urllib.parse import urlsplit

import pytest
from tests.support.lambda_api import ECHO, open_url
from tests.support.urllib_http import fetch

CORS = {
    "AllowOrigins": ["https://a.example"],
    "AllowMethods": ["GET", "POST"],
    "AllowHeaders": ["x-a", "x-b"],
    "ExposeHeaders": ["x-c"],
    "AllowCredentials": True,
    "MaxAge": 300,
}


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
    """A client takes it for the first of two responses, and would wait."""
    url = url_of("def run(event, context): return {'statusCode': 103}\n")
    with socket.create_connection(("127.0.0.1", urlsplit(url).port), 30) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b"".join(iter(lambda: caller.recv(65_536), b""))

    assert answer.startswith(b"HTTP/1.1 103 ")


def test_no_more_run_at_once_than_are_reserved(client, deploy):
    name = deploy(ECHO)
    url = open_url(client, name)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    status, headers, body = fetch(url)

    assert status == 429
    assert headers["x-amzn-ErrorType"] == "TooManyRequestsException"
    assert json.loads(body)["Reason"] == (
        "ReservedFunctionConcurrentInvocationLimitExceeded"
    )


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
