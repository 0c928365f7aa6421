"""The parameters cell, checked: what cannot work is refused in a person's words."""

import math
import re

import pytest

from experiment.parameters.checks import SettingsError
from experiment.parameters.fan_out import FanOutSettings
from experiment.parameters.grid import GridSettings
from experiment.parameters.settings import DeploySettings, DownloadSettings, Settings
from fetcher.contract.options import MAX_CONNECTIONS
from rollout.deploy.vpc_efs_config import Efs, Vpc

CELL = 'target: str = "local"  # where\nfiles: int = 10  # how many\n'
POINT = (
    "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/"
    "fsap-0123456789abcdef0"
)
KINDS = (Settings, DeploySettings, DownloadSettings, FanOutSettings, GridSettings)
NETWORK = {"subnets": ["subnet-1"], "security_groups": ["sg-1"]}


def notebook(injected="", **values):
    """A notebook's variables after its parameters cells ran."""
    cells = ["", CELL, injected] if injected else ["", CELL]
    return {"In": cells, "target": "local", "files": 10, **values}


@pytest.mark.parametrize("kind", KINDS)
def test_the_defaults_are_settings_that_work(kind):
    assert kind().to_dict()["target"] == "local"


# What papermill, YAML and people write, and the words it is refused in.
COUNTS = ("file_kb", "concurrency", "shards_per_execution", "waves", "repeat")
FAN_OUTS = [
    ({"files": "400"}, "files is '400', of type str; it must be of"),
    ({"concurrency": [1, 2]}, "concurrency is [1, 2], of type list; it must be of"),
    ({"tear_down": 1}, "tear_down is 1, of"),
    ({"files": -3}, "files is -3; it must be at least 1, or 0 for a pilot."),
    ({"duration_s": 0.0}, "duration_s is 0.0; it must be more than 0."),
    *[
        ({"max_cost_usd": dollars}, f"max_cost_usd is {dollars}; it must be more than")
        for dollars in (0, -1.0, math.inf, math.nan)
    ],
    *[
        ({name: value}, f"{name} is {value}; it must be at least")
        for name in (*COUNTS, "attempts")
        for value in (0, -3)
    ],
    *[
        ({"connections": value}, f"is {value}; it must be from 1 to {MAX_CONNECTIONS}")
        for value in (-1, MAX_CONNECTIONS + 1)
    ],
    ({"target": "gcp"}, "target is 'gcp'; it must be one of: local, aws."),
    ({"engine": "wget"}, "engine is 'wget'; it must be one of:"),
    ({"sink": "tape"}, "sink is 'tape'; it must be one of:"),
    ({"deal_by": "luck"}, "deal_by is 'luck'; it must be one of: count, bytes, host"),
    ({"deal_by": "host"}, "deal_by is 'host', which needs a url_list: the files of"),
    ({"resume": True}, "Set run_folder to the run to resume."),
    ({"retry_failed": True}, "Set run_folder to the run to resume."),
    ({"function": "a b"}, "The function's name is 'a b'; it must have 1 to 40"),
    ({"memory_mb": 64}, "`memory_mb` is 64 MB; Lambda takes 128 to 10,240 MB."),
    (
        {"concurrency": 4, "shards_per_execution": 3, "files": 11},
        "4 × shards_per_execution 3 makes 12 shards, more than the 11 files; every",
    ),
    (
        {"origin_url": "http://h", "url_list": "urls.txt"},
        "at most one of origin_url, url_template",
    ),
    ({"subnets": "subnet-1"}, "subnets is 'subnet-1'; it must be a list of"),
    ({"subnets": ["subnet-1", "subnet-1"]}, "must be a list of different texts"),
    ({"efs": POINT, "sink_path": "/mnt/files"}, "name subnets and security groups"),
    ({**NETWORK, "efs": POINT}, "sink_path is '', so nothing would be kept there"),
    ({**NETWORK, "efs": POINT, "sink_path": "/mnt/filesystem"}, "Set sink_path to"),
    ({"sources": ["s3://photos"]}, "sources needs a url_list"),
    ({"name_column": "id"}, "name_column and sha256_column need a url_list"),
    ({"sources": "s3://photos", "url_list": "l.txt"}, "list of different texts"),
    ({"sources": ["s3://no_bucket"], "url_list": "l.txt"}, "The bucket is"),
]
SERVICE = ({"service_bucket": "kept"}, "service_bucket is for a service: set url")
IN_TMP = [
    (path, f"sink_path is {path!r}, but each execution has a /tmp of its own, which")
    for path in ("/tmp", "/tmp/", "/tmp/kept")
]


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        *[(FanOutSettings, *refusal) for refusal in FAN_OUTS],
        (DeploySettings, *SERVICE),
        *[
            (kind, {"sink_path": path}, message)
            for path, message in IN_TMP
            for kind in (DownloadSettings, GridSettings)
        ],
    ],
)
def test_what_cannot_work_is_refused_saying_where_to_mend_it(kind, given, message):
    where = "Set it in the notebook's parameters cell."

    with pytest.raises(SettingsError, match=f"{re.escape(message)}.*{where}$"):
        kind(**given)


