"""Who may call the function's URL: what is asked of AWS, over real HTTP."""

import json
from dataclasses import replace

import pytest

from rollout.errors import DeployError
from rollout.worker import Worker, deploy, destroy

NAME = "million-downloads-u"
ANYBODY = ["anybody-may-call-the-url", "anybody-may-invoke-by-the-url"]


@pytest.fixture
def aws(gated, gate):
    _, target = gated
    yield target
    gate.answers.clear()
    destroy(target, NAME)


@pytest.fixture
def policy(gate):
    """
    The function's policy, kept as AWS would.
    """
    statements = {}

    def get(_):
        if not statements:
            return 404, {"Message": "The resource you requested does not exist."}
        found = [{"Sid": name} for name in statements]
        return 200, {"Policy": json.dumps({"Statement": found})}

    def add(asked):
        statements[asked["StatementId"]] = asked
        return 201, {"Statement": "{}"}

    def remove(_):
        statements.popitem()
        return 204, ""

    gate.answers |= {
        "GetPolicy": get,
        "AddPermission": add,
        "RemovePermission": remove,
    }
    return statements


@pytest.fixture
def worker():
    return Worker(name=NAME, handler="main.handler", url="NONE")


def test_a_url_for_anybody_lets_anybody_in_by_the_url_only(aws, policy, worker, code):
    """
    Since October 2025 it takes both.
    https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    """
    deploy(aws, worker, code=code)

    call, invoke = policy.values()
    assert list(policy) == ANYBODY
    assert call["Action"] == "lambda:InvokeFunctionUrl"
    assert call["FunctionUrlAuthType"] == "NONE"
    assert invoke["Action"] == "lambda:InvokeFunction"
    assert invoke["InvokedViaFunctionUrl"] is True
    assert call["Principal"] == invoke["Principal"] == "*"


def test_a_url_for_signed_requests_lets_nobody_else_in(aws, policy, worker, code):
    deploy(aws, replace(worker, url="AWS_IAM"), code=code)

    assert not policy


@pytest.mark.parametrize("url", ["AWS_IAM", ""])
def test_who_was_let_in_is_shut_out_before_the_url_changes(
    aws, gate, policy, worker, code, url
):
    deploy(aws, worker, code=code)
    gate.needed.clear()
    deploy(aws, replace(worker, url=url), code=code)

    assert not policy
    actions = [need.action for need in gate.needed]
    change = "Update" if url else "Delete"
    assert actions.index("lambda:RemovePermission") < actions.index(
        f"lambda:{change}FunctionUrlConfig"
    )


def test_a_permission_that_is_missing_is_given_again(aws, policy, worker, code):
    deploy(aws, worker, code=code)
    policy.popitem()

    assert deploy(aws, worker, code=code).changes == (
        f"changed function {NAME}: URL, NONE",
    )
    assert list(policy) == ANYBODY
    assert deploy(aws, worker, code=code).changes == ()


def test_a_first_deployment_that_cannot_let_anybody_in_leaves_nothing(
    aws, worker, code
):
    """
    The local Lambda has no policies, and says so.
    """
    with pytest.raises(DeployError, match="local Lambda"):
        deploy(aws, worker, code=code)

    assert destroy(aws, NAME) == []
