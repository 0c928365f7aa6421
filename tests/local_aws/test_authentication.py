"""Authentication: only signed requests are answered, and none of web pages."""

import pytest
from botocore.credentials import Credentials
from tests.support.lambda_api import refused
from tests.support.signed_requests import client_with, headers_signed
from tests.support.urllib_http import fetch

ROLE = "arn:aws:iam::123456789012:role/worker"
ROLE_ELSEWHERE = "arn:aws:iam::210987654321:role/worker"
FORM = {"Content_Type": "application/x-www-form-urlencoded"}
TARGET = "Logs_20140328."
# Of each service: a request that tells something, and where there is one that changes.
HARMLESS = {
    "lambda": ("GET", "/2015-03-31/functions/", b"", {}),
    "s3": ("GET", "/", b"", {}),
    "iam": ("POST", "/", b"Action=ListUsers&Version=2010-05-08", FORM),
    "sts": ("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", b"", {}),
    "logs": ("POST", "/", b"{}", {"X_Amz_Target": f"{TARGET}DescribeLogGroups"}),
}
CREATE = b"Action=CreateUser&UserName=theirs&Version=2010-05-08"
GROUP = {"X_Amz_Target": f"{TARGET}CreateLogGroup"}
UNSIGNED = HARMLESS | {
    "s3": ("PUT", "/a-bucket-of-theirs", b"", {}),
    "iam": ("POST", "/", CREATE, FORM),
    "logs": ("POST", "/", b'{"logGroupName": "theirs"}', GROUP),
}
# Error codes for a missing signature, an unknown key and a wrong secret.
BY_JSON = ("UnrecognizedClientException", "InvalidSignatureException")
BY_QUERY = ("InvalidClientTokenId", "SignatureDoesNotMatch")
REFUSED = {
    "lambda": ("Missing Authentication Token", *BY_JSON),
    "s3": ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
    "logs": ("MissingAuthenticationTokenException", *BY_JSON),
    "iam": ("MissingAuthenticationToken", *BY_QUERY),
    "sts": ("MissingAuthenticationToken", *BY_QUERY),
}
CALLS = {
    "lambda": lambda client: client.list_functions(),
    "s3": lambda client: client.list_buckets(),
    "iam": lambda client: client.create_user(UserName="theirs"),
    "sts": lambda client: client.get_caller_identity(),
    "logs": lambda client: client.create_log_group(logGroupName="theirs"),
}


@pytest.fixture(scope="module")
def made(client_of):
    """A client of each service, that signs with the endpoint's pair."""
    return {service: client_of(service) for service in CALLS}


def refusal_with(aws, service, keys):
    """Return the status and code with which a service refuses who signs with keys."""
    with client_with(aws, service, keys) as client:
        return refused(lambda: CALLS[service](client))[:2]


def nothing_of_theirs(made):
    """Tell whether none of the requests above has left anything."""
    buckets = [one["Name"] for one in made["s3"].list_buckets()["Buckets"]]
    users = [one["UserName"] for one in made["iam"].list_users()["Users"]]
    groups = [
        one["logGroupName"] for one in made["logs"].describe_log_groups()["logGroups"]
    ]
    return not {"a-bucket-of-theirs", "theirs"} & {*buckets, *users, *groups}


@pytest.mark.parametrize("service", UNSIGNED)
def test_whoever_has_not_our_keys_is_refused_by_every_service_in_its_words(
    aws, made, ours, service
):
    method, path, body, headers = UNSIGNED[service]
    status, _, answer = fetch(aws.endpoint_url + path, body, method, **headers)
    missing, unknown, wrong = REFUSED[service]
    strangers = refusal_with(aws, service, Credentials("local", "local"))
    guessed = refusal_with(aws, service, Credentials(ours.access_key, "guess"))

    assert status == 403
    assert missing.encode() in answer
    assert strangers == (403, unknown)
    assert guessed == (403, wrong)
    assert nothing_of_theirs(made)


@pytest.mark.parametrize(
    "query",
    [
        "X-Amz-Signature=%C3%BC",
        "X-Amz-Expires=" + "9" * 5_000,
        "X-Amz-Date=%FF",
        "X-Amz-Credential={key}/20260101/%C3%BC/lambda/aws4_request",
        "AWSAccessKeyId={key}&Expires=99999999999&Signature=%C3%BC",
        "AWSAccessKeyId={key}&Signature=x&Expires=" + "9" * 5_000,
    ],
)
def test_a_signature_in_other_characters_is_refused_like_any_other(aws, ours, query):
    parts = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": "{key}/20260101/us-east-1/lambda/aws4_request",
        "X-Amz-Date": "20260101T000000Z",
        "X-Amz-Expires": "60",
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Signature": "0" * 64,
    }
    parts.pop(query.partition("=")[0], None)
    both = "&".join([query, *(f"{name}={text}" for name, text in parts.items())])
    url = f"{aws.endpoint_url}/a?{both.replace('{key}', ours.access_key)}"

    assert fetch(url)[0] in (400, 403)


