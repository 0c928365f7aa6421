"""A deployment that fails removes what it made, and nothing else."""

from dataclasses import replace

import pytest
from tests.support.aws_target import NAME, POLICY

from rollout.deploy import role
from rollout.deploy.deployment import deploy, destroy, left, status
from rollout.errors import DeployError
from rollout.target.connection import connect


def create_behind(gate, spec, code, answer):
    """Have the function there by the time that its creation is answered."""
    behind = connect("local", gate.behind)

    def make(_):
        deploy(behind, spec, code=code)
        return answer

    gate.answers["CreateFunction"] = make


def test_what_a_failed_deployment_may_not_remove_it_names(aws, gate, spec, code):
    """And all that it needs or is found by: a function its role, both the log group."""
    own_role, group = role.role_name(aws, NAME), f"log group /aws/lambda/{NAME}"
    all_stay = [f"function {NAME}", group, f"role {own_role}"]
    for lacks, cannot_remove, stay in (
        ("lambda:CreateFunction", "iam:DeleteRole", all_stay[1:]),
        ("lambda:CreateFunctionUrlConfig", "lambda:DeleteFunction", all_stay),
    ):
        gate.policy = POLICY
        gate.policy = gate.without(lacks)
        gate.policy = gate.without(cannot_remove)
        with pytest.raises(DeployError) as caught:
            deploy(aws, spec, code=code)

        message = str(caught.value)
        assert message.index(lacks) < message.index(" could not be removed again: ")
        assert cannot_remove in message
        assert [one for one in stay if one in message] == stay
        gate.policy = POLICY
        assert left(aws, NAME) == stay
        destroy(aws, NAME)


def test_what_somebody_made_at_the_same_time_is_not_taken_back(aws, gate, spec, code):
    """Two deployments at once: the one that comes second and fails removes nothing."""
    deploy(aws, spec, code=code)

    def not_there_yet(_):
        del gate.answers["GetFunction"]
        return 404, {"Message": "not found"}

    gate.answers["GetFunction"] = not_there_yet
    gate.policy = gate.without("lambda:UpdateFunctionConfiguration")
    with pytest.raises(DeployError, match="UpdateFunctionConfiguration"):
        deploy(aws, replace(spec, memory_mb=256), code=code)

    assert status(aws, NAME).state == "Active"


def test_what_somebody_made_before_a_refusal_is_not_taken_back(aws, gate, spec, code):
    """AWS did nothing, so what is there by that name is theirs."""
    create_behind(gate, spec, code, (400, {"message": "Unzipped size must be smaller"}))
    with pytest.raises(DeployError, match="Unzipped size"):
        deploy(aws, spec, code=code)

    assert status(aws, NAME).state == "Active"


CAP = (
    "'MemorySize' value failed to satisfy constraint: Member must have value less than "
    "or equal to 3008"
)
PAGE = "<html>Sign in to the network</p></html>"


@pytest.mark.parametrize(
    ("operation", "answer", "message"),
    [
        (
            "CreateFunction",
            (400, {"message": CAP}),
            r"at most 3,008 MB.* Set `memory_mb` to 3008",
        ),
        ("CreateRole", (407, PAGE), "could not be deployed"),
    ],
    ids=["the memory cap of a new account", "a page of a proxy"],
)
def test_words_that_are_not_for_users_are_explained_and_nothing_is_left(
    aws, gate, spec, code, operation, answer, message
):
    gate.answers[operation] = answer

    with pytest.raises(DeployError, match=message):
        deploy(aws, replace(spec, memory_mb=10_240), code=code)
    assert left(aws, NAME) == []


def test_a_lost_answer_leaves_nothing_behind(aws, gate, spec, code):
    """Lambda made the function, and we were not told."""
    create_behind(gate, spec, code, (500, {"message": "Service error"}))
    with pytest.raises(DeployError, match="CreateFunction"):
        deploy(aws, spec, code=code)

    assert left(aws, NAME) == []


def test_every_answer_may_get_lost_once(aws, gate, spec, code, zip_of):
    """
    A repeated call then finds what the first one made, or removed: that is no conflict.
    """
    own = replace(spec, url="NONE")
    gate.loses |= {
        *("CreateLogGroup", "PutRetentionPolicy", "CreateRole", "PutRolePolicy"),
        *("CreateFunction", "CreateFunctionUrlConfig", "AddPermission"),
    }
    assert deploy(aws, own, code=code).state == "Active"
    gate.loses |= {"UpdateFunctionCode", "UpdateFunctionConfiguration"}
    gate.loses |= {"DeleteFunctionUrlConfig", "RemovePermission"}
    changed = replace(own, url="", memory_mb=256)
    deploy(aws, changed, code=zip_of("def handler(*_): pass\n"))
    assert (status(aws, NAME).memory_mb, status(aws, NAME).url) == (256, "")
    gate.loses |= {"DeleteFunction", "DeleteLogGroup", "DeleteRolePolicy", "DeleteRole"}
    destroy(aws, NAME)

    assert gate.loses == set()
    assert left(aws, NAME) == []
