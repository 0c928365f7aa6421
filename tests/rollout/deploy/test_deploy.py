from dataclasses import replace

import pytest
from botocore.exceptions import ClientError, WaiterError

from rollout.deploy import deploy as deployment
from rollout.deploy import lambda_function, log_group, role
from rollout.deploy.deploy import ABSENT, FunctionSpec, deploy, destroy, status
from rollout.errors import DeployError, SettingError


@pytest.fixture
def worker(function_name):
    return FunctionSpec(name=function_name, handler="main.handler", memory_mb=256)


def test_a_first_deployment_makes_everything(target, worker, code):
    deployed = deploy(target, worker, code=code)

    assert deployed.state == "Active"
    assert (deployed.memory_mb, deployed.tmp_mb) == (256, 512)
    machine = target.machine_for("arm64")
    assert (deployed.runtime, deployed.architecture) == machine[:2]
    assert deployed.code_bytes == len(code)
    assert deployed.role == f"{worker.name}-us-east-1"
    assert deployed.log_group == f"/aws/lambda/{worker.name}"
    assert len(deployed.changes) == 3
    assert replace(deployed, changes=()) == status(target, worker.name)


def test_deploying_again_changes_nothing_and_says_so(target, worker, code):
    first = deploy(target, worker, code=code)
    again = deploy(target, worker, code=code)

    assert again.changes == ()
    assert replace(first, changes=()) == again


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"memory_mb": 512}, "MemorySize"),
        ({"timeout_s": 60}, "Timeout"),
        ({"tmp_mb": 1_024}, "EphemeralStorage"),
        ({"environment": {"CONTACT": "me"}}, "Environment"),
        ({"handler": "main.other"}, "Handler"),
        ({"url": "AWS_IAM"}, "URL, AWS_IAM"),
    ],
)
def test_only_what_differs_is_changed(target, worker, code, change, said):
    """
    A grid over memory takes seconds a step, because code and role stay as they are.
    """
    deploy(target, worker, code=code)
    wanted = replace(worker, **change)

    assert deploy(target, wanted, code=code).changes == (
        f"changed function {worker.name}: {said}",
    )
    assert deploy(target, wanted, code=code).changes == ()


def test_executions_are_replaced_when_asked_and_stay_otherwise(target, worker, zip_of):
    """
    A grid measures with executions that are all new, and at once again with these.
    """
    code = zip_of(
        "import uuid\nME = uuid.uuid4().hex\ndef handler(*_):\n    return ME\n"
    )

    def execution():
        answer = target.client("lambda").invoke(FunctionName=worker.name)
        return answer["Payload"].read()

    deploy(target, worker, code=code)
    first = execution()
    deploy(target, replace(worker, start="a"), code=code)
    second = execution()
    assert deploy(target, worker, code=code).changes == ()
    assert deploy(target, replace(worker, start="a"), code=code).changes == ()
    assert execution() == second != first

    deploy(target, replace(worker, start="b"), code=code)
    assert execution() not in {first, second}


def test_new_code_is_uploaded(target, worker, code, zip_of):
    before = deploy(target, worker, code=code)
    after = deploy(target, worker, code=zip_of("def handler(*_): pass\n"))

    assert after.changes == (f"changed function {worker.name}: code",)
    assert after.code_sha256 != before.code_sha256


def test_how_long_lines_are_kept_can_change(target, worker, code):
    deploy(target, worker, code=code)
    after = deploy(target, replace(worker, log_retention_days=1), code=code)

    assert after.changes == (
        f"changed log group /aws/lambda/{worker.name}: lines are kept for 1 days",
    )


def test_a_url_is_made_changed_and_taken_away(target, worker, code):
    assert not deploy(target, worker, code=code).url

    made = deploy(target, replace(worker, url="AWS_IAM"), code=code)
    assert made.url.startswith("http")
    open_to_all = deploy(target, replace(worker, url="NONE"), code=code)
    assert open_to_all.url == made.url
    assert open_to_all.changes == (f"changed function {worker.name}: URL, NONE",)

    gone = deploy(target, worker, code=code)
    assert not gone.url
    assert gone.changes == (f"changed function {worker.name}: no URL",)


def test_what_is_there_gets_the_tags_too(target, worker, code):
    """
    One looks for a run's costs by its tag, and the log group may be older.
    """
    deploy(target, worker, code=code)
    tagged = replace(worker, tags={"run": "r1"})
    own_role = role.role_name(target, worker.name)

    assert deploy(target, tagged, code=code).changes == (
        f"changed log group /aws/lambda/{worker.name}: tags",
        f"changed role {own_role}: tags",
        f"changed function {worker.name}: tags",
    )
    assert deploy(target, tagged, code=code).changes == ()


