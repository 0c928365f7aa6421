"""Requests to function URLs: events, responses and refusals."""

import json
import time

import pytest
from tests.support.lambda_api import RESERVED
from tests.support.lambda_functions import ECHO
from tests.support.lambda_permissions import FORBIDDEN
from tests.support.urllib_http import fetch

RESPONSES = "LocalStack test_lambda test_lambda_url_invocation, recorded 2025-11"
PAGE = "AWS Lambda developer guide, urls-invocation.html"


# Returns what the request's body says in Python.
EVALUATE = "def run(event, context): return eval(event['body'])\n"
TEXT = {"Content-Type": "text/plain"}


@pytest.fixture(scope="module")
def url_of(on_aws):
    """Give a function a URL that is open to everybody, and return it."""

    def url_of(function):
        url = function.open_url()
        if on_aws:
            time.sleep(10)  # new URLs and permissions take a while to spread
        return url

    return url_of


@pytest.fixture(scope="module")
def echo_url(echo, url_of):
    return url_of(echo)


@pytest.fixture(scope="module")
def returning(deploy_for_all, url_of):
    """Return the response if a function returns what a text says in Python."""
    url = url_of(deploy_for_all(EVALUATE))
    return lambda text: fetch(url, text.encode(), **TEXT)


def event_of(url, data=None, **headers):
    """Return the event that a request to an echoing URL makes."""
    return json.loads(fetch(url, data, **headers)[2])


@pytest.mark.fact(
    f"{PAGE}; aws/aws-lambda-go#597, 2026-04: cookies are in the headers, too; "
    "middleapi/standard-server#93, captured from function URLs: the path"
)
def test_the_event_has_the_request_in_payload_format_2(echo_url):
    path = "a%2Fb%20c/1?q=query&q=%2Fbar&empty="
    headers = {"ExTrA-HeadErs": "With WeiRd CapS", "User-Agent": "test/echo"}
    headers |= {"Content-Type": "application/json", "Cookie": "a=1; b=2"}
    _, answered, body = fetch(echo_url + path, b'{"foo": 1}', **headers)
    event = json.loads(body)
    context = event["requestContext"]

    assert event["version"] == "2.0"
    assert event["routeKey"] == context["routeKey"] == context["stage"] == "$default"
    assert event["rawPath"] == context["http"]["path"] == "/a%2Fb%20c/1"
    assert event["rawQueryString"] == "q=query&q=%2Fbar&empty="
    assert event["queryStringParameters"] == {"q": "query,/bar", "empty": ""}
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["headers"]["cookie"] == "a=1; b=2"
    assert event["headers"]["extra-headers"] == "With WeiRd CapS"
    assert event["headers"]["content-type"] == "application/json"
    assert context["http"]["method"] == "POST"
    assert context["http"]["userAgent"] == "test/echo"
    assert context["requestId"] == answered["x-amzn-RequestId"]
    assert context["domainPrefix"] == context["apiId"]
    assert abs(context["timeEpoch"] / 1000 - time.time()) < 60
    assert (event["body"], event["isBase64Encoded"]) == ('{"foo": 1}', False)


@pytest.mark.fact(
    "aws-powertools/powertools-lambda-python, tests/events/lambdaFunctionUrlEvent.json"
)
def test_what_there_is_none_of_is_not_in_the_event(echo_url):
    event = event_of(echo_url)

    assert event.keys() == {
        *("version", "routeKey", "rawPath", "rawQueryString", "headers"),
        *("requestContext", "isBase64Encoded"),
    }
    assert event["requestContext"].keys() == {
        *("accountId", "apiId", "domainName", "domainPrefix", "http", "requestId"),
        *("routeKey", "stage", "time", "timeEpoch"),
    }
    assert event["requestContext"]["accountId"] == "anonymous"
    assert (event["rawPath"], event["rawQueryString"]) == ("/", "")


@pytest.mark.fact(
    "ministackorg/ministack#766: measured for format 2.0; form-data also LocalStack "
    "test_lambda_url_form_payload, recorded 2025-11"
)
@pytest.mark.parametrize(
    ("kind", "is_binary"),
    [
        ("text/plain; charset=utf-8", False),
        ("application/json", False),
        ("application/xml", False),
        ("application/javascript", False),
        ("application/x-www-form-urlencoded", True),
        ("multipart/form-data; boundary=x", True),
        ("application/octet-stream", True),
    ],
)
def test_the_content_type_decides_whether_a_body_is_text(echo_url, kind, is_binary):
    event = event_of(echo_url, b"abc", Content_Type=kind)

    assert event["isBase64Encoded"] is is_binary
    assert event["body"] == ("YWJj" if is_binary else "abc")


