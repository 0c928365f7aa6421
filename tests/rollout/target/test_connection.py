import os
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from tests.support.http_proxy import HttpProxy

from aws_facts.limits import limit
from rollout.errors import TargetError
from rollout.target.clients import Clients
from rollout.target.connection import connect
from rollout.target.runtime_platform import machine

MISLEADING = {
    "AWS_ACCESS_KEY_ID": "real",
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_PROFILE": "no-such-profile",
    "AWS_CONFIG_FILE": "/no/such/file",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_MAX_ATTEMPTS": "many",
    "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
    "HTTP_PROXY": "http://127.0.0.1:1",
    "http_proxy": "http://127.0.0.1:1",
}


@pytest.fixture
def nobody(monkeypatch, tmp_path):
    """A user with no AWS set-up at all, on a machine that is not Amazon's."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.parametrize(
    ("name", "url", "message"),
    [
        ("gcp", "", "'gcp'; it must be one of local, aws"),
        ("local", "", "rollout serve"),
        ("local", "127.0.0.1:4566", "must be an address such as"),
        ("local", "ftp://127.0.0.1", "must be an address such as"),
        ("local", "http://", "must be an address such as"),
    ],
)
def test_what_is_no_target_is_refused(name, url, message):
    with pytest.raises(TargetError, match=message):
        connect(name, url)


def test_what_is_no_endpoint_is_named_before_any_work(endpoint, silent_url):
    """The first line says where and what to do, not which library failed."""
    with pytest.raises(TargetError, match=f"{silent_url}.*rollout serve"):
        connect("local", silent_url)
    with pytest.raises(TargetError, match="is neither AWS nor a local endpoint"):
        connect("local", endpoint.origin_url)


def test_the_local_target_is_this_machine_and_reads_nothing_of_the_users_aws_setup(
    endpoint, monkeypatch
):
    """
    A laptop with real keys, a broken profile or a proxy runs locally all the same, and
    the keys stay where they are.
    """
    for name, value in MISLEADING.items():
        monkeypatch.setenv(name, value)

    target = connect("local", endpoint.endpoint_url, keys=endpoint.keys)

    assert target.credentials().access_key == endpoint.keys.access_key_id
    assert target.region == "us-east-1"
    assert target.proxy is None
    assert target.client("iam").list_roles()["Roles"] is not None
    assert target.machine_for("arm64") == machine()
    assert target.runs_here
    assert target.allow_private
    assert (target.account, target.partition) == ("123456789012", "aws")


def test_an_invoke_is_waited_for_longer_than_the_longest_invocation(
    gated, gate, monkeypatch
):
    made, make = [], Clients._make

    def remembered(clients, service, config):
        made.append(make(clients, service, config))
        return made[-1]

    monkeypatch.setattr(Clients, "_make", remembered)
    gate.answers["InvokeFunction"] = (400, {"message": "no"})
    with pytest.raises(ClientError):
        replace(gated[1]).client("lambda").invoke(FunctionName="million-downloads-none")

    waits = [one.meta.config.read_timeout for one in made]
    assert waits[0] < limit("timeout_s").most < waits[1]


@pytest.mark.parametrize("status", [429, 500])
def test_lambda_is_asked_again_but_an_invoke_is_never_repeated(gated, gate, status):
    """
    AWS throttles an account at 15 calls a second. An Invoke repeated is work twice.
    """
    client = gated[1].client("lambda")
    heard = []

    def fail_at_first(_):
        heard.append("settings")
        if len(heard) > 1:
            del gate.answers["GetAccountSettings"]
        return status, {"message": "later"}

    gate.answers["GetAccountSettings"] = fail_at_first
    gate.answers["InvokeFunction"] = (status, {"message": "later"})
    assert client.get_account_settings()["AccountLimit"]
    with pytest.raises(ClientError, match="later"):
        client.invoke(FunctionName="million-downloads-none")

    assert len(heard) == 2
    assert len([one for one, _ in gate.asked if one == "InvokeFunction"]) == 1
    assert client.meta.config.read_timeout < limit("timeout_s").most


@pytest.mark.usefixtures("nobody")
def test_aws_differs_from_local_in_the_target_only(endpoint, monkeypatch):
    for name, text in endpoint.keys.environ().items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")

    target = connect("aws", endpoint.endpoint_url)

    assert target.machine_for("x86_64") == ("python3.13", "x86_64", "linux")
    assert not target.runs_here
    assert target.region == "us-west-2"
    assert target.credentials().access_key == endpoint.keys.access_key_id
    assert not target.allow_private


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "Set AWS_REGION"),
        ({"AWS_DEFAULT_REGION": "us-east-1"}, "no AWS credentials"),
        ({"AWS_PROFILE": "no-such-profile"}, "list-profiles` lists those there are"),
    ],
)
def test_an_incomplete_aws_setup_is_refused(monkeypatch, variables, message):
    for name, text in variables.items():
        monkeypatch.setenv(name, text)

    with pytest.raises(TargetError, match=message):
        connect("aws")


class Refusing(HttpProxy):
    """An STS that lets nobody in."""

    def __init__(self, code, status=403):
        self._code, self._status = code, status

    def handle(self, request, _body):
        self.refuse(request, "sts", self._status, self._code, "no")


@pytest.fixture
def set_up(nobody, tmp_path):  # noqa: ARG001 the home is nobody's
    """Write the user's AWS set-up: what goes into ~/.aws/config."""

    def write(text):
        path = tmp_path / ".aws" / "config"
        path.parent.mkdir()
        path.write_text(text)

    return write


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("ExpiredToken", "have expired: run `aws login --profile lab`"),
        ("InvalidClientTokenId", "does not know this access key"),
        ("SignatureDoesNotMatch", "The secret does not match"),
        ("AccessDenied", "Check your credentials"),
    ],
)
def test_credentials_aws_does_not_take_are_explained(set_up, code, remedy):
    keys = "aws_access_key_id = key\naws_secret_access_key = secret\n"
    set_up(f"[profile lab]\nregion = eu-west-1\n{keys}")

    with Refusing(code) as sts, pytest.raises(TargetError, match=remedy) as caught:
        connect("aws", sts.url, profile="lab")

    assert code in str(caught.value)