def test_everything_made_carries_our_tag(target, worker, code):
    deployed = deploy(target, replace(worker, tags={"owner": "me"}), code=code)
    wanted = {"project": "million-downloads", "owner": "me"}
    own_role = target.client("iam").get_role(RoleName=deployed.role)["Role"]
    function_tags = target.client("lambda").list_tags(Resource=deployed.arn)["Tags"]
    group_tags = target.client("logs").list_tags_for_resource(
        resourceArn=log_group.arn_of_streams(target, worker.name).removesuffix(":*")
    )["tags"]

    assert function_tags == wanted
    assert group_tags == wanted
    assert {tag["Key"]: tag["Value"] for tag in own_role["Tags"]} == wanted


def test_destroy_leaves_nothing_and_may_be_repeated(target, worker, code):
    deployed = deploy(target, worker, code=code)

    assert destroy(target, worker.name) == [
        f"function {worker.name}",
        f"log group {deployed.log_group}",
        f"role {deployed.role}",
    ]
    assert status(target, worker.name).state == ABSENT
    assert status(target, worker.name).role == ""
    assert status(target, worker.name).log_group == ""
    assert destroy(target, worker.name) == []


def test_destroy_removes_what_somebody_left_half_way(target, worker, code):
    deployed = deploy(target, worker, code=code)
    target.client("lambda").delete_function(FunctionName=worker.name)

    assert destroy(target, worker.name) == [
        f"log group {deployed.log_group}",
        f"role {deployed.role}",
    ]


def test_a_failed_first_deployment_cleans_up_after_itself(target, worker):
    with pytest.raises(DeployError, match="could not be deployed"):
        deploy(target, worker, code=b"this is no zip")

    found = status(target, worker.name)
    assert (found.state, found.role, found.log_group) == (ABSENT, "", "")


def test_a_failed_update_removes_nothing(target, worker, code):
    before = deploy(target, worker, code=code)

    with pytest.raises(DeployError):
        deploy(target, worker, code=b"this is no zip")

    assert replace(before, changes=()) == status(target, worker.name)


def test_somebody_elses_function_is_neither_changed_nor_removed(target, worker, code):
    """
    A slip in `--name` must not overwrite, or delete, what is in production.
    """
    client = target.client("lambda")
    deployed = deploy(target, worker, code=code)
    client.untag_resource(Resource=deployed.arn, TagKeys=["project"])

    with pytest.raises(DeployError, match="not ours to change or remove"):
        deploy(target, replace(worker, memory_mb=512), code=code)
    with pytest.raises(DeployError, match="not ours to change or remove"):
        destroy(target, worker.name)
    assert status(target, worker.name).memory_mb == 256

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
        ({"environment": {"LONG": "x" * 4_096}}, "Lambda takes 0 to 4,096 bytes"),
    ],
)
def test_settings_lambda_would_refuse_are_refused_before_any_call(setting, sentence):
    with pytest.raises(SettingError, match=sentence):
        FunctionSpec(**setting)


UNKNOWN_TO_KMS = (
    "Lambda was unable to configure access to your environment variables because the "
    "KMS key is invalid for CreateGrant. Please check your KMS key settings. KMS "
    "Exception: InvalidArnException KMS Message: ARN does not refer to a valid "
    "principal: arn:aws:sts::123456789012:assumed-role/t-us-east-1/t"
)
THROTTLED = (
    "Your request has been throttled by EC2, please make sure you have enough API rate "
    "limit. EC2 Error Code: RequestLimitExceeded."
)


@pytest.mark.parametrize(
    "text",
    [
        "The role defined for the function cannot be assumed by Lambda.",
        UNKNOWN_TO_KMS,
        THROTTLED,
    ],
)
def test_a_refusal_that_passes_is_waited_out(monkeypatch, text):
    """
    For some seconds after its creation neither Lambda nor KMS knows a role.
    """
    refusal = ClientError(
        {"Error": {"Code": "InvalidParameterValueException", "Message": text}}, "Create"
    )
    answers = iter([refusal, refusal, None])

    def call():
        answer = next(answers)
        if answer:
            raise answer

    monkeypatch.setattr(lambda_function, "_PAUSE_S", 0)
    lambda_function._retry_while_transient(call)

    assert next(answers, "all were used") == "all were used"


def test_a_function_that_never_gets_ready_is_explained_by_lambda():
    """
    The waiter's own words are about polls and attempts.
    """
    answer = {"Configuration": {"State": "Failed", "StateReason": "No space left"}}

    assert (
        deployment._message(WaiterError("active", "gave up", answer)) == "No space left"
    )


def test_other_refusals_are_not_waited_out():
    refusal = ClientError(
        {"Error": {"Code": "AccessDenied", "Message": "no"}}, "Create"
    )
    calls = []

    def call():
        calls.append(1)
        raise refusal

    with pytest.raises(ClientError):
        lambda_function._retry_while_transient(call)

    assert len(calls) == 1