@pytest.mark.fact(RESPONSES)
@pytest.mark.parametrize(
    ("returned", "body"),
    [
        ('{"hello": "world"}', b'{"hello":"world"}'),
        ('{"statusCode": 200, "body": "body123"}', b"body123"),
        ("""{"statusCode": 200, "body": '{"a": "b"}'}""", b'{"a": "b"}'),
        ('["hello", 3, True]', b'["hello",3,true]'),
        ('"hello"', b"hello"),
        ("3", b"3"),
        ("3.1", b"3.1"),
        ("True", b"true"),
    ],
)
def test_any_json_is_a_response(returning, returned, body):
    status, headers, answered = returning(returned)

    assert (status, answered) == (200, body)
    assert headers["Content-Type"] == "application/json"
    assert headers["Content-Length"] == str(len(body))


@pytest.mark.fact(f"LocalStack test_lambda_url_headers_and_status, 2025-11; {PAGE}")
def test_a_status_code_makes_a_response_with_headers_and_cookies(returning):
    answer = {
        "statusCode": "418",
        "body": "dGVh",
        "isBase64Encoded": True,
        "headers": {"Content-Type": "text/plain", "My-Header": "A Value"},
        "cookies": ["a=1; Path=/", "b=2"],
    }
    status, headers, body = returning(str(answer))

    assert (status, body) == (418, b"tea")
    assert headers["Content-Type"] == "text/plain"
    assert headers["My-Header"] == "A Value"
    assert headers.get_all("Set-Cookie") == ["a=1; Path=/", "b=2"]


@pytest.mark.fact("LocalStack test_lambda_url_invocation_exception, recorded 2025-11")
def test_a_failing_function_is_a_bad_gateway(returning):
    status, _, body = returning("secret")  # a NameError

    assert (status, body) == (502, b"Internal Server Error")


@pytest.mark.fact("awslabs/route53-dynamic-dns-with-lambda#56")
def test_a_function_that_takes_too_long_is_a_bad_gateway_too(deploy, url_of):
    code = "import time\ndef run(event, context): time.sleep(5)\n"

    assert fetch(url_of(deploy(code, Timeout=1)))[0] == 502


@pytest.mark.fact(
    "AWS Lambda developer guide, urls-configuration.html, Throttling; LocalStack "
    "test_reserved_concurrency, recorded 2025-11: the reason"
)
def test_a_url_without_concurrency_answers_429(deploy, url_of):
    function = deploy(ECHO)
    url = url_of(function)
    function.reserve(0)
    status, headers, body = fetch(url)

    assert status == 429
    assert headers["x-amzn-ErrorType"] == "TooManyRequestsException"
    assert json.loads(body)["Reason"] == RESERVED


@pytest.mark.fact("nextauthjs/next-auth#7215, anomalyco/sst#5705")
def test_a_request_that_makes_too_large_an_event_is_refused(echo_url):
    status, _, answered = fetch(echo_url, b"x" * 6_291_456, **TEXT)

    limit = "6291456 bytes for the InvokeFunction operation"
    assert status == 413
    assert json.loads(answered) == {"Message": f"Request must be smaller than {limit}"}


@pytest.mark.fact(
    "LocalStack test_lambda_permission_url_invocation, recorded 2025-11, for the text; "
    "AWS Lambda developer guide, urls-auth.html, for the signature"
)
def test_without_a_signature_an_iam_url_admits_no_request(deploy):
    """Whatever its policy lets everybody do."""
    function = deploy(ECHO)
    function.let_anybody_in()
    status, headers, body = fetch(function.url("AWS_IAM"))

    assert status == 403
    assert headers["x-amzn-ErrorType"] == "AccessDeniedException"
    assert json.loads(body) == FORBIDDEN


@pytest.mark.fact("LocalStack test_lambda_url_persists_after_alias_delete, 2025-11")
def test_the_url_of_a_deleted_alias_stays_and_admits_no_request(deploy, on_aws):
    if on_aws:
        pytest.skip("AWS takes about a minute to notice; LocalStack's test waits")
    function = deploy(ECHO)
    function.publish_version()
    function.alias("a", "1")
    url = function.open_url(Qualifier="a")
    before, _, _ = fetch(url)
    function.delete_alias(Name="a")
    status, headers, body = fetch(url)

    assert (before, status) == (200, 403)
    assert headers["x-amzn-ErrorType"] == "AccessDeniedException"
    assert json.loads(body)["Message"].startswith("Forbidden. ")
