import pytest

from rollout.errors import TargetError
from rollout.limits import limit
from rollout.target import connect, machine

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
    """
    A user with no AWS set-up at all, on a machine that is not Amazon's.
    """
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_an_unknown_target_is_refused_with_the_known_ones():
    with pytest.raises(TargetError, match=r"'gcp'; it must be one of local, aws"):
        connect("gcp")


def test_the_local_target_without_an_endpoint_says_how_to_start_one():
    with pytest.raises(TargetError, match="rollout serve"):
        connect("local")


@pytest.mark.parametrize("url", ["127.0.0.1:4566", "ftp://127.0.0.1", "http://"])
def test_an_endpoint_that_is_no_address_is_refused(url):
    with pytest.raises(TargetError, match="must be an address such as"):
        connect("local", url)


def test_an_endpoint_that_does_not_answer_is_named_before_any_work(silent_url):
    """
    The first line a user reads says where and what to do, not which library failed.
    """
    with pytest.raises(TargetError, match="rollout serve") as caught:
        connect("local", silent_url)

    assert silent_url in str(caught.value)


def test_something_else_at_the_address_is_not_taken_for_an_endpoint(endpoint):
    with pytest.raises(TargetError, match="is not AWS, nor a local endpoint"):
        connect("local", endpoint.origin_url)


def test_the_local_target_reads_nothing_of_the_users_aws_setup(endpoint, monkeypatch):
    """
    A laptop with real keys, a broken profile or a proxy runs locally all the same, and
    the keys stay where they are.
    """
    for name, value in MISLEADING.items():
        monkeypatch.setenv(name, value)

    target = connect("local", endpoint.endpoint_url)

    assert target.credentials().access_key == "local"
    assert target.region == "us-east-1"
    assert target.proxy is None
    assert target.client("iam").list_roles()["Roles"] is not None


def test_the_local_target_runs_what_this_machine_is(target):
    here = (target.runtime, target.architecture, target.system)

    assert here == machine()
    assert target.allow_private
    assert target.account == "123456789012"
    assert target.partition == "aws"


def test_the_lambda_client_never_repeats_a_call(target):
    """
    An Invoke that is repeated is work done twice; one that waits too briefly is lost.
    """
    config = target.client("lambda").meta.config

    assert config.retries["total_max_attempts"] == 1
    assert config.read_timeout > limit("timeout_s").most


@pytest.mark.usefixtures("nobody")
def test_aws_differs_from_local_in_the_target_only(endpoint, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")

    target = connect("aws", endpoint.endpoint_url)

    assert (target.runtime, target.architecture) == ("python3.13", "arm64")
    assert target.system == "linux"
    assert target.region == "us-west-2"
    assert target.credentials().access_key == "key"
    assert not target.allow_private


@pytest.mark.usefixtures("nobody")
def test_aws_without_a_region_is_refused():
    with pytest.raises(TargetError, match="AWS_DEFAULT_REGION"):
        connect("aws")


@pytest.mark.usefixtures("nobody")
def test_aws_without_credentials_is_refused(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    with pytest.raises(TargetError, match="no AWS credentials"):
        connect("aws")


@pytest.mark.usefixtures("nobody")
def test_an_unreadable_aws_setup_is_refused(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")

    with pytest.raises(TargetError, match="no-such-profile"):
        connect("aws")
