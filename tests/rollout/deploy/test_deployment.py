from dataclasses import replace

import pytest
from botocore.exceptions import WaiterError

from rollout.deploy import deployment, function_url, lambda_function, log_group
from rollout.deploy.deployment import Deployed, FunctionSpec, deploy, destroy, status
from rollout.deploy.function_spec import as_service
from rollout.deploy.rollback import DeployStopped
from rollout.errors import DeployError, SettingError


@pytest.fixture
def spec(function_name):
    return FunctionSpec(name=function_name, handler="main.handler", memory_mb=256)


def test_a_first_deployment_makes_everything(target, spec, code):
    deployed = deploy(target, spec, code=code)

    assert deployed.state == "Active"
    assert (deployed.memory_mb, deployed.tmp_mb) == (256, 512)
    machine = target.machine_for("arm64")
    assert (deployed.runtime, deployed.architecture) == machine[:2]
    assert deployed.code_bytes == len(code)
    assert deployed.role == f"{spec.name}-us-east-1"
    assert deployed.log_group == f"/aws/lambda/{spec.name}"
    assert len(deployed.changes) == 3
    assert replace(deployed, changes=()) == status(target, spec.name)
    assert deploy(target, spec, code=code) == status(target, spec.name)


def test_only_what_differs_is_changed(target, spec, code, zip_of):
    """A grid over memory takes seconds a step, because code and role stay as are."""
    before = deploy(target, spec, code=code)
    assert not before.url
    for change, message in (
        ({"memory_mb": 512}, "function {}: MemorySize"),
        ({"timeout_s": 60}, "function {}: Timeout"),
        ({"tmp_mb": 1_024}, "function {}: EphemeralStorage"),
        ({"environment": {"CONTACT": "me"}}, "function {}: Environment"),
        ({"handler": "main.other"}, "function {}: Handler"),
        ({"url": "AWS_IAM"}, "function {}: URL, AWS_IAM"),
        ({"url": "NONE"}, "function {}: URL, NONE"),
        ({"url": ""}, "function {}: no URL"),
        ({"log_retention_days": 1}, "log group /aws/lambda/{}: lines are kept for 1 d"),
    ):
        spec = replace(spec, **change)
        after = deploy(target, spec, code=code)
        (changed,) = after.changes

        assert changed.startswith(f"changed {message.format(spec.name)}")
        assert after.url.startswith("http" if spec.url else "")
        assert bool(after.url) == bool(spec.url)
    assert deploy(target, spec, code=code).changes == ()
    after = deploy(target, spec, code=zip_of("def handler(*_): pass\n"))
    assert after.changes == (f"changed function {spec.name}: code",)
    assert after.code_sha256 != before.code_sha256


def test_all_that_is_made_or_was_there_carries_the_tags(target, spec, code):
    """One looks for a run's costs by its tag, and the log group may be older."""
    tags = {"project": "million-downloads", "owner": "me"}
    deployed = deploy(target, replace(spec, tags={"owner": "me"}), code=code)
    assert tags_of(target, deployed) == [tags] * 3

    tagged = replace(spec, tags={"run": "r1"})
    assert deploy(target, tagged, code=code).changes == (
        f"changed log group {deployed.log_group}: tags",
        f"changed role {deployed.role}: tags",
        f"changed function {spec.name}: tags",
    )
    assert tags_of(target, deployed) == [tags | {"run": "r1"}] * 3
    assert deploy(target, tagged, code=code).changes == ()


def tags_of(target, deployed):
    """Return the tags of the function, its log group and its role."""
    group = log_group.arn_of_streams(target, deployed.name).removesuffix(":*")
    own_role = target.client("iam").get_role(RoleName=deployed.role)["Role"]
    return [
        target.client("lambda").list_tags(Resource=deployed.arn)["Tags"],
        target.client("logs").list_tags_for_resource(resourceArn=group)["tags"],
        {tag["Key"]: tag["Value"] for tag in own_role["Tags"]},
    ]


def test_executions_are_replaced_when_asked_and_stay_otherwise(target, spec, zip_of):
    """
    A grid measures with executions that are all new, and at once again with these.
    """
    code = zip_of(
        "import uuid\nME = uuid.uuid4().hex\ndef handler(*_):\n    return ME\n"
    )

    def execution():
        answer = target.client("lambda").invoke(FunctionName=spec.name)
        return answer["Payload"].read()

    deploy(target, spec, code=code)
    first = execution()
    deploy(target, replace(spec, start="a"), code=code)
    second = execution()
    assert deploy(target, spec, code=code).changes == ()
    assert deploy(target, replace(spec, start="a"), code=code).changes == ()
    assert execution() == second != first

    deploy(target, replace(spec, start="b"), code=code)
    assert execution() not in {first, second}


@pytest.mark.parametrize("is_whole", [True, False])
def test_destroy_leaves_nothing_and_may_be_repeated(target, spec, code, is_whole):
    """Also of what somebody left half way."""
    deployed = deploy(target, spec, code=code)
    if not is_whole:
        target.client("lambda").delete_function(FunctionName=spec.name)

    assert destroy(target, spec.name) == [
        *([f"function {spec.name}"] if is_whole else []),
        f"role {deployed.role}",
        f"log group {deployed.log_group}",
    ]
    assert status(target, spec.name) == Deployed(name=spec.name)
    assert destroy(target, spec.name) == []


