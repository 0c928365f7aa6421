"""A grid: each cell measured in a folder of its own, a failing one loses no other."""

from contextlib import closing
from types import SimpleNamespace
from unittest.mock import AsyncMock, Mock

import pytest
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from tests.support.plans import AWS, Nowhere
from tests.support.recorded_invocations import invocation, urls

from experiment.ledger.ledger_file import read_invocations
from experiment.ledger.run_folder import open_run, read_run
from experiment.parameters.checks import SettingsError
from experiment.parameters.fan_out import FanOutSettings
from experiment.parameters.grid import GridSettings
from experiment.plan.run_plan import Plan
from experiment.run import grid
from experiment.run.grid import GridError, check_complete, check_grid, run_grid
from experiment.session import open_session
from experiment.tables.run_result import result_of
from fetcher.process.cores import cores
from rollout.errors import PreflightError

MANY = 12
NO_KERNEL = None  # it would execute the notebooks


@pytest.fixture
def there(endpoint):
    return {"endpoint_url": endpoint.endpoint_url, "origin_url": endpoint.origin_url}


@pytest.fixture
def session(there):
    with closing(open_session(FanOutSettings(**there))) as session:
        yield session


@pytest.fixture
def run(tmp_path):
    opened = open_run("30_grid", GridSettings(), tmp_path / "grid", region="here")
    yield opened
    opened.close(verdict="")


@pytest.fixture
def cells(monkeypatch):
    """
    What the cells were told, in order; the one of concurrency 2 fails.

    Executing notebooks for real is for test_notebooks.py.
    """
    told = []

    def pretend(notebook, output, parameters, **_):
        told.append((notebook, output, parameters))
        settings = FanOutSettings(
            **{**parameters, "files": parameters["files"] or MANY}
        )
        if settings.concurrency == 2:
            raise PapermillExecutionError(5, 3, "", "OSError", "disk full", [])
        whole = urls((0, settings.files))
        cell = open_run(notebook, settings, output.parent, region="here")
        cell.reports.append(invocation(whole))
        result_of(cell, Plan(cell.folder, settings, whole, allow_private=True))
        cell.close(verdict="")

    monkeypatch.setattr(grid, "execute", pretend)
    return told


def test_cells_are_measured_one_after_the_other_at_the_shared_target(
    run, cells, session, there, capsys
):
    settings = GridSettings(concurrency=[1, 3], file_kb=[5], repeats=2, duration_s=1)
    records = run_grid(settings, session, run, NO_KERNEL)

    cold_too = [f"5kB-c{n}-{start}-r1" for n in (1, 3) for start in ("cold", "warm")]
    warm = ["5kB-c1-warm-r2", "5kB-c3-warm-r2"]
    assert [record["run"] for record in records] == cold_too + warm
    # Only the first run has a pilot: the others know what runs before them showed.
    assert [bool(parameters["files"]) for _, _, parameters in cells] == [False] + 5 * [
        True
    ]
    sized = [told for _, _, told in cells if told["files"]]
    assert {told["shards_per_execution"] for told in sized} == {1}  # as the pilot's run
    assert {"cores_busy", "origin_cores"} <= records[0]["load"].keys()
    for notebook, output, parameters in cells:
        assert notebook == "20_fan_out"
        assert output.parent == run.folder / output.parent.name
        assert parameters["run_folder"] == str(output.parent)
        assert there.items() <= parameters.items()
        assert parameters["tear_down"] is False
    assert len(list(read_invocations(run.folder))) == 6
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == "[1/6] 5kB-c1-cold-r1: 12 of 12 files ok in 2.0 s, 6 files/s"