def test_an_endpoint_with_another_trouble_is_not_about_keys():
    with (
        Refusing("ServiceUnavailable", 503) as sts,
        pytest.raises(TargetError, match="answers with an error") as caught,
    ):
        connect("local", sts.url)

    assert "ServiceUnavailable" in str(caught.value)
    assert "export" not in str(caught.value)


def test_the_key_of_a_role_opens_a_local_endpoint(endpoint, monkeypatch):
    target = connect("local", endpoint.endpoint_url, keys=endpoint.keys)
    role = {"RoleArn": "arn:aws:iam::123456789012:role/r", "RoleSessionName": "me"}
    given = target.client("sts").assume_role(**role)["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", given["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", given["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", given["SessionToken"])
    ours = connect("local", endpoint.endpoint_url)

    assert ours.client("s3").list_buckets()["Buckets"] is not None
    assert ours.environ()["AWS_SESSION_TOKEN"] == given["SessionToken"]


SIGN_ON = (
    "sso_session = work\nsso_account_id = 123456789012\nsso_role_name = dev\n"
    "[sso-session work]\nsso_region = eu-west-1\n"
    "sso_start_url = https://example.invalid/start\n"
)


LOGIN = "login_session = arn:aws:iam::123456789012:user/me\n"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (SIGN_ON, r"cannot be used\. .*SSO.* Sign in: aws sso login --profile lab"),
        (LOGIN, r"Sign in: aws login --profile lab|python.* -m pip install \"botocore"),
        ("aws_access_key_id = key\n", "Partial credentials"),
    ],
    ids=["a sign-on that has ended", "a login that has ended", "half of a key pair"],
)
def test_a_profile_that_gives_no_credentials_is_refused(set_up, lines, message):
    set_up(f"[profile lab]\nregion = eu-west-1\n{lines}")

    with pytest.raises(TargetError, match=message):
        connect("aws", profile="lab")


@pytest.mark.parametrize(
    ("variables", "options", "region"),
    [
        ({}, {}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, {}, "eu-west-2"),
        ({"AWS_DEFAULT_REGION": "w", "AWS_REGION": "eu-west-3"}, {}, "eu-west-3"),
        ({"AWS_REGION": "eu-west-3"}, {"region": "us-east-2"}, "us-east-2"),
    ],
)
def test_the_region_is_the_one_the_aws_cli_would_take(
    endpoint, set_up, monkeypatch, variables, options, region
):
    set_up(
        "[profile lab]\nregion = eu-west-1\n"
        f"aws_access_key_id = {endpoint.keys.access_key_id}\n"
        f"aws_secret_access_key = {endpoint.keys.secret_access_key}\n"
    )
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    target = connect("aws", endpoint.endpoint_url, profile="lab", **options)

    assert (target.region, target.profile) == (region, "lab")
