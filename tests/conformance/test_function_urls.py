"""Function URLs: the operations on them, events, responses and refusals."""

import contextlib
import json
import time
import urllib.error
import urllib.request
import uuid

import pytest
from tests.lambda_api import ECHO, refusal_of, refused

CONFIGS = "LocalStack test_lambda_api TestLambdaUrl test_url_config_exceptions, 2023-11"
LIFE = "LocalStack test_lambda test_lambda_update_function_url_config, recorded 2025-11"
RESPONSES = "LocalStack test_lambda test_lambda_url_invocation, recorded 2025-11"
PAGE = "AWS Lambda developer guide, urls-invocation.html"
NO_FUNCTION = (404, "ResourceNotFoundException", "Function does not exist")
NO_URL = (
    404,
    "ResourceNotFoundException",
    "The resource you requested does not exist.",
)


@pytest.fixture
def url_of(lambda_client, on_aws):
    """
    Give a function a URL that is open to everybody, and return it.
    """

    def url_of(name):
        made = lambda_client.create_function_url_config(
            FunctionName=name, AuthType="NONE"
        )
        if on_aws:
            lambda_client.add_permission(
                FunctionName=name,
                StatementId=f"s{uuid.uuid4().hex}",
                Action="lambda:InvokeFunctionUrl",
                Principal="*",
                FunctionUrlAuthType="NONE",
            )
            time.sleep(10)  # new URLs and permissions take a while to spread
        return made["FunctionUrl"]

    return url_of


def fetch(url, data=None, **headers):
    """Return a response's status, headers and body, whatever its status."""
    request = urllib.request.Request(url, data, headers)
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    with contextlib.closing(answer):
        return answer.status, answer.headers, answer.read()


def without_metadata(answer):
    return {key: answer[key] for key in answer if key != "ResponseMetadata"}


@pytest.mark.fact(LIFE)
def test_a_configuration_is_shown_as_it_was_made_and_as_it_is_now(
    lambda_client, deploy, arn_of
):
    name = deploy(ECHO)
    made = lambda_client.create_function_url_config(FunctionName=name, AuthType="NONE")
    shown = lambda_client.get_function_url_config(FunctionName=name)

    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["FunctionArn"] == arn_of(name)
    assert made.keys() - {"ResponseMetadata"} == {
        *("FunctionUrl", "FunctionArn", "AuthType", "CreationTime"),
    }
    assert without_metadata(shown) == without_metadata(made) | {
        "InvokeMode": "BUFFERED",
        "LastModifiedTime": shown["LastModifiedTime"],
    }


@pytest.mark.fact(LIFE)
def test_an_update_changes_what_it_names_and_no_more(lambda_client, deploy):
    name = deploy(ECHO)
    cors = {"AllowOrigins": ["https://a.example"], "MaxAge": 5}
    before = lambda_client.create_function_url_config(
        FunctionName=name, AuthType="NONE", Cors=cors, InvokeMode="BUFFERED"
    )
    changed = lambda_client.update_function_url_config(
        FunctionName=name, AuthType="AWS_IAM"
    )
    same = lambda_client.update_function_url_config(FunctionName=name)

    assert before["Cors"] == changed["Cors"] == cors
    assert before["InvokeMode"] == changed["InvokeMode"] == "BUFFERED"
    assert changed["AuthType"] == same["AuthType"] == "AWS_IAM"
    assert changed["CreationTime"] == before["CreationTime"]
    assert changed["FunctionUrl"] == before["FunctionUrl"]


@pytest.mark.fact("LocalStack test_lambda_api test_url_config_list_paging, 2023-11")
def test_the_urls_of_a_function_and_its_aliases_are_listed(
    lambda_client, deploy, arn_of
):
    name = deploy(ECHO)
    version = lambda_client.publish_version(FunctionName=name)["Version"]
    lambda_client.create_alias(FunctionName=name, Name="a", FunctionVersion=version)
    none = lambda_client.list_function_url_configs(FunctionName=name)
    for qualified in ({}, {"Qualifier": "a"}):
        lambda_client.create_function_url_config(
            FunctionName=name, AuthType="NONE", **qualified
        )
    listed = lambda_client.list_function_url_configs(FunctionName=name)
    shown = listed["FunctionUrlConfigs"]

    assert none["FunctionUrlConfigs"] == []
    assert [each["FunctionArn"] for each in shown] == [arn_of(name), arn_of(name, "a")]
    assert {each["InvokeMode"] for each in shown} == {"BUFFERED"}


@pytest.mark.fact(
    "the error AWS answers is in Worklytics/psoxy, docs/aws/troubleshooting.md"
)
def test_a_function_has_one_url(lambda_client, deploy, arn_of):
    name = deploy(ECHO)
    create = lambda_client.create_function_url_config
    create(FunctionName=name, AuthType="NONE")
    message = (
        f"Failed to create function url config for [functionArn = {arn_of(name)}]. "
        "Error message:  FunctionUrlConfig exists for this Lambda function"
    )

    conflict = (409, "ResourceConflictException", message)
    assert refused(create, FunctionName=name, AuthType="NONE") == conflict