def test_as_many_shards_as_files_are_taken():
    assert FanOutSettings(concurrency=4, shards_per_execution=3, files=12).shards == 12


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("# Parameters\nconcurency = 9\n", "'concurency'. Did you mean 'concurrency'?"),
        ("flies: int = 3  # buzz\n", "'flies'. Did you mean 'file"),
        ("# Parameters\nzzz = 1\n", "'zzz'. The parameters are: target,"),
    ],
    ids=["from papermill", "in the cell itself", "like no other"],
)
def test_a_parameter_that_does_not_exist_is_refused_naming_the_close_one(cell, said):
    """
    Papermill itself only warns, and measures the default.
    """
    said = re.escape(f"There is no parameter {said}")

    with pytest.raises(SettingsError, match=f"^{said}"):
        FanOutSettings.from_notebook(notebook(cell))


def test_the_later_value_of_a_parameter_counts_and_other_variables_do_not():
    """
    IPython remembers the cell that was wrong; the latest one counts.
    """
    variables = notebook("# Parameters\nfiles = 500\n", files=500, x=1)
    variables["In"] = ["filez: int = 5", "x = 1", *variables["In"]]

    assert FanOutSettings.from_notebook(variables) == FanOutSettings(files=500)


def test_what_is_to_begin_cold_replaces_executions_every_time():
    fresh, other = (FanOutSettings(fresh=True).worker("r1") for _ in range(2))

    assert fresh.start
    assert fresh.start != other.start
    assert not FanOutSettings().worker("r1").start
    assert fresh.tags == {"run": "r1"}


def test_every_setting_is_documented():
    for kind in KINDS:
        for name in vars(kind).get("__annotations__", {}):
            entry = rf"^\s+(?:\w+, )*{name}(?:, \w+)*:"
            assert re.search(entry, kind.__doc__, re.MULTILINE), name


@pytest.mark.parametrize("name", ["origin_url", "url_template"])
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://me:hunter2@host/{number}.jpg", "a user name"),
        ("http://host/{number}?sv=1&sig=hunter2", "a .*url_list"),
        ("http://host/{number}?u=http://me:hunter2@h", "a .*url_list"),
        ("http://host/{number}?key=hunter2{number}", "a .*url_list"),
    ],
)
def test_a_secret_in_a_url_is_refused_because_parameters_are_kept(name, url, said):
    with pytest.raises(SettingsError, match=f"{name} holds {said}") as refused:
        FanOutSettings(**{name: url})

    assert "hunter2" not in str(refused.value)


def test_a_number_is_no_secret_whatever_it_is_called():
    FanOutSettings(url_template="http://host/get?key={number}&token={number%7}")


@pytest.mark.parametrize(("duration_s", "each"), [(0.5, 1), (2.0, 2), (60.0, 4)])
def test_shards_of_a_run_that_a_pilot_sizes_are_equal_and_last_a_second(
    duration_s, each
):
    """
    Of many short ones, more time would go into beginnings and ends than in a million.
    """
    pilot = FanOutSettings(concurrency=3, duration_s=duration_s).first_pilot

    assert (3 * each, "equal") == (pilot.shards, pilot.shard_sizes)


def test_a_network_and_a_file_system_of_ones_own_are_the_functions():
    settings = FanOutSettings(**NETWORK, efs=POINT, sink_path="/mnt/files/run")
    worker = settings.worker()

    assert worker.vpc == Vpc(subnets=("subnet-1",), security_groups=("sg-1",))
    assert worker.efs == Efs(access_point=POINT, mount="/mnt/files")
    assert settings.sink_spec().path == "/mnt/files/run"
    assert FanOutSettings().worker().vpc is None


@pytest.mark.parametrize("path", ["", "/tmpfiles", "/var/tmp/kept"])
def test_files_are_kept_in_other_folders(path):
    assert DownloadSettings(sink_path=path).sink_spec().path == path


def test_lists_of_objects_in_s3_are_read_from_the_sources_that_are_named():
    settings = FanOutSettings(url_list="l.txt", sources=["s3://photos/2026"])

    assert settings.worker().sources == ("s3://photos/2026",)
    assert settings.options(allow_private=False).allow_s3
    assert not FanOutSettings(url_list="l.txt").options(allow_private=False).allow_s3


def test_a_function_may_be_deployed_as_a_service():
    worker = DeploySettings(url="AWS_IAM", service_bucket="kept").worker()

    assert (worker.url, worker.bucket) == ("AWS_IAM", "kept")
    assert worker.handler == "fetcher.service.api.handle"
    assert worker.environment == {"FETCHER_BUCKET": "kept"}
    assert DeploySettings().worker() == Settings().worker()
