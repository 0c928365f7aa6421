"""A function in the user's network: what is asked of Lambda, over real HTTP."""

import json
import re
from dataclasses import replace
from fnmatch import fnmatchcase
from uuid import uuid4

import pytest
from botocore.session import get_session
from tests.support.aws_target import NAME, interfaces, policies_of

from rollout.deploy import role, vpc_efs_config
from rollout.deploy.deployment import FunctionSpec, deploy, destroy, left, status
from rollout.deploy.policies import NAMES
from rollout.deploy.vpc_efs_config import Efs, Vpc
from rollout.errors import DeployError, SettingError

POINT = (
    "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/"
    "fsap-0123456789abcdef0"
)
VPC = Vpc(subnets=("subnet-2", "subnet-1"), security_groups=("sg-1",))
EFS = Efs(access_point=POINT)
ASKED = {
    "VpcConfig": {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
    "FileSystemConfigs": [{"Arn": POINT, "LocalMountPath": "/mnt/files"}],
}
NEW_ROLE = (
    "The provided execution role does not have permissions to call "
    "CreateNetworkInterface on EC2"
)


@pytest.fixture
def spec():
    return FunctionSpec(name=NAME, handler="main.handler", vpc=VPC, efs=EFS)


def answer_as_lambda(gate, **configuration):
    """Let there be a function that is in a network, which the local Lambda has not."""
    found = {
        "FunctionName": NAME,
        "FunctionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{NAME}",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "Runtime": "python3.13",
        "Architectures": ["arm64"],
        "Handler": "main.handler",
        "MemorySize": 1_769,
        "Timeout": 300,
        "EphemeralStorage": {"Size": 512},
        "CodeSha256": "",
        "CodeSize": 1,
        "Role": "arn:aws:iam::123456789012:role/million-downloads/x",
    } | configuration
    tags = {"project": "million-downloads"}
    gate.answers |= {
        "CreateFunction": (201, found),
        "UpdateFunctionCode": (200, found),
        "UpdateFunctionConfiguration": (200, found),
        "GetFunctionUrlConfig": (404, {"Message": "none"}),
        "GetFunction": (200, {"Configuration": found, "Tags": tags}),
    }


def asked_of(gate, operation):
    return [asked for name, asked in gate.asked if name == operation]


def test_a_new_function_is_put_into_the_network_and_mounts_the_file_system(
    aws, gate, spec, code
):
    answer_as_lambda(gate)
    there = gate.answers.pop("GetFunction")
    not_there = (404, {"Message": f"Function not found: {NAME}"})
    gate.answers["GetFunction"] = lambda _: (
        there if asked_of(gate, "CreateFunction") else not_there
    )
    deploy(aws, spec, code=code)

    (asked,) = asked_of(gate, "CreateFunction")
    assert {name: asked[name] for name in ASKED} == ASKED
    assert asked["Architectures"] == ["arm64"]
    assert "elasticfilesystem:DescribeMountTargets" in gate.actions


def test_the_stand_in_refuses_a_network_in_plain_words_and_nothing_is_left(
    aws, gate, spec, code
):
    gate.answers["DescribeNetworkInterfaces"] = (200, interfaces(0))
    with pytest.raises(DeployError, match="is not modelled by the local Lambda"):
        deploy(aws, spec, code=code)

    assert left(aws, NAME) == []


def test_only_a_change_of_network_is_asked_for_and_the_role_allows_lambda_to_make_it(
    aws, gate, spec, code
):
    """
    Lambda tells the ids in an order of its own, and more than was asked. The code that
    runs under the role may not join networks.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    known = {"SubnetIds": ["subnet-2", "subnet-1"], "VpcId": "vpc-1"}
    known["SecurityGroupIds"] = ["sg-1"]
    answer_as_lambda(
        gate, VpcConfig=known, FileSystemConfigs=ASKED["FileSystemConfigs"]
    )
    deploy(aws, spec, code=code)
    assert "VpcConfig" not in asked_of(gate, "UpdateFunctionConfiguration")[0]
    found = policies_of(aws, NAME)
    allowed, denied = found["join-vpc"]
    assert (allowed["Effect"], denied["Effect"]) == ("Allow", "Deny")
    assert allowed["Action"] == denied["Action"]
    (function,) = denied["Condition"]["ArnEquals"].values()
    assert function == f"arn:aws:lambda:us-east-1:123456789012:function:{NAME}"
    (mount,) = found["mount-efs"]
    assert POINT in json.dumps(mount["Condition"])

    deploy(aws, replace(spec, vpc=None, efs=None), code=code)

    asked = asked_of(gate, "UpdateFunctionConfiguration")[-1]
    assert asked["VpcConfig"] == {"SubnetIds": [], "SecurityGroupIds": []}
    assert asked["FileSystemConfigs"] == []
    left_for_lambda = {"join-vpc", "write-own-log"}  # it removes its interfaces later
    assert policies_of(aws, NAME).keys() == left_for_lambda


def test_a_role_that_may_not_join_the_network_yet_is_waited_for(
    aws, gate, spec, code, monkeypatch
):
    monkeypatch.setattr("rollout.deploy.expected_errors._PAUSE_S", 0)
    answer_as_lambda(gate)
    _, found = gate.answers["UpdateFunctionConfiguration"]
    refusal = {"Type": "User", "message": NEW_ROLE}
    answers = iter([(400, refusal), (400, refusal), (200, found)])
    gate.answers["UpdateFunctionConfiguration"] = lambda _: next(answers)

    deploy(aws, spec, code=code)

    assert len(asked_of(gate, "UpdateFunctionConfiguration")) == 3


def test_an_update_that_failed_is_in_no_later_ones_way(aws, gate, spec, code):
    """Lambda dropped it; the function runs as before, and has no other way out."""
    answer_as_lambda(gate, LastUpdateStatus="Failed")
    _, found = gate.answers["GetFunction"]
    mended = json.loads(json.dumps(found))
    mended["Configuration"]["LastUpdateStatus"] = "Successful"
    gate.answers["GetFunction"] = lambda _: (
        200,
        mended if asked_of(gate, "UpdateFunctionCode") else found,
    )

    assert f"changed function {NAME}: code" in deploy(aws, spec, code=code).changes


def test_somebody_elses_container_image_is_shown_and_left_alone(aws, gate):
    """Lambda tells no runtime of one; `--name` may be a slip."""
    answer_as_lambda(gate, PackageType="Image")
    _, found = gate.answers["GetFunction"]
    del found["Configuration"]["Runtime"], found["Tags"]

    assert (status(aws, NAME).state, status(aws, NAME).runtime) == ("Active", "")
    with pytest.raises(DeployError, match="not ours to change or remove"):
        destroy(aws, NAME)


def test_whatever_policy_is_made_is_known_as_made_here(target):
    """Or it would stay when it is not wanted any more."""
    everything = FunctionSpec(
        bucket="my-photos", url="AWS_IAM", sources=("others",), vpc=VPC, efs=EFS
    )

    assert everything.policies(target).keys() == NAMES


def test_the_role_stays_while_lambda_has_interfaces_in_the_network(
    aws, gate, spec, code
):
    """
    Without it Lambda could not remove them, and they would keep the subnet from being
    deleted.
    """
    answer_as_lambda(gate)
    deploy(aws, spec, code=code)
    gate.answers.clear()
    gate.answers["DescribeNetworkInterfaces"] = (200, interfaces(1))

    assert destroy(aws, NAME) == []
    group, message = left(aws, NAME)
    assert group == f"log group /aws/lambda/{NAME}"  # by it the doctor finds the role
    assert message.startswith(f"role {role.role_name(aws, NAME)}: Lambda needs it")

    gate.answers["DescribeNetworkInterfaces"] = (200, interfaces(0))
    assert destroy(aws, NAME) == [f"role {role.role_name(aws, NAME)}", group]
    assert left(aws, NAME) == []


def test_a_failed_deployment_leaves_the_role_while_lambda_has_interfaces(
    aws, gate, spec, code
):
    """The function got as far as the network, and then did not start."""
    answer_as_lambda(gate, State="Failed", StateReason="Subnet has no free addresses")
    there = gate.answers.pop("GetFunction")
    gate.answers["GetFunction"] = lambda _: (
        there if asked_of(gate, "CreateFunction") else (404, {"Message": "none"})
    )
    gate.answers["DeleteFunction"] = (204, "")
    gate.answers["DescribeNetworkInterfaces"] = (200, interfaces(1))
    own_role = role.role_name(aws, NAME)

    with pytest.raises(DeployError, match="no free addresses") as caught:
        deploy(aws, spec, code=code)

    assert f"The role {own_role} could not be removed again: Lambda needs it" in str(
        caught.value
    )
    gate.answers = {"DescribeNetworkInterfaces": (200, interfaces(0))}
    assert left(aws, NAME) == [f"log group /aws/lambda/{NAME}", f"role {own_role}"]


@pytest.mark.parametrize(("function", "is_own"), [(NAME, True), (f"{NAME}-2", False)])
def test_interfaces_of_functions_with_longer_names_are_no_concern(
    aws, gate, function, is_own
):
    """The role would have to stay for as long as they do."""
    there = f"AWS Lambda VPC ENI-{function}-{uuid4()}"
    gate.answers["DescribeNetworkInterfaces"] = lambda asked: (
        200,
        interfaces(int(fnmatchcase(there, asked["Filter.1.Value.1"]))),
    )

    assert vpc_efs_config.has_interfaces(aws, NAME) == is_own


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Vpc(subnets=(), security_groups=("sg-1",)), "subnets are none"),
        (lambda: Vpc(subnets=("sg-1",), security_groups=("sg-1",)), "subnets are sg-1"),
        (
            lambda: Vpc(subnets=("subnet-1",), security_groups=("sg-1",) * 6),
            "security groups are .*; there must be 1 to 5",
        ),
        (lambda: Efs(access_point="fsap-1"), "must be an ARN like"),
        (lambda: Efs(access_point=POINT, mount="/files"), "a folder in /mnt"),
        (lambda: FunctionSpec(efs=EFS), "name subnets and security groups"),
    ],
)
def test_what_lambda_would_refuse_is_refused_before_any_call(make, sentence):
    with pytest.raises(SettingError, match=sentence):
        make()


def test_the_ids_are_those_of_lambdas_own_service_model():
    """botocore itself does not check them."""
    model = get_session().get_service_model("lambda")
    patterns = {
        "SubnetId": vpc_efs_config._SUBNET,
        "SecurityGroupId": vpc_efs_config._SECURITY_GROUP,
        "LocalMountPath": vpc_efs_config._MOUNT,
    }
    for shape, ours in patterns.items():
        theirs = model.shape_for(shape).metadata["pattern"]
        assert ours.pattern.rstrip("+*") == theirs.rstrip("+*")
    assert re.match(model.shape_for("FileSystemArn").metadata["pattern"], POINT)
