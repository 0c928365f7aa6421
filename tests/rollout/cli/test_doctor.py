"""`rollout doctor`: what a newcomer reads before the first deployment."""

import json
from itertools import islice

import pytest
from tests.support.aws_target import NAME
from tests.support.permission_gate import allows
from tests.support.permissions_needed import Need

from rollout.__main__ import main
from rollout.deploy import log_group
from rollout.deploy.deployment import FunctionSpec, deploy, destroy
from rollout.doctor import examine, permissions

NOTHING = {"Statement": []}
_MEMBERS = "ActionNames.member.", "ResourceArns.member."


@pytest.fixture
def doctor(capsys):
    """Run `rollout doctor`; return its exit status, and its lines by subject."""

    def run(*words):
        status = main(["doctor", "--name", NAME, *words])
        out, err = capsys.readouterr()
        assert err == ""
        found, subject = {}, ""
        for line in out.split("\n\n")[0].splitlines():
            if line.startswith(" "):
                found[subject][1] += f" {line.strip()}"
                continue
            state, subject, *said = (part for part in line.split("  ") if part)
            found[subject.strip()] = [state.strip(), "".join(said)]
            subject = subject.strip()
        return status, {name: tuple(one) for name, one in found.items()}

    return run


@pytest.fixture
def aws(gated, gate):
    """
    The target `aws` of an account that IAM simulates, and whose quota is not listed.

    A result is about one action, and whether all the resources asked about allow it.
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html
    """
    gate.answers["ListServiceQuotas"] = (200, {"Quotas": []})

    def simulated(asked):
        results = "".join(
            f"<member><EvalActionName>{action}</EvalActionName><EvalDecision>{decision}"
            "</EvalDecision></member>"
            for action, decision in decisions(gate.policy, asked)
        )
        name = "SimulatePrincipalPolicy"
        return 200, (
            f'<{name}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
            f"<{name}Result><IsTruncated>false</IsTruncated><EvaluationResults>"
            f"{results}</EvaluationResults></{name}Result></{name}Response>"
        )

    gate.answers["SimulatePrincipalPolicy"] = simulated
    simulate = {"Action": "iam:SimulatePrincipalPolicy", "Resource": "*"}
    gate.policy = {"Statement": [*gate.policy["Statement"], simulate]}
    return gated[1]


def decisions(policy, asked):
    """Yield each action with what the policy decides for all resources together."""
    actions, arns = (
        [text for name, text in asked.items() if name.startswith(prefix)]
        for prefix in _MEMBERS
    )
    context = {}
    if key := asked.get("ContextEntries.member.1.ContextKeyName"):
        context = {key: asked["ContextEntries.member.1.ContextKeyValues.member.1"]}
    for action in actions:
        is_allowed = all(allows(policy, Need(action, arn, context)) for arn in arns)
        yield action, "allowed" if is_allowed else "implicitDeny"


def test_a_local_endpoint_is_well(doctor, endpoint, bucket):
    status, found = doctor("--endpoint-url", endpoint.endpoint_url, "--bucket", bucket)

    assert status == 0
    assert {state for state, _ in found.values()} == {"ok"}
    assert [*found] == [
        *("sign-in", "region", "permissions", "concurrency", "memory", "bandwidth"),
        *("buckets", "left over"),
    ]
    assert "nothing of an earlier deployment" in found["left over"][1]
    assert "begins with /aws/lambda/million-downloads" in found["left over"][1]


def test_whoever_is_not_signed_in_reads_what_to_do_about_it(doctor, silent_url):
    status, found = doctor("--endpoint-url", silent_url)

    assert status == 1
    state, said = found.pop("sign-in")
    assert (state, "Start one with `rollout serve`" in said) == ("not ok", True)
    assert {state for state, _ in found.values()} == {"could not look"}


@pytest.mark.usefixtures("aws")
def test_an_account_that_may_do_everything_is_well(doctor, gate):
    status, found = doctor("--target", "aws")

    assert status == 0
    assert found["permissions"] == (
        "ok",
        "all of deploy/permissions.json, as IAM simulates it",
    )
    assert found["memory"][0] == "could not look"  # AWS tells only what it refuses
    assert "refused its code, as it should, and named no cap" in found["memory"][1]
    assert found["bandwidth"][0] == "could not look"
    assert "up to 3,000 if AWS has raised it" in found["bandwidth"][1]
    made = {one for one, _ in gate.asked} - {"SimulatePrincipalPolicy"}
    assert made == {"ListServiceQuotas"}
    assert not {"iam:CreateRole", "logs:CreateLogGroup"} & gate.actions


