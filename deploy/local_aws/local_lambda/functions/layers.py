"""Layers: code that functions have in common, kept in numbered versions."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aws_facts.limits import limit
from local_aws.local_lambda import errors
from local_aws.local_lambda.functions.version_state import timestamp
from local_aws.local_lambda.requests.function_reference import ACCOUNT
from local_aws.local_lambda.runtime import code_package
from local_aws.local_lambda.runtime.code_package import Package, unpacked_bytes

_ARN = re.compile(r"arn:[a-z-]+:lambda:([a-z0-9-]+):(\d+):layer:([\w-]+)(:\d+)?")
_MOST = 5  # AWS docs gettingstarted-limits


@dataclass(frozen=True, slots=True)
class LayerVersion:
    """
    One version of a layer.

    Attributes:
        details: What its publisher said of it, by boto3's names.

        created: When it was published, as Lambda writes it.
    """

    layer_arn: str
    number: int
    package: Package
    details: Mapping[str, Any]
    created: str = field(default_factory=timestamp)

    @property
    def arn(self) -> str:
        """Its ARN, as functions name it."""
        return f"{self.layer_arn}:{self.number}"

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.layer_arn.rpartition(":")[2]


class Layers:
    """
    All layers of an endpoint.

    A deleted version stays on disk, for functions that have it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._versions: dict[str, LayerVersion] = {}  # by ARN, in order of publishing
        self._numbers: Counter[str] = Counter()  # a number is not given again

    async def publish(
        self, region: str, name: str, content: bytes, details: Mapping[str, Any]
    ) -> LayerVersion:
        """
        Publish a version.

        Raises:
            LambdaError: If its zip is refused.
        """
        package = await code_package.store(content, self._folder)
        arn = layer_arn(region, name)
        self._numbers[arn] += 1
        made = LayerVersion(arn, self._numbers[arn], package, details)
        self._versions[made.arn] = made
        return made

    def versions(self, region: str, name: str = "") -> list[LayerVersion]:
        """Return versions of a layer, or of all in a region, the newest first."""
        wanted = layer_arn(region, name)
        return [
            version
            for version in reversed(self._versions.values())
            if version.layer_arn == wanted
            or (not name and version.layer_arn.startswith(wanted))
        ]

    def find(self, arn: str) -> LayerVersion | None:
        """Return a version by its ARN, if it exists."""
        return self._versions.get(arn)

    def delete(self, arn: str) -> None:
        """Delete a version; one that is not there is as good as deleted."""
        self._versions.pop(arn, None)

    def packages(
        self, region: str, arns: Iterable[str], code: Package | None = None
    ) -> tuple[Package, ...]:
        """
        Return the content of layers for a function, which may have code already.

        Raises:
            LambdaError: If AWS would refuse one, or all together, or it is another
                account's.
        """
        named = list(arns)
        if len(named) > _MOST:
            text = f"Cannot reference more than {_MOST} layers."
            raise errors.invalid_parameter(text)
        _refuse_two_versions(named)
        found = tuple(self._package(region, arn) for arn in named)
        _refuse_too_large(found, code)
        return found

    def _package(self, region: str, arn: str) -> Package:
        match = _ARN.fullmatch(arn)
        if match and match[2] != ACCOUNT:
            what = f"Layer {arn}, of another account,"
            raise errors.not_modelled(what)
        if match and match[1] != region:
            text = (  # AWS's words, as LocalStack's provider has them
                "Layers are not in the same region as the function. Layers are "
                f"expected to be in region {region}."
            )
            raise errors.invalid_parameter(text)
        found = self.find(arn)
        if found is None:
            text = f"Layer version {arn} does not exist."  # LocalStack's provider
            raise errors.invalid_parameter(text)
        return found.package


def layer_arn(region: str, name: str) -> str:
    """
    Return the ARN of a layer, or of a version, named plainly or by its ARN.

    Raises:
        LambdaError: If the ARN is of another account or region.
    """
    match = _ARN.fullmatch(name)
    if match is None:
        return f"arn:aws:lambda:{region}:{ACCOUNT}:layer:{name}"
    if match[2] != ACCOUNT:
        raise errors.other_account(match[2], ACCOUNT, "layer")
    if match[1] != region:
        raise errors.other_region(match[1], region, "Layers")
    return f"arn:aws:lambda:{region}:{ACCOUNT}:layer:{match[3]}{match[4] or ''}"


def _refuse_two_versions(arns: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for arn in arns:
        layer = arn.rpartition(":")[0]
        if layer in seen:
            text = (  # AWS's words, in aws/aws-cdk 31006; the same version twice, too
                "Two different versions of the same layer are not allowed to be "
                f"referenced in the same function. {seen[layer]} and {arn} are "
                "versions of the same layer."
            )
            raise errors.invalid_parameter(text)
        seen[layer] = arn


def _refuse_too_large(layers: Iterable[Package], code: Package | None) -> None:
    """Refuse over 250 MB in AWS's words (bento-video/bento 1, brefphp/bref 450)."""
    most, size = limit("unzipped_bytes").most, unpacked_bytes(layers)
    if size > most:
        text = f"Layers consume more than the available size of {most} bytes"
        raise errors.invalid_parameter(text)
    if code and (whole := size + code.unpacked_bytes) > most:
        text = (
            f"Function code combined with layers exceeds the maximum allowed size of "
            f"{most} bytes. The actual size is {whole} bytes."
        )
        raise errors.invalid_parameter(text)
