"""The user's own network, and a file system in it, for a function to use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout.errors import SettingError

if TYPE_CHECKING:
    from rollout.target.connection import Target

# As in Lambda's own service model.
_ACCESS_POINT = re.compile(
    r"arn:aws[a-zA-Z-]*:elasticfilesystem:[a-z-]+-\d:\d{12}:access-point/"
    r"fsap-[a-f0-9]{17}"
)
_MOUNT = re.compile(r"/mnt/[a-zA-Z0-9-_.]+")
_SUBNET = re.compile(r"subnet-[0-9a-z]+")
_SECURITY_GROUP = re.compile(r"sg-[0-9a-zA-Z]+")
_MOST_SUBNETS, _MOST_SECURITY_GROUPS = 16, 5
# As EC2's filters take it; * would include functions whose names begin with this one's.
_ANY_UUID = "-".join("?" * length for length in (8, 4, 4, 4, 12))
EFS_MOUNT = "/mnt/files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vpc:
    """
    A network, which reaches the internet through a NAT gateway only.

    Attributes:
        subnets: Ids of private subnets, in several zones.

        security_groups: Ids of security groups that let requests out.

    >>> Vpc(subnets=("subnet-1",), security_groups=("sg-1",)).setting()
    {'SubnetIds': ['subnet-1'], 'SecurityGroupIds': ['sg-1']}
    """

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse what Lambda would refuse."""
        _check_ids("subnets", self.subnets, _SUBNET, _MOST_SUBNETS)
        _check_ids(
            "security groups",
            self.security_groups,
            _SECURITY_GROUP,
            _MOST_SECURITY_GROUPS,
        )

    def setting(self) -> dict[str, Any]:
        """Return Lambda's ``VpcConfig``."""
        return {
            "SubnetIds": sorted(self.subnets),
            "SecurityGroupIds": sorted(self.security_groups),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Efs:
    """
    An EFS that all executions share, as in ``Efs(access_point="arn:aws:...")``.

    Attributes:
        access_point: ARN of its access point.

        mount: Folder where it is mounted.
    """

    access_point: str
    mount: str = EFS_MOUNT

    def __post_init__(self) -> None:
        """Refuse what Lambda would refuse."""
        if not _ACCESS_POINT.fullmatch(self.access_point):
            msg = (
                f"The EFS access point is {self.access_point!r}; it must be an ARN "
                "like arn:aws:elasticfilesystem:us-east-1:123456789012:"
                "access-point/fsap-0123456789abcdef0."
            )
            raise SettingError(msg)
        if not _MOUNT.fullmatch(self.mount):
            msg = (
                f"The EFS's mount is {self.mount!r}; it must be a folder in "
                f"/mnt, such as {EFS_MOUNT}."
            )
            raise SettingError(msg)

    def setting(self) -> dict[str, str]:
        """Return an entry of Lambda's ``FileSystemConfigs``."""
        return {"Arn": self.access_point, "LocalMountPath": self.mount}


def has_interfaces(target: Target, name: str) -> bool:
    """
    Return whether Lambda still has interfaces in a network that it made for it.

    Others of its subnets and security groups share them, and they stay for those.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    description = f"AWS Lambda VPC ENI-{name}-{_ANY_UUID}"
    found = target.client("ec2").describe_network_interfaces(
        Filters=[{"Name": "description", "Values": [description]}]
    )
    return bool(found["NetworkInterfaces"])


def _check_ids(
    what: str, ids: tuple[str, ...], pattern: re.Pattern[str], most: int
) -> None:
    wrong = [one for one in ids if not pattern.fullmatch(one)]
    if wrong or not 1 <= len(ids) <= most:
        msg = (
            f"The {what} are {', '.join(ids) or 'none'}; there must be 1 to {most}, "
            f"each an id that begins with {pattern.pattern.partition('-')[0]}-."
        )
        raise SettingError(msg)