def test_a_failed_deployment_removes_what_it_made_and_nothing_else(target, spec, code):
    with pytest.raises(DeployError, match="could not be deployed"):
        deploy(target, spec, code=b"this is no zip")
    assert status(target, spec.name) == Deployed(name=spec.name)

    before = deploy(target, spec, code=code)
    with pytest.raises(DeployError):
        deploy(target, spec, code=b"this is no zip")
    assert status(target, spec.name) == replace(before, changes=())


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ((lambda_function, "_wait"), "the deployment was undone."),
        ((log_group, "find"), "nothing was deployed."),
    ],
    ids=["half way", "before anything"],
)
def test_a_deployment_that_is_stopped_is_undone_and_says_so(
    target, spec, code, monkeypatch, capsys, place, told
):
    """
    By Ctrl-C, or a notebook's stop button: one line there, and no traceback. A second
    Ctrl-C is not heeded while it is undone, so it says what takes so long.
    """

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*place, interrupt)
        with pytest.raises(DeployStopped) as caught:
            deploy(target, spec, code=code)

    assert caught.value._render_traceback_() == [f"Stopped: {told}"]
    assert capsys.readouterr().err.startswith("Undoing") == ("undone" in told)
    assert deployment.left(target, spec.name) == []


def test_a_change_that_is_stopped_says_how_far_it_came(target, spec, code, monkeypatch):
    deploy(target, spec, code=code)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(function_url, "ensure", interrupt)
    with pytest.raises(DeployStopped, match="MemorySize; deploy again to complete it"):
        deploy(target, replace(spec, memory_mb=512), code=code)

    assert status(target, spec.name).memory_mb == 512


def test_somebody_elses_function_is_neither_changed_nor_removed(target, spec, code):
    """A slip in `--name` must not overwrite, or delete, what is in production."""
    client = target.client("lambda")
    deployed = deploy(target, spec, code=code)
    client.untag_resource(Resource=deployed.arn, TagKeys=["project"])

    with pytest.raises(DeployError, match="not ours to change or remove"):
        deploy(target, replace(spec, memory_mb=512), code=code)
    with pytest.raises(DeployError, match="not ours to change or remove"):
        destroy(target, spec.name)
    assert status(target, spec.name).memory_mb == 256

    client.tag_resource(Resource=deployed.arn, Tags={"project": "million-downloads"})


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"memory_mb": 127}, "`memory_mb` is 127 MB; Lambda takes 128 to 10,240 MB"),
        ({"timeout_s": 901}, "`timeout_s` is 901 s"),
        ({"tmp_mb": 10_241}, "`tmp_mb` is 10,241 MB"),
        ({"name": "no spaces"}, "The function's name is 'no spaces'"),
        ({"architecture": "arm"}, "`architecture` is 'arm'; it must be one of: arm64"),
        ({"url": "IAM"}, "`url` is 'IAM'; it must be one of: AWS_IAM, NONE"),
        ({"log_retention_days": 2}, "`log_retention_days` is 2; CloudWatch takes"),
        ({"bucket": "No Bucket"}, "The bucket cannot be used"),
        ({"bucket": "photos/*"}, r"The prefix '\*' contains \*, a wildcard"),
        ({"tags": {"aws:x": "1"}}, "The tag's key is 'aws:x'"),
        ({"environment": {"LONG": "ø" * 2_048}}, "Lambda takes 0 to 4,096 bytes"),
        (
            {"environment": {"FETCHER_ALLOW_PRIVATE": "1"}},
            "FETCHER_ALLOW_PRIVATE is '1'; it must be true or false",
        ),
        (
            {"environment": {"FETCHER_JOB_URL": "1"}},
            "FETCHER_JOB_URL is no setting .* FETCHER_JOB_URLS",
        ),
    ],
)
def test_settings_lambda_would_refuse_are_refused_before_any_call(setting, sentence):
    with pytest.raises(SettingError, match=sentence):
        FunctionSpec(**setting)


def test_environment_variables_are_measured_in_utf_8_as_lambda_does(target, spec, code):
    """Spelled in ASCII, they would be up to three times as long."""
    spec = replace(spec, environment={"LONG": "ø" * 2_000})

    assert deploy(target, spec, code=code).state == "Active"


@pytest.mark.parametrize("bucket", ["photos", "s3://photos", "s3://photos/"])
def test_a_service_takes_a_whole_bucket_however_it_is_written(bucket):
    """Other commands take it as a URL, too; the worker reads its plain name."""
    spec = as_service(FunctionSpec(), "AWS_IAM", bucket)

    assert spec.bucket == spec.environment["FETCHER_BUCKET"] == "photos"
    with pytest.raises(SettingError, match="has a prefix"):
        as_service(FunctionSpec(), "AWS_IAM", f"{bucket.rstrip('/')}/2026")


def test_a_function_that_never_gets_ready_is_explained_by_lambda():
    """The waiter's own words are about polls and attempts."""
    answer = {"Configuration": {"State": "Failed", "StateReason": "No space left"}}
    error = WaiterError("active", "gave up", answer)

    assert deployment._message(error) == "No space left"
