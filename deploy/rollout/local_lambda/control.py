"""Lambda's control plane: the operations that make, change and show functions."""

import asyncio
import shutil
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rollout.limits import limit
from rollout.local_lambda import errors, package, settings
from rollout.local_lambda.fleet import Fleet, House
from rollout.local_lambda.functions import Function
from rollout.local_lambda.model import Call
from rollout.local_lambda.names import Reference, resolve
from rollout.local_lambda.pool import Pool, Runner
from rollout.local_lambda.version import Version

ReadObject = Callable[[str, str, str | None], Awaitable[bytes]]
"""Fetches code from S3: bucket, key, version -> bytes, or raises LambdaError."""

Answer = Mapping[str, Any]

# ListFunctions leaves these out, says its documentation.
_UNLISTED = {"State", "LastUpdateStatus", "RuntimeVersionConfig"}
_PAGE = 50


class Control:
    """
    The functions of one endpoint.

    Args:
        folder: Where code and sandboxes go.

        house: What fleets share.

        pool: Runs the functions.

        read_object: Fetches code from S3.
    """

    def __init__(
        self, folder: Path, house: House, pool: Pool, read_object: ReadObject
    ) -> None:
        self._folder = folder
        self._house = house
        self._pool = pool
        self._read_object = read_object
        self._functions: dict[str, Function] = {}  # by ARN
        self._leaving: set[Fleet] = set()  # of deleted functions
        self._removals: set[asyncio.Task[None]] = set()

    def function(self, call: Call, *, names_version: bool = False) -> Function:
        """
        Find the function a call is about.

        Args:
            call: What was asked.

            names_version: Whether the message about an unknown function ends in
                ``:$LATEST``, as it does for some operations.
        """
        reference = reference_of(call)
        found = self._functions.get(reference.unqualified_arn)
        if reference.qualifier not in (None, "$LATEST"):
            raise errors.function_not_found(reference.arn)
        if found is None:
            suffix = ":$LATEST" if names_version else ""
            raise errors.function_not_found(reference.unqualified_arn + suffix)
        return found

    async def create_function(self, call: Call) -> Answer:
        """CreateFunction."""
        asked = call.parameters
        reference = reference_of(call)
        configured = settings.merged(settings.DEFAULTS, asked)
        content = await self._content(asked["Code"])
        if reference.unqualified_arn in self._functions:
            raise errors.function_exists(reference.name)
        folder = self._folder / f"{reference.name}-{uuid.uuid4().hex[:8]}"
        code = await package.store(content, folder)
        if reference.unqualified_arn in self._functions:  # somebody was faster
            await asyncio.to_thread(shutil.rmtree, folder)
            raise errors.function_exists(reference.name)
        version = Version(reference.name, reference.region, code, configured)
        runner = Runner(self._fleet(version, folder))
        tags = dict(asked.get("Tags", {}))
        function = Function(reference, folder, version, runner, tags, [runner.fleet])
        self._functions[reference.unqualified_arn] = function
        self._pool.add(runner)
        return function.describe()

    async def get_function(self, call: Call) -> Answer:
        """GetFunction."""
        function = self.function(call)
        function.settle()
        path = f"2015-03-31/functions/{function.reference.unqualified_arn}/code.zip"
        answer: dict[str, Any] = {
            "Configuration": function.describe(),
            "Code": {
                "RepositoryType": "S3",
                "Location": f"{self._house.endpoint_url}/{path}",
            },
        }
        if function.tags:
            answer["Tags"] = function.tags
        if function.runner.reserved is not None:
            answer["Concurrency"] = _concurrency(function)
        return answer

    async def get_function_configuration(self, call: Call) -> Answer:
        """GetFunctionConfiguration."""
        function = self.function(call)
        function.settle()
        return function.describe()

    async def list_functions(self, call: Call) -> Answer:
        """ListFunctions."""
        marker = call.parameters.get("Marker", "")
        most = min(call.parameters.get("MaxItems", _PAGE), _PAGE)
        here = {
            function.reference.name: function
            for function in self._functions.values()
            if function.reference.region == call.region
        }
        names = sorted(name for name in here if name > marker)
        answer: dict[str, Any] = {
            "Functions": [_listed(here[name]) for name in names[:most]]
        }
        if len(names) > most:
            answer["NextMarker"] = names[most - 1]
        return answer

    async def update_function_code(self, call: Call) -> Answer:
        """UpdateFunctionCode."""
        function = self.function(call)
        asked = call.parameters
        settings.refuse_not_modelled(asked)
        function.refuse_change(asked.get("RevisionId"))
        content = await self._content(asked)
        code = await package.store(content, function.folder)
        if asked.get("DryRun"):
            await asyncio.to_thread(shutil.rmtree, code.folder)
            return function.describe()
        kept = function.version.settings
        architectures = asked.get("Architectures", kept["Architectures"])
        configured = {**kept, "Architectures": architectures}
        return self._replace(
            function, replace(function.version, package=code, settings=configured)
        )

    async def update_function_configuration(self, call: Call) -> Answer:
        """UpdateFunctionConfiguration."""
        function = self.function(call)
        function.refuse_change(call.parameters.get("RevisionId"))
        configured = settings.merged(function.version.settings, call.parameters)
        return self._replace(function, replace(function.version, settings=configured))

    async def delete_function(self, call: Call) -> Answer:
        """DeleteFunction; what is running may finish."""
        function = self.function(call)
        del self._functions[function.reference.unqualified_arn]
        self._pool.remove(function.runner)
        for fleet in function.fleets:
            fleet.end_logs()
        self._leaving.update(function.fleets)
        function.runner.fleet.retire()
        removal = asyncio.create_task(self._remove(function))
        self._removals.add(removal)
        removal.add_done_callback(self._removals.discard)
        if not function.runner.in_flight:
            await asyncio.shield(removal)
        return {}

    async def put_function_concurrency(self, call: Call) -> Answer:
        """PutFunctionConcurrency."""
        function = self.function(call, names_version=True)
        reference_of(call).refuse_qualifier()
        wanted = call.parameters["ReservedConcurrentExecutions"]
        before = function.runner.reserved or 0
        left = self._pool.unreserved_concurrency + before - wanted
        least = min(
            limit("unreserved_concurrency").least, self._pool.account_concurrency
        )
        if wanted and left < least:
            text = (
                "Specified ReservedConcurrentExecutions for function decreases "
                "account's UnreservedConcurrentExecution below its minimum value of "
                f"[{least}]."
            )
            raise errors.invalid_parameter(text)
        self._pool.set_reserved(function.runner, wanted)
        return _concurrency(function)

    async def get_function_concurrency(self, call: Call) -> Answer:
        """GetFunctionConcurrency."""
        function = self.function(call)
        return {} if function.runner.reserved is None else _concurrency(function)

    async def delete_function_concurrency(self, call: Call) -> Answer:
        """DeleteFunctionConcurrency."""
        function = self.function(call)
        reference_of(call).refuse_qualifier()
        self._pool.set_reserved(function.runner, None)
        return {}

    async def get_account_settings(self, call: Call) -> Answer:
        """GetAccountSettings."""
        del call
        sizes = [function.version.package.size for function in self._functions.values()]
        return {
            "AccountLimit": {
                "TotalCodeSize": 80_530_636_800,
                "CodeSizeUnzipped": limit("unzipped_bytes").most,
                "CodeSizeZipped": limit("zip_bytes").most,
                "ConcurrentExecutions": self._pool.account_concurrency,
                "UnreservedConcurrentExecutions": self._pool.unreserved_concurrency,
            },
            "AccountUsage": {"TotalCodeSize": sum(sizes), "FunctionCount": len(sizes)},
        }

    async def tag_resource(self, call: Call) -> Answer:
        """TagResource."""
        self._tagged(call).tags.update(call.parameters["Tags"])
        return {}

    async def untag_resource(self, call: Call) -> Answer:
        """UntagResource."""
        tags = self._tagged(call).tags
        for key in call.parameters["TagKeys"]:
            tags.pop(key, None)
        return {}

    async def list_tags(self, call: Call) -> Answer:
        """ListTags."""
        return {"Tags": self._tagged(call).tags}

    def zip_file(self, arn: str) -> Path:
        """Return what a function's Code.Location serves."""
        return self._known(arn).version.package.zip_file

    async def stop(self) -> None:
        """Kill all processes."""
        fleets = [f for function in self._functions.values() for f in function.fleets]
        await asyncio.gather(*(fleet.stop() for fleet in [*fleets, *self._leaving]))
        await asyncio.gather(*self._removals)

    def _fleet(self, version: Version, folder: Path) -> Fleet:
        return Fleet(version, folder / f"fleet-{uuid.uuid4().hex[:8]}", self._house)

    def _replace(self, function: Function, version: Version) -> Answer:
        """Run a new version from now on; what runs finishes on the old one."""
        old = function.runner.fleet
        function.version = version
        function.runner.fleet = self._fleet(version, function.folder)
        function.fleets = [fleet for fleet in function.fleets if not fleet.has_ended]
        function.fleets.append(function.runner.fleet)
        old.retire()
        function.begin_change()
        return function.describe()

    async def _remove(self, function: Function) -> None:
        await asyncio.gather(*(fleet.ended() for fleet in function.fleets))
        self._leaving.difference_update(function.fleets)
        await asyncio.to_thread(shutil.rmtree, function.folder)

    async def _content(self, code: Mapping[str, Any]) -> bytes:
        if "ZipFile" in code:
            return bytes(code["ZipFile"])
        if "S3Bucket" not in code or "S3Key" not in code:
            text = "Please provide a source for function code."
            raise errors.invalid_parameter(text)
        version = code.get("S3ObjectVersion")
        return await self._read_object(code["S3Bucket"], code["S3Key"], version)

    def _tagged(self, call: Call) -> Function:
        return self._known(resolve(call.parameters["Resource"], call.region).arn)

    def _known(self, arn: str) -> Function:
        if arn not in self._functions:
            raise errors.function_not_found(arn)
        return self._functions[arn]


def reference_of(call: Call) -> Reference:
    """Read which function a call is about."""
    name, qualifier = call.parameters["FunctionName"], call.parameters.get("Qualifier")
    return resolve(name, call.region, qualifier)


def _listed(function: Function) -> dict[str, Any]:
    shown = function.describe()
    return {key: value for key, value in shown.items() if key not in _UNLISTED}


def _concurrency(function: Function) -> dict[str, int | None]:
    return {"ReservedConcurrentExecutions": function.runner.reserved}
