"""The parameters of notebooks, checked before anything starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath

from experiment.parameters.checks import at_least_one, check_different, more_than_0
from experiment.parameters.notebook_settings import NotebookSettings
from fetcher.contract.options import MAX_CONNECTIONS, SinkSpec, check_one_of
from fetcher.s3.urls import SCHEME
from rollout.deploy.function_spec import DEFAULTS, FunctionSpec, as_service
from rollout.deploy.vpc_efs_config import EFS_MOUNT, Efs, Vpc
from rollout.price import DEFAULT_MAX_COST_USD
from rollout.target.connection import NAMES as TARGETS

_TMP = "/tmp"  # noqa: S108 - what is refused


@dataclass(frozen=True, kw_only=True)
class Settings(NotebookSettings):
    """
    The settings of every notebook that uses a target.

    >>> Settings(memory_mb=3_008).worker().name
    'million-downloads'

    Attributes:
        target: ``local`` or ``aws``.

        endpoint_url:
            URL of a running local endpoint; empty: one is started and stopped again.

        function: Name of the Lambda function.

        memory_mb: The function's memory; its share of a processor follows.

        timeout_s: Longest time of one invocation.

        tmp_mb: Size of an execution's ``/tmp``.

        architecture: The processor on AWS; a local function has this machine's.

        subnets:
            Ids of subnets of a VPC; none: Lambda's own network, which leads to the
            internet.

        security_groups: Ids of security groups in that VPC.

        efs: ARN of an EFS access point in that VPC, mounted at `EFS_MOUNT`.
    """

    target: str = "local"
    endpoint_url: str = ""
    function: str = DEFAULTS.name
    memory_mb: int = DEFAULTS.memory_mb
    timeout_s: int = 60
    tmp_mb: int = DEFAULTS.tmp_mb
    architecture: str = DEFAULTS.architecture
    subnets: list[str] = field(default_factory=list)
    security_groups: list[str] = field(default_factory=list)
    efs: str = ""

    def _check(self) -> None:
        super()._check()
        check_one_of("target", self.target, TARGETS)
        for name in ("subnets", "security_groups"):
            check_different(name, getattr(self, name), str)
        self.worker()

    def worker(self, run: str = "") -> FunctionSpec:
        """Return the function to deploy; `run` is a tag to find its cost by."""
        return FunctionSpec(
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
        """Where in S3 the function may write; empty: nowhere."""
        return ""


@dataclass(frozen=True, kw_only=True)
class DeploySettings(Settings):
    """
    The settings of a function to deploy and keep.

    >>> DeploySettings(url="AWS_IAM", service_bucket="bucket").url
    'AWS_IAM'

    Attributes:
        url:
            Who may call it as a service at its function URL: ``AWS_IAM``, signed
            requests only; ``NONE``, everyone; empty: it has no URL.

        service_bucket: Where a service keeps jobs and files; empty: it takes no jobs.
    """

    url: str = ""
    service_bucket: str = ""

    def worker(self, run: str = "") -> FunctionSpec:
        """Return the function to deploy: see `Settings.worker`."""
        spec = super().worker(run)
        if self.url:
            return as_service(spec, self.url, self.service_bucket)
        if self.service_bucket:
            msg = "service_bucket is for a service: set url to AWS_IAM."
            raise ValueError(msg)
        return spec


@dataclass(frozen=True, kw_only=True)
class DownloadSettings(Settings):
    """
    The further settings of every notebook that downloads.

    >>> DownloadSettings(sink="s3-tar", sink_path="s3://bucket/prefix").bucket
    'bucket/prefix'

    Attributes:
        origin_url: URL of a running origin; empty: the local endpoint's own.

        files: Number of files in a run; 0: as many as `duration_s` asks for.

        duration_s:
            How long a run should download steadily. A pilot finds the number of files
            for it. A rate measured over 2 s was up to 19 % off that of a whole
            million.

        connections:
            Downloads in flight in one execution; 0: each finds out how many are of use.

        shards_per_execution:
            Invocations per execution, one after the other. With more of them, progress
            shows earlier and a failure leaves less to do again. If a pilot finds the
            number of files, each lasts a second at least, so there may be fewer.

        engine: The download engine: one of `fetcher.contract.options.ENGINES`.

        sink: Where bodies go: one of `fetcher.contract.options.SINKS`.

        sink_path:
            The place: ``s3://bucket/prefix``, or a folder (locally not below /tmp);
            empty: the execution's /tmp.

        max_cost_usd: Limit for the cost of a run, or a grid, on AWS.

        dry_run: Show the plan and its price, and stop before anything is deployed.

        run_folder: Where results go; empty: a new folder in ``results/``.

        show: The folder of a run to draw again, instead of measuring anything.
    """

    origin_url: str = ""
    files: int = 0
    duration_s: float = 5.0
    connections: int = 0
    shards_per_execution: int = 4
    engine: str = "curl"
    sink: str = "directory"
    sink_path: str = ""
    max_cost_usd: float = DEFAULT_MAX_COST_USD
    dry_run: bool = False
    run_folder: str = ""
    show: str = ""

    def _check(self) -> None:
        super()._check()
        if self.files < 0:
            msg = f"files is {self.files:,}; it must be at least 1, or 0 for a pilot."
            raise ValueError(msg)
        more_than_0("duration_s", self.duration_s)
        if not 0 <= self.connections <= MAX_CONNECTIONS:
            msg = (
                f"connections is {self.connections:,}; it must be from 1 to "
                f"{MAX_CONNECTIONS}, or 0 to adapt to the origin."
            )
            raise ValueError(msg)
        at_least_one("shards_per_execution", self.shards_per_execution)
        more_than_0("max_cost_usd", self.max_cost_usd)
        self.sink_spec()
        self._check_efs()
        self._check_tmp()

    def _check_efs(self) -> None:
        is_there = f"{self.sink_path}/".startswith(f"{EFS_MOUNT}/")
        if self.efs and self.sink == "directory" and not is_there:
            msg = (
                f"efs is set, but sink_path is {self.sink_path!r}, so nothing would be "
                f"kept there. Set sink_path to {EFS_MOUNT}, or a folder below it."
            )
            raise ValueError(msg)

    def _check_tmp(self) -> None:
        if self.target == "local" and PurePath(self.sink_path).is_relative_to(_TMP):
            msg = (
                f"sink_path is {self.sink_path!r}, but each execution has a {_TMP} of "
                "its own, which is removed with it. Set another folder, such as one "
                "below /var/tmp, or s3-objects as sink."
            )
            raise ValueError(msg)

    def sink_spec(self) -> SinkSpec:
        """Return where bodies go."""
        return SinkSpec(kind=self.sink, path=self.sink_path)

    @property
    def bucket(self) -> str:
        """Where in S3 the function may write; empty: nowhere."""
        in_s3 = self.sink_path.startswith(SCHEME)
        return self.sink_path.removeprefix(SCHEME) if in_s3 else ""
