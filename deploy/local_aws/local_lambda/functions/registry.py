"""Lambda's control plane: the functions of an endpoint, made, changed and deleted."""

import asyncio
import shutil
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from aws_facts.limits import limit
from local_aws.local_lambda import errors
from local_aws.local_lambda.function_url.front import UrlFront
from local_aws.local_lambda.functions.function import Function
from local_aws.local_lambda.functions.layers import Layers
from local_aws.local_lambda.functions.version_state import VersionState
from local_aws.local_lambda.requests.function_reference import Reference, reference_of
from local_aws.local_lambda.requests.service_model import Call
from local_aws.local_lambda.requests.signature import presign
from local_aws.local_lambda.runtime import code_package
from local_aws.local_lambda.runtime.admission import Admission
from local_aws.local_lambda.runtime.code_package import Package
from local_aws.local_lambda.runtime.fleet import Fleet, Shared
from local_aws.local_lambda.runtime.version import LATEST, Version

ReadObject = Callable[[str, str, str | None], Awaitable[bytes]]
"""Fetches code from S3: bucket, key, version -> bytes, or raises LambdaError."""


class Registry:
    """
    The functions of one endpoint.

    The operations on them are in ``local_lambda.api``.
    """

    def __init__(
        self,
        folder: Path,
        shared: Shared,
        admission: Admission,
        urls: UrlFront,
        read_object: ReadObject,
    ) -> None:
        self.admission = admission
        self.urls = urls
        self.layers = Layers(folder / "layers")
        self._folder = folder
        self._shared = shared
        self._read_object = read_object
        self._functions: dict[str, Function] = {}  # by ARN
        # "Lambda never reuses version numbers, even after you delete and recreate a
        # function": AWS docs configuration-versions.
        self._numbers: Counter[str] = Counter()
        self._leaving: set[Fleet] = set()  # of deleted functions
        self._removals: set[asyncio.Task[None]] = set()

    def get(self, reference: Reference) -> Function | None:
        """Return a function if it exists, whatever the qualifier."""
        return self._functions.get(reference.unqualified_arn)

    def find(self, reference: Reference) -> Function:
        """Return a function, or raise NotFoundError with the whole reference."""
        found = self.get(reference)
        if found is None:
            raise errors.function_not_found(reference.arn)
        return found

    def function(self, call: Call, *, names_version: bool = False) -> Function:
        """
        Find the function that a call names, whatever the qualifier.

        Args:
            call: The call.

            names_version: Whether the message about an unknown function ends in
                ``:$LATEST``, as it does for some operations.
        """
        reference = reference_of(call)
        if names_version and self.get(reference) is None:
            reference = reference.at(reference.qualifier or LATEST)
        return self.find(reference)

    def functions_in(self, region: str) -> list[Function]:
        """Return a region's functions."""
        return [f for f in self._functions.values() if f.reference.region == region]

    async def create(
        self,
        reference: Reference,
        content: bytes,
        settings: dict[str, Any],
        tags: dict[str, str],
    ) -> Function:
        """Make a function, Pending."""
        if self.get(reference):
            raise errors.function_exists(reference.name)
        layers = self.layers.packages(reference.region, settings.get("Layers", ()))
        folder = self._folder / f"{reference.name}-{uuid.uuid4().hex[:8]}"
        code = await code_package.store(content, folder, layers)
        if self.get(reference):  # another call was faster
            await asyncio.to_thread(shutil.rmtree, folder)
            raise errors.function_exists(reference.name)
        version = Version(
            reference.name, reference.region, code, settings, layers=layers
        )
        latest = VersionState(version)
        function = Function(reference, folder, self._shared, latest, tags)
        function.start(latest)
        self._functions[reference.unqualified_arn] = function
        self.admission.add(function.runner)
        return function

    def change(self, function: Function, version: Version) -> None:
        """Run new code or settings; running invocations finish on the old ones."""
        self._retire(function, function.latest)
        function.latest.change(version)
        function.start(function.latest)

    async def delete(self, function: Function) -> None:
        """Delete a function; running invocations may finish."""
        function.is_deleted = True
        del self._functions[function.reference.unqualified_arn]
        self.admission.remove(function.runner)
        for url in function.urls.values():
            self.urls.close(url.address)
        function.urls.clear()
        fleets = list(function.fleets)
        for fleet in fleets:
            fleet.end_logs()
        self._leaving.update(fleets)
        for state in function.version_states():
            if state.fleet:
                state.fleet.retire()
        removal = self._in_background(self._remove(function, fleets))
        if not function.runner.in_flight:
            await asyncio.shield(removal)

    def publish(
        self, function: Function, description: str | None = None
    ) -> VersionState:
        """Freeze ``$LATEST``, or return the newest version if nothing has changed."""
        newest = function.newest
        if newest and newest.is_published_from(function.latest.version):
            return newest
        arn = function.reference.unqualified_arn
        self._numbers[arn] += 1
        return function.publish(str(self._numbers[arn]), description)

    def withdraw(self, function: Function, number: str) -> None:
        """Delete a version, if it exists; running invocations may finish."""
        function.event_configs.pop(number, None)
        function.policies.pop(number, None)
        state = function.published.pop(number, None)
        if state:
            self._retire(function, state)

    async def content(self, code: Mapping[str, Any]) -> bytes:
        """
        Return the zip that a caller sent or named.

        Raises:
            LambdaError: If it is too large to be sent, or is not in S3.
        """
        if code.get("S3ObjectStorageMode") == "REFERENCE":
            what = "S3ObjectStorageMode REFERENCE"
            raise errors.not_modelled(what)
        if "ZipFile" in code:
            max_bytes = limit("zip_bytes").most
            if len(code["ZipFile"]) > max_bytes:
                text = f"Zipped size must be smaller than {max_bytes} bytes"
                raise errors.too_large(text)
            return bytes(code["ZipFile"])
        if "S3Bucket" not in code or "S3Key" not in code:
            text = "Please provide a source for function code."
            raise errors.invalid_parameter(text)
        version = code.get("S3ObjectVersion")
        return await self._read_object(code["S3Bucket"], code["S3Key"], version)

    def code_location(self, arn: str) -> str:
        """Return a URL that serves the code of a version, or a layer's, for 10 min."""
        url = f"{self._shared.endpoint_url}/2015-03-31/functions/{arn}/code.zip"
        return presign(url, self._shared.keys, arn.split(":")[3])

    def zip_file(self, arn: str) -> Path:
        """Return the zip that a code's URL serves."""
        if layer := self.layers.find(arn):
            return layer.package.zip_file
        unqualified = ":".join(arn.split(":")[:7])
        function = self._functions.get(unqualified)
        if function is None:
            raise errors.function_not_found(arn)
        qualifier = arn.removeprefix(unqualified).removeprefix(":") or None
        return function.version_state(qualifier).version.package.zip_file

    async def stop(self) -> None:
        """Kill all processes."""
        fleets = [f for function in self._functions.values() for f in function.fleets]
        await asyncio.gather(*(fleet.stop() for fleet in [*fleets, *self._leaving]))
        await asyncio.gather(*self._removals)

    def _retire(self, function: Function, state: VersionState) -> None:
        fleet, state.fleet = state.fleet, None
        if fleet:
            fleet.retire()
        self._in_background(self._tidy(function, fleet, state.version.package))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._removals.add(task)
        task.add_done_callback(self._removals.discard)
        return task

    async def _remove(self, function: Function, fleets: list[Fleet]) -> None:
        await asyncio.gather(*(fleet.ended() for fleet in fleets))
        self._leaving.difference_update(fleets)
        async with function.disk:
            await asyncio.to_thread(shutil.rmtree, function.folder)

    async def _tidy(
        self, function: Function, fleet: Fleet | None, code: Package
    ) -> None:
        """Remove code that no version has, once no process runs it."""
        if fleet:
            await fleet.ended()
            function.fleets.pop(fleet)
        async with function.disk:
            if not function.is_deleted and not function.uses(code):
                await asyncio.to_thread(shutil.rmtree, code.folder)