def test_a_scope_in_other_characters_is_malformed(aws, ours):
    header = f"AWS4-HMAC-SHA256 Credential={ours.access_key}/20260101/\u00fc/lambda"
    header += f"/aws4_request, SignedHeaders=host, Signature={'0' * 64}"

    assert fetch(f"{aws.endpoint_url}/a", Authorization=header)[0] == 400


def signed_for(service, ours, aws, **more):
    """Return the URL and the headers of a harmless request to a service."""
    method, path, body, headers = HARMLESS[service]
    url = aws.endpoint_url + path
    more |= {"service": service, **headers}
    return (url, body or None, method), headers_signed(ours, method, url, body, **more)


@pytest.mark.parametrize("service", HARMLESS)
@pytest.mark.parametrize(
    "page",
    [
        {"Origin": "https://example.org"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},  # another port of this machine
    ],
    ids=str,
)
def test_a_page_in_a_browser_is_refused_whatever_it_signs(aws, ours, service, page):
    request, signed = signed_for(service, ours, aws)
    ours_own = fetch(*request, **signed)[0]
    status, got, text = fetch(*request, **signed, **page)

    assert (ours_own, status) == (200, 403)
    assert text == b"This endpoint does not serve web pages.\n"
    assert "Access-Control-Allow-Origin" not in got


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_an_address_typed_into_a_browser_is_not_of_a_page(aws, ours, site):
    request, signed = signed_for("lambda", ours, aws)

    assert fetch(*request, **signed, Sec_Fetch_Site=site)[0] == 200


@pytest.mark.parametrize(
    "host", ["rebound.example", "rebound.example:80", "", "192.0.2.1"]
)
def test_a_name_that_was_made_to_resolve_to_us_is_refused(aws, ours, host):
    """It would read S3 and code for a page of that name."""
    here = aws.endpoint_url.removeprefix("http://")
    answers = {}
    for name in (here, host):
        request, signed = signed_for("lambda", ours, aws, Host=name)
        answers[name] = fetch(*request, **signed | {"Host": name})
    status, _, text = answers[host]

    assert answers[here][0] == 200
    assert status == 403
    assert text.decode().startswith(f"This is {here}, not {host!r}")


def test_a_client_cannot_name_the_service_to_moto(aws, ours):
    """Signed for IAM, the request would be one to STS."""
    request, signed = signed_for("iam", ours, aws)

    assert b"<ListUsersResponse" in fetch(*request, **signed, X_Signed_For="sts")[2]


@pytest.mark.parametrize("service", ["ec2", "batch", "cloudformation", "dynamodb"])
def test_other_services_are_not_there(aws, ours, service):
    """moto has them all, and some run code in containers."""
    url = f"{aws.endpoint_url}/"
    body = b"Action=DescribeInstances&Version=2016-11-15"
    signed = headers_signed(ours, "POST", url, body, service=service)
    status, _, answer = fetch(url, body, "POST", **signed)

    assert status == 501
    assert service.encode() in answer


@pytest.mark.parametrize("path", ["/moto-api/data.json", "/latest/meta-data/iam/"])
def test_motos_own_pages_are_not_there(aws, ours, path):
    url = aws.endpoint_url + path
    signed = headers_signed(ours, "GET", url, service="s3")
    status, _, answer = fetch(url, **signed)

    assert status == 404
    assert b"NoSuchBucket" in answer


def test_keys_of_users_and_sessions_open_every_service(aws, made):
    made["iam"].create_user(UserName="ann")
    key = made["iam"].create_access_key(UserName="ann")["AccessKey"]
    ann = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    session = made["sts"].assume_role(RoleArn=ROLE, RoleSessionName="me")["Credentials"]
    pair = session["AccessKeyId"], session["SecretAccessKey"]
    far = made["sts"].assume_role(RoleArn=ROLE_ELSEWHERE, RoleSessionName="me")
    elsewhere = Credentials(*list(far["Credentials"].values())[:3])
    for keys in (ann, Credentials(*pair, session["SessionToken"]), elsewhere):
        for service in ("lambda", "s3", "sts"):
            with client_with(aws, service, keys) as client:
                CALLS[service](client)

    assert refusal_with(aws, "s3", Credentials(*pair)) == (400, "InvalidToken")
    assert refusal_with(aws, "lambda", Credentials(*pair, "x"))[0] == 403