@pytest.mark.fact(CONFIGS)
@pytest.mark.parametrize("qualified", [{}, {"Qualifier": "alias"}])
def test_what_does_not_exist_is_told_in_two_ways(lambda_client, deploy, qualified):
    asked = {"FunctionName": deploy(ECHO) if qualified else "does-not-exist"}
    asked |= qualified

    client = lambda_client
    assert refused(client.get_function_url_config, **asked) == NO_URL
    assert refused(client.delete_function_url_config, **asked) == NO_URL
    assert refused(client.update_function_url_config, **asked) == NO_FUNCTION
    created = refused(client.create_function_url_config, AuthType="NONE", **asked)
    assert created == NO_FUNCTION


@pytest.mark.fact(CONFIGS)
def test_an_update_of_a_url_that_is_not_there_is_refused(lambda_client, deploy):
    update = lambda_client.update_function_url_config

    assert refused(update, FunctionName=deploy(ECHO)) == NO_URL


@pytest.mark.fact("LocalStack test_lambda_api test_url_config_list_paging, 2023-11")
def test_listing_the_urls_of_no_function_is_refused(lambda_client):
    asked = {"FunctionName": "does-not-exist"}

    assert refused(lambda_client.list_function_url_configs, **asked) == NO_FUNCTION


@pytest.mark.fact(CONFIGS)
@pytest.mark.parametrize("qualifier", ["1", "$LATEST"])
def test_versions_have_no_urls(lambda_client, deploy, qualifier):
    response = refusal_of(
        lambda_client.create_function_url_config,
        FunctionName=deploy(ECHO),
        Qualifier=qualifier,
        AuthType="NONE",
    )

    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["Error"] == {
        "Code": "ValidationException",
        "Message": (
            f"1 validation error detected: Value '{qualifier}' at 'qualifier' failed "
            "to satisfy constraint: Member must satisfy regular expression pattern: "
            r"((?!^\d+$)^[0-9a-zA-Z-_]+$)"
        ),
    }


@pytest.mark.fact(CONFIGS)
def test_two_different_qualifiers_are_refused(lambda_client, deploy, arn_of):
    name = arn_of(deploy(ECHO), "one")
    asked = {"FunctionName": name, "Qualifier": "other"}
    message = (
        "The derived qualifier from the function name does not match the specified "
        "qualifier."
    )

    mismatch = (400, "InvalidParameterValueException", message)
    assert refused(lambda_client.get_function_url_config, **asked) == mismatch


@pytest.mark.fact("LocalStack test_lambda test_lambda_url_invalid_invoke_mode, 2025-11")
def test_an_unknown_invoke_mode_is_refused(lambda_client, deploy):
    status, code, message = refused(
        lambda_client.create_function_url_config,
        FunctionName=deploy(ECHO),
        AuthType="NONE",
        InvokeMode="UNKNOWN",
    )

    assert (status, code) == (400, "ValidationException")
    assert message.startswith(
        "1 validation error detected: Value 'UNKNOWN' at 'invokeMode' failed to "
        "satisfy constraint: Member must satisfy enum value set: ["
    )


@pytest.mark.fact(PAGE)
def test_the_event_has_the_request_in_payload_format_2(deploy, url_of):
    url = url_of(deploy(ECHO))
    path = "path/1?q=query&q=%2Fbar&empty="
    headers = {"ExTrA-HeadErs": "With WeiRd CapS", "User-Agent": "test/echo"}
    _, answered, body = fetch(
        url + path, b'{"foo": 1}', **headers, **{"Content-Type": "application/json"}
    )
    event = json.loads(body)
    context = event["requestContext"]

    assert event["version"] == "2.0"
    assert event["routeKey"] == context["routeKey"] == context["stage"] == "$default"
    assert event["rawPath"] == context["http"]["path"] == "/path/1"
    assert event["rawQueryString"] == "q=query&q=%2Fbar&empty="
    assert event["queryStringParameters"] == {"q": "query,/bar", "empty": ""}
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
def test_what_there_is_none_of_is_not_in_the_event(deploy, url_of):
    _, _, body = fetch(url_of(deploy(ECHO)))
    event = json.loads(body)

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


@pytest.mark.fact("aws/aws-lambda-go#597, 2026-04: both are there")
def test_cookies_are_listed_and_stay_in_the_headers(deploy, url_of):
    _, _, body = fetch(url_of(deploy(ECHO)), Cookie="a=1; b=2")
    event = json.loads(body)

    assert event["cookies"] == ["a=1", "b=2"]
    assert event["headers"]["cookie"] == "a=1; b=2"


