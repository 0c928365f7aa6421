"""Policies for the function's role, each as narrow as AWS allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout.deploy.log_group import arn_of_streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fetcher.s3.urls import Place
    from rollout.deploy.vpc_efs_config import Efs
    from rollout.target.connection import Target

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
    Return permission to write its own log.

    Without logs:CreateLogGroup: an execution that outlives `destroy` cannot make the
    log group again.
    """
    streams = arn_of_streams(target, name)
    actions = ("logs:CreateLogStream", "logs:PutLogEvents")
    return {WRITE_OWN_LOG: _document(_allow(actions, streams))}


def use_bucket(target: Target, prefix: Place) -> Policies:
    """
    Return permission to read and write objects below a prefix, and to abort uploads.

    Includes listing the bucket, without which S3 answers "forbidden" for a missing
    object.
    """
    actions = ("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload")
    bucket, keys = _arns(target, prefix)
    return {
        USE_BUCKET: _document(_allow(actions, keys), _allow(("s3:ListBucket",), bucket))
    }


def read_sources(target: Target, prefixes: Iterable[Place]) -> Policies:
    """Return permission to read objects below some prefixes."""
    buckets, keys = zip(*(_arns(target, prefix) for prefix in prefixes), strict=True)
    return {
        READ_SOURCES: _document(
            _allow(("s3:GetObject",), [*keys]),
            _allow(("s3:ListBucket",), sorted(set(buckets))),
        )
    }


def invoke_itself(target: Target, name: str) -> Policies:
    """Return permission to share work out to further executions of itself."""
    action = ("lambda:InvokeFunction",)
    return {INVOKE_ITSELF: _document(_allow(action, target.function_arn(name)))}


def join_vpc(target: Target, name: str) -> Policies:
    """
    Return permission for Lambda to join it to the network, denied to its own code.

    EC2 cannot narrow these actions to a function's own interfaces.
    """
    denied: dict[str, Any] = _allow(_INTERFACES, "*") | {
        "Effect": "Deny",
        "Condition": {
            "ArnEquals": {"lambda:SourceFunctionArn": target.function_arn(name)}
        },
    }
    return {JOIN_VPC: _document(_allow(_INTERFACES, "*"), denied)}


def mount_efs(target: Target, efs: Efs) -> Policies:
    """Return permission to mount an EFS through its access point, and write there."""
    place = f"{target.partition}:elasticfilesystem:{target.region}:{target.account}"
    actions = ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite")
    statement: dict[str, Any] = _allow(actions, f"arn:{place}:file-system/*")
    through = {"elasticfilesystem:AccessPointArn": efs.access_point}
    return {MOUNT_EFS: _document(statement | {"Condition": {"StringEquals": through}})}


def _arns(target: Target, prefix: Place) -> tuple[str, str]:
    """Return the ARNs of a bucket, and of the objects below a prefix of it."""
    bucket = f"arn:{target.partition}:s3:::{prefix.bucket}"
    keys = f"{prefix.key.rstrip('/')}/*" if prefix.key else "*"
    return bucket, f"{bucket}/{keys}"


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(actions: Sequence[str], resource: str | list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}
