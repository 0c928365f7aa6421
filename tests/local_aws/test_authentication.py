"""Authentication: only signed requests are answered, and none of web pages."""

import contextlib
import hashlib
import stat
import subprocess
import sys
import time
import zipfile
from io import BytesIO
from pathlib import Path

import boto3
import psutil
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from tests.support.lambda_api import ECHO, PLAIN, connect, create
from tests.support.served_endpoint import serving
from tests.support.signed_requests import credentials_of, headers_signed
from tests.support.urllib_http import fetch

from local_aws.local_lambda.requests import access_keys
from rollout.__main__ import main
from rollout.errors import TargetError
from rollout.target.target import connect as connect_target

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
# How who signs nothing is refused, who has keys of others, and who guesses a secret.
REFUSED = {
    "lambda": ("", "UnrecognizedClientException", "InvalidSignatureException"),
    "s3": ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
    "logs": (
        "MissingAuthenticationTokenException",
        *("UnrecognizedClientException", "InvalidSignatureException"),
    ),
    **dict.fromkeys(
        ("iam", "sts"),
        (
            "MissingAuthenticationToken",
            *("InvalidClientTokenId", "SignatureDoesNotMatch"),
        ),
    ),
}
CALLS = {
    "lambda": lambda client: client.list_functions(),
    "s3": lambda client: client.list_buckets(),
    "iam": lambda client: client.create_user(UserName="theirs"),
    "sts": lambda client: client.get_caller_identity(),
    "logs": lambda client: client.create_log_group(logGroupName="theirs"),
}


@pytest.fixture(scope="module")
def ours(aws):
    return credentials_of(aws.keys)


@pytest.fixture(scope="module")
def made(client_of):
    """A client of each service, that signs with the endpoint's pair."""
    return {service: client_of(service) for service in CALLS}


@pytest.fixture(scope="module")
def bucket(made):
    made["s3"].create_bucket(Bucket="locked")
    made["s3"].put_object(Bucket="locked", Key="a b/ü+%.txt", Body=b"within")
    return "locked"


def client_with(aws, service, keys, **more):
    return contextlib.closing(
        boto3.client(
            service,
            endpoint_url=aws.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            aws_session_token=keys.token,
            config=PLAIN.merge(Config(**more)),
        )
    )


def refusal_with(aws, service, keys):
    """Return the status and code with which a service refuses who signs with keys."""
    with (
        client_with(aws, service, keys) as client,
        pytest.raises(ClientError) as caught,
    ):
        CALLS[service](client)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


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
    named = {name.replace("_", "-"): text for name, text in {**headers, **more}.items()}
    request = AWSRequest(method, url, named, body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(ours, service, "us-east-1").add_auth(request)
    return (url, body or None, method), dict(request.headers.items())


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
    request = AWSRequest("GET", url)
    S3SigV4Auth(ours, "s3", "us-east-1").add_auth(request)
    status, _, answer = fetch(url, **dict(request.headers.items()))

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


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls_hold_for_what_they_say_and_no_longer(
    aws, ours, bucket, version, monkeypatch
):
    with client_with(aws, "s3", ours, signature_version=version) as s3:
        named = {"Bucket": bucket, "Key": "a b/ü+%.txt"}
        url = s3.generate_presigned_url("get_object", named, ExpiresIn=60)
        put = {"Bucket": bucket, "Key": f"put-{version}", "ContentType": "a/b"}
        put_url = s3.generate_presigned_url("put_object", put)
    got = fetch(url)
    other = fetch(url.replace("%2B", "%2C"))
    as_put = fetch(url, b"theirs", "PUT")
    stored = fetch(put_url, b"body", "PUT", Content_Type="a/b")[0]
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + 61)
    late = fetch(url)

    assert (got[0], got[2]) == (200, b"within")
    assert stored == 200
    assert other[0] == as_put[0] == late[0] == 403
    assert b"SignatureDoesNotMatch" in other[2]
    assert b"Request has expired" in late[2]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("X-Amz-Copy-Source", "locked/a%20b/%C3%BC%2B%25.txt"),
        ("X-Amz-Acl", "public-read"),
        ("X-Amz-Tagging", "a=b"),
    ],
)
def test_a_presigned_url_does_only_what_was_signed(aws, ours, made, bucket, name, text):
    put = {"Bucket": bucket, "Key": "only-this"}
    with client_with(aws, "s3", ours, signature_version="s3v4") as s3:
        url = s3.generate_presigned_url("put_object", put)
    refused = fetch(url, b"", "PUT", **{name: text})
    there = made["s3"].list_objects_v2(Bucket=bucket, Prefix="only-this")

    assert refused[0] == 403
    assert b"<Code>AccessDenied</Code>" in refused[2]
    assert b"headers present in the request which were not signed" in refused[2]
    assert there["KeyCount"] == 0


@pytest.mark.parametrize("more", ["retention", "legal-hold", "list-type=2", "%61cl"])
def test_a_presigned_url_of_version_2_takes_no_other_parameters(
    aws, ours, bucket, more
):
    named = {"Bucket": bucket, "Key": "a b/ü+%.txt", "ResponseContentType": "a/b"}
    with client_with(aws, "s3", ours, signature_version="s3") as s3:
        url = s3.generate_presigned_url("get_object", named)
    name, _, text = more.partition("=")
    refused = fetch(f"{url}&{more}", **{name: text})

    assert fetch(url)[::2] == (200, b"within")
    assert refused[0] == 403
    assert b"<Code>AccessDenied</Code>" in refused[2]


