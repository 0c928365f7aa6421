"""Who may call the function's URL: what is asked of AWS, over real HTTP."""

import json
from dataclasses import replace

import pytest
from tests.support.aws_target import NAME
from tests.support.urllib_http import fetch

from rollout.deploy.deployment import FunctionSpec, deploy
from rollout.errors import DeployError
from rollout.target.connection import connect

ANYBODY = ["anybody-may-call-the-url", "anybody-may-invoke-by-the-url"]


@pytest.fixture
def client(gate):
    """Lambda, past the gate."""
    return connect("local", gate.behind).client("lambda")


@pytest.fixture
def policy(client):
    """Return the statements of the function's policy, by their ids."""

    def policy():
        try:
            text = client.get_policy(FunctionName=NAME)["Policy"]
        except client.exceptions.ResourceNotFoundException:
            return {}
        return {one["Sid"]: one for one in json.loads(text)["Statement"]}

    return policy


@pytest.fixture
def spec():
    return FunctionSpec(name=NAME, handler="main.handler", url="NONE")


def test_a_url_for_anybody_lets_anybody_in_by_the_url_only(aws, policy, spec, code):
    """
    Since October 2025 it takes both.
    https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    """
    signed = deploy(aws, replace(spec, url="AWS_IAM"), code=code).url
    assert not policy()
    assert fetch(signed)[0] == 403

    assert deploy(aws, spec, code=code).url == signed
    assert fetch(signed)[0] == 200
    assert list(policy()) == ANYBODY
    call, invoke = policy().values()
    assert call["Action"] == "lambda:InvokeFunctionUrl"
    assert call["Condition"] == {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}
    assert invoke["Action"] == "lambda:InvokeFunction"
    assert invoke["Condition"] == {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
    assert call["Principal"] == invoke["Principal"] == "*"


@pytest.mark.parametrize("url", ["AWS_IAM", ""])
def test_who_was_let_in_is_shut_out_before_the_url_changes(
    aws, gate, policy, spec, code, url
):
    deploy(aws, spec, code=code)
    gate.needed.clear()
    deploy(aws, replace(spec, url=url), code=code)

    assert not policy()
    actions = [need.action for need in gate.needed]
    change = "Update" if url else "Delete"
    assert actions.index("lambda:RemovePermission") < actions.index(
        f"lambda:{change}FunctionUrlConfig"
    )


def test_a_permission_that_is_missing_is_given_again(aws, client, policy, spec, code):
    deploy(aws, spec, code=code)
    client.remove_permission(FunctionName=NAME, StatementId=ANYBODY[1])

    assert deploy(aws, spec, code=code).changes == (
        f"changed function {NAME}: URL, NONE",
    )
    assert list(policy()) == ANYBODY
    assert deploy(aws, spec, code=code).changes == ()


def test_somebody_who_made_the_url_at_the_same_time_does_not_let_others_in(
    aws, gate, client, policy, spec, code
):
    """Whoever comes last decides, as for the function's other settings."""

    def exists(_):
        client.create_function_url_config(FunctionName=NAME, AuthType="NONE")
        return 409, {"Message": "FunctionUrlConfig exists for this Lambda function"}

    gate.answers["CreateFunctionUrlConfig"] = exists
    deploy(aws, replace(spec, url="AWS_IAM"), code=code)

    assert client.get_function_url_config(FunctionName=NAME)["AuthType"] == "AWS_IAM"
    assert not policy()


def test_a_url_that_could_not_be_changed_is_not_said_to_be(aws, gate, spec, code):
    deploy(aws, spec, code=code)
    gate.answers["UpdateFunctionUrlConfig"] = (409, {"Message": "is in use elsewhere"})

    with pytest.raises(DeployError, match=r"UpdateFunctionUrlConfig.*in use elsewhere"):
        deploy(aws, replace(spec, url="AWS_IAM"), code=code)
