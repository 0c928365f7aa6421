"""The parameters cell of a notebook, checked before anything starts."""

from __future__ import annotations

import math
import uuid
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Self

from experiment.deal import COUNT, WAYS
from experiment.parameters import (
    SettingsError,
    at_least_one,
    check_different,
    check_no_credentials,
    parameters_set,
    unknown_parameter,
)
from fetcher.options import Options, SinkSpec, check_one_of, check_types
from fetcher.s3.urls import SCHEME
from rollout.network import Efs, Vpc
from rollout.target import ARCHITECTURES
from rollout.target import NAMES as TARGETS
from rollout.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Mapping

OWN, NGINX = ORIGINS = ("own", "nginx")
EFS_MOUNT = "/mnt/files"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """
    What every notebook that touches a target needs.

    Attributes:
        target: ``local`` or ``aws``.

        endpoint_url:
            A running local endpoint; empty: one is started and stopped again.

        function: Name of the Lambda function.

        memory_mb: The function's memory; processor share follows it.

        timeout_s: Longest time of one invocation.

        tmp_mb: Size of an execution's ``/tmp``.

        architecture: Of AWS's processors; a local function has this machine's.

        subnets:
            Ids, of a network of one's own to be in; none: Lambda's, from which the
            internet is near.

        security_groups: Ids, in that network.

        efs: ARN of an EFS access point in that network; mounted at `EFS_MOUNT`.
    """

    target: str = "local"
    endpoint_url: str = ""
    function: str = "million-downloads"
    memory_mb: int = 1_769
    timeout_s: int = 60
    tmp_mb: int = 512
    architecture: str = ARCHITECTURES[0]
    subnets: list[str] = field(default_factory=list)
    security_groups: list[str] = field(default_factory=list)
    efs: str = ""

    def __post_init__(self) -> None:
        """Refuse what could not work, in the words of the parameters cell."""
        try:
            self._check()
        except (TypeError, ValueError) as error:
            msg = f"{error} Set it in the notebook's parameters cell."
            raise SettingsError(msg) from error

    def _check(self) -> None:
        check_types(self)
        check_one_of("target", self.target, TARGETS)
        for name in ("subnets", "security_groups"):
            check_different(name, getattr(self, name), str)
        self.worker()

    def worker(self, run: str = "") -> Worker:
        """
        Return the function to deploy.

        Args:
            run: What it is for: a tag, to find what it cost by; empty: nothing yet.
        """
        return Worker(
            name=self.function,
            memory_mb=self.memory_mb,
            timeout_s=self.timeout_s,
            tmp_mb=self.tmp_mb,
            architecture=self.architecture,
            bucket=self.bucket,
            vpc=self._vpc,
            efs=Efs(access_point=self.efs, mount=EFS_MOUNT) if self.efs else None,
            tags={"run": run} if run else {},
        )

    @property
    def _vpc(self) -> Vpc | None:
        subnets, groups = tuple(self.subnets), tuple(self.security_groups)
        if not (subnets or groups):
            return None
        return Vpc(subnets=subnets, security_groups=groups)

    @property
    def bucket(self) -> str:
        """What in S3 the function may use; empty: nothing."""
        return ""

    @classmethod
    def from_notebook(cls, namespace: Mapping[str, Any]) -> Self:
        """
        Read the settings from a notebook's variables.

        Args:
            namespace: The notebook's ``globals()``.

        Raises:
            SettingsError: If a parameter is wrong, or one is set that does not exist,
                which papermill only warns about.
        """
        known = [item.name for item in fields(cls)]
        for name in parameters_set(namespace.get("In", [])):
            if name not in known:
                raise SettingsError(unknown_parameter(name, known))
        return cls(**{name: namespace[name] for name in known if name in namespace})

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON fields."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class DownloadSettings(Settings):
    """
    What every notebook that downloads needs besides.

    Attributes:
        origin_url: A running origin to fetch from; empty: the local endpoint's own.

        files: How many files a run downloads.

        connections: Downloads in flight inside one execution.

        shards_per_execution:
            Invocations each execution serves, one after the other. More of them show
            progress earlier and leave less to do again if one fails.

        engine: What downloads: see `fetcher.options.ENGINES`.

        sink: Where bodies go: one of `fetcher.options.SINKS`.

        sink_path:
            Where that is: ``s3://bucket/prefix``, or a folder; empty: the execution's
            /tmp.

        max_cost_usd: What a run, or a grid of them, may cost on AWS at most.

        dry_run: Show plan and price, and stop before anything is deployed.

        run_folder: Where results go; empty: a new folder in ``results/``.
    """

    origin_url: str = ""
    files: int = 400
    connections: int = 20
    shards_per_execution: int = 4
    engine: str = "curl"
    sink: str = "directory"
    sink_path: str = ""
    max_cost_usd: float = 5.0
    dry_run: bool = False
    run_folder: str = ""

    def _check(self) -> None:
        super()._check()
        for name in ("files", "shards_per_execution"):
            at_least_one(name, getattr(self, name))
        if not 0 < self.max_cost_usd < math.inf:
            msg = f"max_cost_usd is {self.max_cost_usd}; it must be more than 0."
            raise ValueError(msg)
        self.sink_spec()
        self._check_efs()

    def _check_efs(self) -> None:
        is_there = f"{self.sink_path}/".startswith(f"{EFS_MOUNT}/")
        if self.efs and self.sink == "directory" and not is_there:
            msg = (
                f"efs is set, and sink_path is {self.sink_path!r}, so nothing would be "
                f"kept there. Set sink_path to {EFS_MOUNT}, or a folder below."
            )
            raise ValueError(msg)

    def sink_spec(self) -> SinkSpec:
        """Return where bodies go."""
        return SinkSpec(kind=self.sink, path=self.sink_path)

    @property
    def bucket(self) -> str:
        """What in S3 the function may use; empty: nothing."""
        in_s3 = self.sink_path.startswith(SCHEME)
        return self.sink_path.removeprefix(SCHEME) if in_s3 else ""


