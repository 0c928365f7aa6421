"""Function URLs: what a function returns as a response, and CORS."""

import socket
from urllib.parse import urlsplit

import pytest
from tests.support.urllib_http import fetch

# Returns what the request's body says in Python.
EVALUATE = "def run(event, context): return eval(event.get('body', '\"asked\"'))\n"
CORS = {
    "AllowOrigins": ["https://a.example"],
    "AllowMethods": ["GET", "POST"],
    "AllowHeaders": ["x-a", "x-b"],
    "ExposeHeaders": ["x-c"],
    "AllowCredentials": True,
    "MaxAge": 300,
}


@pytest.fixture(scope="module")
def url(deploy_for_all):
    return deploy_for_all(EVALUATE).open_url()


@pytest.fixture(scope="module")
def cors_url(deploy_for_all):
    return deploy_for_all(EVALUATE).open_url(Cors=CORS)


def returning(url, expression, **headers):
    """Return the response if a function returns that."""
    return fetch(url, expression.encode(), Content_Type="text/plain", **headers)


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
def test_what_a_function_returns_is_the_response(url, returned, status, body):
    assert returning(url, returned)[::2] == (status, body)


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
        "__import__('os')._exit(3)",
        "1 / 0",
        "'x' * 6_500_000",
    ],
)
def test_what_is_no_response_is_a_bad_gateway(url, returned):
    assert returning(url, returned)[::2] == (502, b"Internal Server Error")


def test_headers_about_the_connection_are_renamed(url):
    answer = {
        "Content-Length": "99",
        "Connection": "x",
        "X-Number": 1.5,
        "Transfer-Encoding": "chunked",
        "content-type": "text/html",
    }
    _, headers, body = returning(
        url, str({"statusCode": 200, "body": "abc", "headers": answer})
    )

    assert body == b"abc"
    assert headers["Content-Length"] == "3"
    assert headers["x-amzn-Remapped-Content-Length"] == "99"
    assert headers["x-amzn-Remapped-Connection"] == "x"
    assert headers["X-Number"] == "1.5"
    assert headers.get_all("Content-Type") == ["text/html"]
    assert "Transfer-Encoding" not in headers


def test_a_status_below_200_ends_the_connection(url):
    """A client takes it for the first of two responses, and would wait."""
    body = b"{'statusCode': 103}"
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
    with socket.create_connection(("127.0.0.1", urlsplit(url).port), 30) as caller:
        caller.sendall(head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        answer = b"".join(iter(lambda: caller.recv(65_536), b""))

    assert answer.startswith(b"HTTP/1.1 103 ")


def test_a_preflight_is_answered_without_the_function_and_refusals_have_headers_too(
    deploy,
):
    function = deploy("def run(event, context): raise ValueError\n")
    url = function.url("AWS_IAM", Cors=CORS)
    status, headers, body = fetch(url, method="OPTIONS", Origin="https://a.example")
    function.update_function_url_config(Cors={"AllowOrigins": ["*"]})
    refused, refusal, _ = fetch(url, Origin="https://a.example")

    assert (status, body) == (200, b"")
    assert headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert headers["Access-Control-Allow-Methods"] == "GET,POST"
    assert headers["Access-Control-Allow-Headers"] == "x-a,x-b"
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert headers["Access-Control-Max-Age"] == "300"
    assert headers["Vary"] == "Origin"
    assert refused == 403
    assert refusal["Access-Control-Allow-Origin"] == "https://a.example"


def test_other_responses_get_the_configured_headers_beside_their_own(cors_url):
    own = {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*"}}
    _, headers, _ = returning(cors_url, str(own), Origin="https://a.example")

    assert headers.get_all("Access-Control-Allow-Origin") == ["*", "https://a.example"]
    assert headers["Access-Control-Expose-Headers"] == "x-c"
    assert "Access-Control-Allow-Methods" not in headers


@pytest.mark.parametrize("origin", ["https://b.example", "null", None])
@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
def test_an_origin_that_is_not_allowed_gets_no_headers(cors_url, origin, method):
    sent = {"Origin": origin} if origin else {}
    status, headers, _ = fetch(cors_url, method=method, **sent)

    assert status == 200
    assert not [name for name in headers if name.startswith("Access-Control-")]


def test_without_cors_options_is_a_request_like_others(url):
    _, headers, body = fetch(url, method="OPTIONS", Origin="https://a.example")

    assert body == b"asked"
    assert "Access-Control-Allow-Origin" not in headers