def test_a_cell_that_fails_loses_no_other_and_is_named(run, cells, session, capsys):
    settings = GridSettings(files=MANY, concurrency=[1, 2, 3], file_kb=[5], repeats=1)

    assert len(run_grid(settings, session, run, NO_KERNEL)) == 4

    with pytest.raises(GridError) as failed:
        check_complete(run)

    assert str(failed.value) == (
        "There is no result for 5kB-c2-cold-r1, 5kB-c2-warm-r1. The executed notebooks "
        f"in {run.folder} show why."
    )
    assert len(cells) == 6
    assert read_run(run.folder / "5kB-c3-warm-r1")["totals"]["files"] == MANY
    said = capsys.readouterr().out
    assert "[3/6] 5kB-c2-cold-r1: failed: OSError: disk full" in said


def test_runs_before_it_decide_how_many_files_a_run_fetches(run, cells, session):
    """
    One that was too short gives the next more files. At another concurrency, no more
    executions work at once than the machine has cores.
    """
    settings = GridSettings(concurrency=[1, 3], file_kb=[5], repeats=1, duration_s=4)

    run_grid(settings, session, run, NO_KERNEL)

    pilot, warm, first, second = (parameters["files"] for _, _, parameters in cells)
    # The first downloaded its 12, and reported them, in 1.25 s.
    assert (pilot, warm) == (0, round(4 * MANY / 1.25))
    assert first == pytest.approx(4 * warm / 1.25 * min(3, cores()), rel=0.05)
    assert second == pytest.approx(4 * first / 1.25, rel=0.05)


@pytest.mark.parametrize("files", [MANY, 0])
def test_what_failed_cells_may_have_cost_is_not_spent_again(run, cells, files):
    """
    A cell may fail after all its invocations, and one with a pilot has no price.
    """
    on_aws = SimpleNamespace(
        **{**vars(AWS), "endpoint_url": "", "allow_private": False},
        environ=dict,
        check_alive=lambda _: None,
    )
    session = SimpleNamespace(target=on_aws, origin_url="", template=Nowhere.template)
    alike = {"files": files, "file_kb": [5], "repeats": 1, "max_cost_usd": 1.0}
    settings = GridSettings(concurrency=[2, 1], shards_per_execution=1, **alike)

    if not files:
        with pytest.raises(GridError):
            run_grid(settings, session, run, NO_KERNEL)
        assert len(cells) == 1
        assert len(run.record["failed_cells"]) == 4
        return
    run_grid(settings, session, run, NO_KERNEL)

    first, second, *rest = (told["max_cost_usd"] for _, _, told in cells)
    assert first == 1.0
    assert 0.9 < second < 1.0
    assert rest == pytest.approx([1.0 - 2 * (1.0 - second)] * 2)


def test_a_kernel_that_dies_loses_its_cell_only(run, cells, session, monkeypatch):
    """
    The cells share a kernel: the next one needs it alive.
    """
    manager = Mock(restart_kernel=AsyncMock())
    pretend = grid.execute

    def die_first(*arguments, **options):
        if not manager.restart_kernel.called:
            raise DeadKernelError
        pretend(*arguments, **options)

    monkeypatch.setattr(grid, "execute", die_first)
    settings = GridSettings(files=MANY, concurrency=[3], file_kb=[5], repeats=1)

    (record,) = run_grid(settings, session, run, manager)

    assert record["run"] == "5kB-c3-warm-r1"
    assert run.record["failed_cells"] == ["5kB-c3-cold-r1"]
    manager.hang_up.assert_called_once_with()
    manager.restart_kernel.assert_called_once_with(now=True)
    assert len(cells) == 1


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"origin_url": "SILENT"}, SettingsError, "does not answer"),
        ({"file_kb": [10, 50_000]}, PreflightError, "tmp_mb"),
    ],
    ids=["silent origin", "a cell too large for tmp"],
)
def test_what_one_cell_cannot_work_with_refuses_the_whole_grid(
    there, silent_url, settings, error, said
):
    if settings.get("origin_url"):
        settings = {"origin_url": silent_url}
    settings = GridSettings(**there | settings)
    with closing(open_session(settings)) as session, pytest.raises(error, match=said):
        check_grid(settings, session)