@dataclass(frozen=True, kw_only=True)
class FanOutSettings(DownloadSettings):
    """
    One setting to measure: so many files, so wide.

    Attributes:
        origin:
            What serves the experiment's files on this machine: ``own``, the project's
            own; or ``nginx``, which is quicker, where it is installed.

        url_template:
            URLs with ``{number}`` in them, fetched instead of an origin's. Those of
            ``s3://bucket/key`` are read with the permissions of the function's role.

        url_list: A file of URLs, fetched instead, and whole, whatever `files` says.

        sources:
            Where ``s3://`` lines of a `url_list` may lead, as ``s3://bucket/prefix``:
            what the function's role may read.

        allow_private:
            Whether URLs of one's own may lead to loopback and private addresses.

        file_kb: Size of the origin's files, in kB of 1,000 bytes.

        concurrency: Executions at once.

        deal_by:
            What shards of a `url_list` have alike: one of `experiment.deal.WAYS`.
            ``count``: how many URLs; ``bytes``: how many bytes, of a list with such a
            column; ``host``: few hosts each, so that names and connections are shared.

        waves: Rounds of invocations; what one leaves unfinished, or what may end better
            when tried again, goes into the next.

        hedge: Whether the last few shards are begun a second time if they take long.

        attempts: Tries per URL where trying again may help.

        resume: Continue the run in `run_folder`: fetch what has no outcome there.

        retry_failed: Fetch what has an outcome there, but is not ok.

        repeat: Which repetition of the same setting this is, from 1.

        fresh: Replace the function's executions first, so that all begin cold.

        tear_down: Remove the function afterwards.
    """

    origin: str = OWN
    url_template: str = ""
    url_list: str = ""
    sources: list[str] = field(default_factory=list)
    allow_private: bool = False
    file_kb: int = 10
    concurrency: int = 2
    deal_by: str = "count"
    waves: int = 2
    hedge: bool = True
    attempts: int = 3
    repeat: int = 1
    fresh: bool = False
    tear_down: bool = True
    resume: bool = False
    retry_failed: bool = False

    def _check(self) -> None:
        super()._check()
        for name in ("file_kb", "concurrency", "waves", "repeat"):
            at_least_one(name, getattr(self, name))
        check_one_of("origin", self.origin, ORIGINS)
        for name in ("origin_url", "url_template"):
            check_no_credentials(name, getattr(self, name))
        if sum(map(bool, (self.origin_url, self.url_template, self.url_list))) > 1:
            msg = "Of origin_url, url_template and url_list, set one at most."
            raise ValueError(msg)
        if not self.url_list and self.shards > self.files:
            msg = (
                f"concurrency {self.concurrency:,} × shards_per_execution "
                f"{self.shards_per_execution:,} makes {self.shards:,} shards, more "
                f"than the {self.files:,} files; every shard needs one."
            )
            raise ValueError(msg)
        check_one_of("deal_by", self.deal_by, WAYS)
        if self.deal_by != COUNT and not self.url_list:
            msg = (
                f"deal_by is {self.deal_by!r}, which takes a url_list: the files of a "
                "template or an origin are all alike."
            )
            raise ValueError(msg)
        check_different("sources", self.sources, str)
        if self.sources and not self.url_list:
            msg = "sources is for a url_list; of a url_template they are known."
            raise ValueError(msg)
        if self.continues and not self.run_folder:
            msg = "Set run_folder to the run that is to go on."
            raise ValueError(msg)
        self.options(allow_private=False)

    def worker(self, run: str = "") -> Worker:
        """Return the function to deploy: see `Settings.worker`."""
        start = uuid.uuid4().hex if self.fresh else ""
        return replace(super().worker(run), start=start, sources=tuple(self.sources))

    @property
    def continues(self) -> bool:
        """Whether a run is continued instead of begun."""
        return self.resume or self.retry_failed

    @property
    def brings_urls(self) -> bool:
        """Whether files come from the user's URLs, of sizes nobody knows yet."""
        return bool(self.url_template or self.url_list)

    @property
    def shards(self) -> int:
        """Invocations in the first wave."""
        return self.concurrency * self.shards_per_execution

    def options(self, *, allow_private: bool) -> Options:
        """Return how a shard fetches."""
        return Options(
            connections=self.connections,
            engine=self.engine,
            attempts=self.attempts,
            allow_private=allow_private,
            allow_s3=self.url_template.startswith(SCHEME) or bool(self.sources),
        )
