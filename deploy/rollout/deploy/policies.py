"""What the function may do: policies for its role, each as narrow as AWS allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout.deploy.log_group import arn_of_streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fetcher.s3.urls import Place
    from rollout.deploy.network import Efs
    from rollout.target.target import Target

Policies = dict[str, dict[str, Any]]  # by their names

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
_INTERFACES = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)
WRITE_OWN_LOG, INVOKE_ITSELF = "write-own-log", "invoke-itself"
USE_BUCKET, READ_SOURCES = "use-bucket", "read-sources"
JOIN_VPC, MOUNT_EFS = "join-vpc", "mount-efs"
NAMES = frozenset(
    {WRITE_OWN_LOG, INVOKE_ITSELF, USE_BUCKET, READ_SOURCES, JOIN_VPC, MOUNT_EFS}
)


def write_own_log(target: Target, name: str) -> Policies:
    """
    Let it write its own log.

    No logs:CreateLogGroup: an execution that outlives `destroy` cannot bring the log
    group back.
    """
    streams = arn_of_streams(target, name)
    actions = ("logs:CreateLogStream", "logs:PutLogEvents")
    return {WRITE_OWN_LOG: _document(_allow(actions, streams))}


def use_bucket(target: Target, prefix: Place) -> Policies:
    """
    Let it read and write objects whose keys begin so, and break its uploads off.

    It may list the bucket, because S3 tells what is missing from what is forbidden
    only to those who may.
    """
    actions = ("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload")
    bucket, keys = _arns(target, prefix)
    return {
        USE_BUCKET: _document(_allow(actions, keys), _allow(("s3:ListBucket",), bucket))
    }


def read_sources(target: Target, prefixes: Iterable[Place]) -> Policies:
    """Let it read what its keys begin so, as it may that of its own bucket."""
    buckets, keys = zip(*(_arns(target, prefix) for prefix in prefixes), strict=True)
    return {
        READ_SOURCES: _document(
            _allow(("s3:GetObject",), [*keys]),
            _allow(("s3:ListBucket",), sorted(set(buckets))),
        )
    }


def invoke_itself(target: Target, name: str) -> Policies:
    """Let it share its work out to further executions of itself."""
    action = ("lambda:InvokeFunction",)
    return {INVOKE_ITSELF: _document(_allow(action, target.function_arn(name)))}


def join_vpc(target: Target, name: str) -> Policies:
    """
    Let Lambda connect it with the network, and keep the function's code from that.

    EC2 narrows none of these actions down to a function's own interfaces.
    """
    denied: dict[str, Any] = _allow(_INTERFACES, "*") | {
        "Effect": "Deny",
        "Condition": {
            "ArnEquals": {"lambda:SourceFunctionArn": target.function_arn(name)}
        },
    }
    return {JOIN_VPC: _document(_allow(_INTERFACES, "*"), denied)}


def mount_efs(target: Target, efs: Efs) -> Policies:
    """Let it mount the file system, through its access point only, and write there."""
    place = f"{target.partition}:elasticfilesystem:{target.region}:{target.account}"
    actions = ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite")
    statement: dict[str, Any] = _allow(actions, f"arn:{place}:file-system/*")
    through = {"elasticfilesystem:AccessPointArn": efs.access_point}
    return {MOUNT_EFS: _document(statement | {"Condition": {"StringEquals": through}})}


def _arns(target: Target, prefix: Place) -> tuple[str, str]:
    """Return what a bucket, and what the objects below a prefix of it, are called."""
    bucket = f"arn:{target.partition}:s3:::{prefix.bucket}"
    keys = f"{prefix.key.rstrip('/')}/*" if prefix.key else "*"
    return bucket, f"{bucket}/{keys}"


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(actions: Sequence[str], resource: str | list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}