@pytest.mark.usefixtures("aws")
def test_a_new_account_reads_its_caps_and_the_command_that_asks_for_more(doctor, gate):
    few = {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}
    gate.answers["GetAccountSettings"] = (200, {"AccountLimit": few})
    gate.answers["CreateFunction"] = (
        400,
        {
            "message": "'MemorySize' value failed to satisfy constraint: Member must "
            "have value less than or equal to 3008"
        },
    )
    status, found = doctor("--target", "aws")

    assert status == 1
    assert found["concurrency"][0] == found["memory"][0] == "not ok"
    assert "10 executions at once" in found["concurrency"][1]
    assert "--quota-code L-B99A9384 --desired-value 1000" in found["concurrency"][1]
    assert "at most 3,008 MB a function" in found["memory"][1]


@pytest.mark.usefixtures("aws")
def test_permissions_that_are_missing_are_named_with_what_grants_them(doctor, gate):
    gate.policy = gate.without("lambda:CreateFunction")
    gate.policy = gate.without("iam:PassRole")
    status, found = doctor("--target", "aws")

    assert status == 1
    state, said = found["permissions"]
    assert state == "not ok"
    assert said.startswith("missing: iam:PassRole, lambda:CreateFunction fix: aws iam")


def test_the_policy_is_not_for_functions_of_other_names_and_the_remedy_says_so(aws):
    _, _, found = islice(examine.examine(lambda: aws, "photos", []), 3)

    assert "lambda:CreateFunction" in found.detail
    assert found.remedy.startswith(
        "in deploy/permissions.json replace million-downloads by photos in the ARNs of "
        "functions and log groups; then aws iam create-policy"
    )


def test_permissions_for_roles_outside_of_their_path_do_not_count(aws, gate):
    text = json.dumps(gate.policy)
    gate.policy = json.loads(text.replace(":role/million-downloads*", f":role/{NAME}*"))
    found = permissions.look(aws, f"arn:aws:iam::{aws.account}:user/me", NAME)

    assert found.detail.startswith("missing: iam:CreateRole, iam:DeleteRole,")


def test_trouble_of_a_bucket_is_not_called_a_denial(aws, gate):
    gate.answers["ListBucket"] = (503, "")
    (found,) = examine._bucket(aws, NAME)

    assert found.state == "could not look"
    assert found.detail.startswith(f"{NAME}: HeadBucket: 503")


@pytest.mark.usefixtures("aws")
def test_a_denied_account_reads_line_by_line_what_could_not_be_seen(
    doctor, gate, bucket
):
    gate.policy = NOTHING
    status, found = doctor("--target", "aws", "--bucket", bucket)

    assert status == 1
    assert found["sign-in"][0] == found["region"][0] == "ok"
    state, said = found["permissions"]
    assert state == "not ok"
    assert said.startswith("lambda:GetFunction is denied fix: aws iam create-policy")
    for subject in ("concurrency", "memory", "bandwidth", "buckets", "left over"):
        assert found[subject][0] == "could not look"
        assert " is denied" in found[subject][1]


@pytest.mark.usefixtures("aws")
def test_without_simulation_looking_is_tried_and_the_rest_stays_open(doctor, gate):
    gate.policy = gate.without("iam:SimulatePrincipalPolicy")
    status, found = doctor("--target", "aws")

    assert status == 0
    assert found["permissions"][0] == "could not look"
    assert "looking is allowed" in found["permissions"][1]
    assert "fix: allow iam:SimulatePrincipalPolicy" in found["permissions"][1]


def test_what_earlier_deployments_left_is_found_by_any_name(doctor, aws, gate, code):
    """A whole one may be at work; of half a one nobody has any use."""
    name = f"{NAME}-other"
    deploy(aws, FunctionSpec(name=name, handler="main.handler"), code=code)
    _, found = doctor("--target", "aws")
    assert found["left over"][0] == "ok"
    where = f"--endpoint-url {gate.url} --region us-east-1"
    destruction = f"rollout destroy --target aws --name {name} {where}"
    assert destruction in found["left over"][1]

    aws.client("lambda").delete_function(FunctionName=name)
    status, found = doctor("--target", "aws")
    destroy(aws, name)

    assert (status, found["left over"][0]) == (1, "not ok")
    assert log_group.group_name(name) in found["left over"][1]