def test_code_has_an_address_that_needs_no_further_signature(deploy):
    """As on AWS, where it is a presigned one of S3."""
    location = deploy(ECHO).get_function()["Code"]["Location"]
    status, _, content = fetch(location)
    bare = fetch(location.partition("?")[0])[0]

    assert status == 200
    assert zipfile.ZipFile(BytesIO(content)).namelist() == ["app.py"]
    assert bare == 403


def test_an_object_that_is_not_the_one_signed_is_not_stored(aws, made, ours, bucket):
    url = f"{aws.endpoint_url}/{bucket}/tampered"
    request = AWSRequest("PUT", url, {}, b"signed")
    request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(b"signed").hexdigest()
    S3SigV4Auth(ours, "s3", "us-east-1").add_auth(request)
    headers = dict(request.headers.items())
    refused = fetch(url, b"forged", "PUT", **headers)
    there = made["s3"].list_objects_v2(Bucket=bucket, Prefix="tampered")

    assert refused[0] == 400
    assert b"XAmzContentSHA256Mismatch" in refused[2]
    assert there["KeyCount"] == 0
    assert fetch(url, b"signed", "PUT", **headers)[0] == 200


@pytest.mark.usefixtures("aws")
def test_moto_listens_on_a_private_socket_only():
    """It checks no signatures."""
    motos = [
        child
        for child in psutil.Process().children()
        if "local_aws.moto_main" in child.cmdline()
    ]

    assert motos  # more than one if another module's endpoint is still here
    for moto in motos:
        path = Path(moto.cwd(), moto.cmdline()[-1])
        sockets = moto.net_connections("inet")
        assert not [one for one in sockets if one.status == psutil.CONN_LISTEN]
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        assert "-P" in moto.cmdline()


def test_a_module_in_the_working_directory_is_not_ours(tmp_path):
    """A file called flask.py or docker.py was run by the endpoint."""
    names = ("flask", "docker", "org", "moto", "werkzeug", "boto3", "rollout")
    for name in names:
        tmp_path.joinpath(f"{name}.py").write_text("open('ran', 'w').close()\n")
    script = (
        "from local_aws.endpoint_process import local_endpoint\n"
        "with local_endpoint():\n"
        "    pass\n"
    )
    command = [sys.executable, "-P", "-c", script]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)

    assert not tmp_path.joinpath("ran").exists()


def test_serve_prints_lines_to_paste_and_every_port_refuses_who_does_not_sign(tmp_path):
    """They are the endpoint's, the Runtime API's and the function URL's."""
    with serving(tmpdir=tmp_path) as served:
        lines = [served.process.stderr.readline() for _ in range(5)]
        pasted = dict(
            line.removeprefix("export ").strip().split("=", 1) for line in lines
        )
        open_ = [
            path
            for path in tmp_path.rglob("*")
            if stat.S_IMODE(path.lstat().st_mode) & 0o077
        ]
        with contextlib.closing(connect(served)) as client:
            function = create(client, "private", ECHO)
            url = function.url("AWS_IAM")
            function()
        server = psutil.Process(served.process.pid)
        addresses = {
            f"http://{one.laddr.ip}:{one.laddr.port}"
            for each in (server, *server.children(recursive=True))
            for one in each.net_connections("tcp")
            if one.status == psutil.CONN_LISTEN
        }
        statuses = [fetch(f"{address}/")[0] for address in addresses]
        session = boto3.Session(
            *(pasted[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")),
            *(pasted[f"AWS_{name}"] for name in ("SESSION_TOKEN", "DEFAULT_REGION")),
        )
        with contextlib.closing(
            session.client("sts", endpoint_url=pasted["AWS_ENDPOINT_URL"])
        ) as sts:
            account = sts.get_caller_identity()["Account"]

    for name in ("access_key_id", "secret_access_key"):
        assert pasted[f"AWS_{name.upper()}"] == served.told[name]
    assert account == "123456789012"
    assert open_ == []
    assert {served.endpoint_url, url.rstrip("/")} < addresses
    assert statuses == [403, 403, 403]


def test_any_credentials_admits_all_but_web_pages():
    with serving("--any-credentials") as served:
        url = f"{served.endpoint_url}/2015-03-31/functions/"
        warning = served.process.stderr.readline()
        anybody = fetch(url)[0]
        page = fetch(url, Origin="https://example.org")[0]
        image = fetch(url, Sec_Fetch_Site="cross-site")[0]
        strangers = connect_target(
            "local", served.endpoint_url, keys=access_keys.KeyPair("x", "y")
        )
        buckets = strangers.client("s3").list_buckets()["Buckets"]

    assert warning.startswith(
        "rollout: warning: --any-credentials accepts every request"
    )
    assert (anybody, page, image) == (200, 403, 403)
    assert buckets == []


def test_without_the_pair_the_error_says_to_paste_it(aws, monkeypatch, capsys):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(TargetError, match="Paste the `export` lines"):
        connect_target("local", aws.endpoint_url)

    assert main(["status", "--endpoint-url", aws.endpoint_url]) == 2
    assert "`rollout serve` printed" in capsys.readouterr().err


def test_a_secret_is_in_no_representation():
    keys = access_keys.KeyPair.random()

    assert keys.secret_access_key not in repr(keys)
    assert keys != access_keys.KeyPair.random()