@pytest.mark.fact("middleapi/standard-server#93: captured from function URLs")
def test_the_path_stays_percent_encoded(deploy, url_of):
    _, _, body = fetch(url_of(deploy(ECHO)) + "a%2Fb%20c")

    assert json.loads(body)["rawPath"] == "/a%2Fb%20c"


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
def test_the_content_type_decides_whether_a_body_is_text(
    deploy, url_of, kind, is_binary
):
    _, _, body = fetch(url_of(deploy(ECHO)), b"abc", **{"Content-Type": kind})
    event = json.loads(body)

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
def test_any_json_is_a_response(deploy, url_of, returned, body):
    code = f"def run(event, context): return {returned}\n"
    status, headers, answered = fetch(url_of(deploy(code)), b"{'key':'value'}")

    assert (status, answered) == (200, body)
    assert headers["Content-Type"] == "application/json"
    assert headers["Content-Length"] == str(len(body))


@pytest.mark.fact(f"LocalStack test_lambda_url_headers_and_status, 2025-11; {PAGE}")
def test_a_status_code_makes_a_response_with_headers_and_cookies(deploy, url_of):
    code = (
        "def run(event, context):\n"
        "    return {\n"
        "        'statusCode': '418', 'body': 'dGVh', 'isBase64Encoded': True,\n"
        "        'headers': {'Content-Type': 'text/plain', 'My-Header': 'A Value'},\n"
        "        'cookies': ['a=1; Path=/', 'b=2'],\n"
        "    }\n"
    )
    status, headers, body = fetch(url_of(deploy(code)))

    assert (status, body) == (418, b"tea")
    assert headers["Content-Type"] == "text/plain"
    assert headers["My-Header"] == "A Value"
    assert headers.get_all("Set-Cookie") == ["a=1; Path=/", "b=2"]


@pytest.mark.fact("LocalStack test_lambda_url_invocation_exception, recorded 2025-11")
def test_a_failing_function_is_a_bad_gateway(deploy, url_of):
    code = "def run(event, context): raise ValueError('secret')\n"
    status, _, body = fetch(url_of(deploy(code)))

    assert (status, body) == (502, b"Internal Server Error")


@pytest.mark.fact("awslabs/route53-dynamic-dns-with-lambda#56")
def test_a_function_that_takes_too_long_is_a_bad_gateway_too(deploy, url_of):
    code = "import time\ndef run(event, context): time.sleep(5)\n"
    status, _, _ = fetch(url_of(deploy(code, Timeout=1)))

    assert status == 502


@pytest.mark.fact("AWS Lambda developer guide, urls-configuration.html, Throttling")
def test_a_url_without_concurrency_answers_429(lambda_client, deploy, url_of):
    name = deploy(ECHO)
    url = url_of(name)
    lambda_client.put_function_concurrency(
        FunctionName=name, ReservedConcurrentExecutions=0
    )
    status, _, _ = fetch(url)

    assert status == 429


@pytest.mark.fact("nextauthjs/next-auth#7215, anomalyco/sst#5705")
def test_a_request_that_makes_too_large_an_event_is_refused(deploy, url_of):
    body = b"x" * 6_291_456
    status, _, answered = fetch(
        url_of(deploy(ECHO)), body, **{"Content-Type": "text/plain"}
    )

    limit = "6291456 bytes for the InvokeFunction operation"
    assert status == 413
    assert json.loads(answered) == {"Message": f"Request must be smaller than {limit}"}


@pytest.mark.fact(
    "LocalStack test_lambda_permission_url_invocation, recorded 2025-11, for the text; "
    "AWS Lambda developer guide, urls-auth.html, for the signature"
)
def test_without_a_signature_an_iam_url_lets_nobody_in(lambda_client, deploy):
    url = lambda_client.create_function_url_config(
        FunctionName=deploy(ECHO), AuthType="AWS_IAM"
    )["FunctionUrl"]
    status, headers, body = fetch(url)

    assert status == 403
    assert headers["x-amzn-ErrorType"] == "AccessDeniedException"
    assert json.loads(body) == {
        "Message": (
            "Forbidden. For troubleshooting Function URL authorization issues, see: "
            "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
        )
    }


@pytest.mark.fact("LocalStack test_lambda_url_persists_after_alias_delete, 2025-11")
def test_the_url_of_a_deleted_alias_stays_and_lets_nobody_in(
    lambda_client, deploy, on_aws
):
    if on_aws:
        pytest.skip("AWS takes about a minute to notice; LocalStack's test waits")
    name = deploy(ECHO)
    version = lambda_client.publish_version(FunctionName=name)["Version"]
    lambda_client.create_alias(FunctionName=name, Name="a", FunctionVersion=version)
    url = lambda_client.create_function_url_config(
        FunctionName=name, Qualifier="a", AuthType="NONE"
    )["FunctionUrl"]
    before, _, _ = fetch(url)
    lambda_client.delete_alias(FunctionName=name, Name="a")
    status, headers, body = fetch(url)

    assert (before, status) == (200, 403)
    assert headers["x-amzn-ErrorType"] == "AccessDeniedException"
    assert json.loads(body)["Message"].startswith("Forbidden. ")
