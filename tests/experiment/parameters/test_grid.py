"""The parameters cell of a grid, checked, and the cells it comes to."""

import re

import pytest

from experiment.parameters.checks import SettingsError
from experiment.parameters.grid import GridSettings

NETWORK = {"subnets": ["subnet-1"], "security_groups": ["sg-1"]}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"concurrency": 2}, "concurrency is 2; it must be a list of different whole"),
        ({"concurrency": []}, "concurrency is []; it must be a list of different"),
        ({"concurrency": [2, 2]}, "concurrency is [2, 2]; it must be a list of diff"),
        ({"concurrency": [1, True]}, "concurrency is [1, True]; it must be a list"),
        ({"file_kb": ["10"]}, "file_kb is ['10']; it must be a list of different"),
        ({"file_kb": [0]}, "file_kb is 0; it must be at least 1."),
        ({"file_kb": [1, 2, 3, 4, 5]}, "file_kb has 5 sizes; a chart shows at most 4."),
        ({"repeats": 0}, "repeats is 0; it must be at least 1."),
        ({"memories_mb": [512, 512]}, "memories_mb is [512, 512]; it must be a list"),
        ({"memories_mb": [64]}, "`memory_mb` is 64 MB; Lambda takes 128 to 10,240"),
        ({"engines": ["wget"]}, "engine is 'wget'; it must be one of: curl, aiohttp"),
        ({"engines": "curl"}, "engines is 'curl'; it must be a list of different"),
        ({"sinks": ["s3-tar"]}, "is no place in S3: write s3://bucket/prefix."),
        ({"files": 3}, "makes 4 shards, more than the 3 files"),
        ({"connections": 10_000}, "connections is 10,000; it must be from 1 to"),
    ],
)
def test_a_grid_is_checked_whole_before_its_first_cell(given, said):
    with pytest.raises(SettingsError, match=re.escape(said)):
        GridSettings(**given)


def test_each_setting_is_measured_cold_first_then_warm_with_repeats_outermost():
    grid = GridSettings(file_kb=[10], concurrency=[1, 2], repeats=2, files=50)
    cells = [(cell.repeat, cell.concurrency, cell.fresh) for cell in grid.cells()]

    assert cells == [
        *[(1, 1, True), (1, 1, False), (1, 2, True), (1, 2, False)],
        *[(2, 1, False), (2, 2, False)],
    ]
    assert len(set(map(grid.name_of, grid.cells()))) == len(cells)


def test_a_grid_may_vary_memory_engine_and_sink_each_cold_and_then_warm():
    """
    A change of memory replaces all executions, so that the next run begins cold; what
    was measured then must not be taken for memory's own.
    """
    grid = GridSettings(
        file_kb=[10],
        concurrency=[1],
        memories_mb=[512, 1_769],
        engines=["curl", "aiohttp"],
        sinks=["discard", "s3-tar"],
        sink_path="s3://photos/x",
        repeats=1,
    )
    cells = list(grid.cells())

    assert len(cells) == 2 * 2 * 2 * 2
    assert [cell.fresh for cell in cells] == [True, False] * 8
    assert [cell.memory_mb for cell in cells] == [512] * 8 + [1_769] * 8
    assert {cell.sink: cell.sink_path for cell in cells} == {
        "discard": "",
        "s3-tar": "s3://photos/x",
    }
    names = [grid.name_of(cell) for cell in cells]
    assert len(set(names)) == len(names)
    assert names[:2] == [
        "10kB-c1-512MB-curl-discard-cold-r1",
        "10kB-c1-512MB-curl-discard-warm-r1",
    ]
    assert grid.worker().bucket == "photos/x"


def test_a_grids_cells_share_everything_else():
    """
    A parameter that the grid takes and its cells do not see would be measured never.
    """
    changed = {
        "function": "mine",
        "memory_mb": 512,
        "timeout_s": 30,
        "tmp_mb": 1_024,
        "origin_url": "http://h",
        "files": 50,
        "duration_s": 3.0,
        "connections": 7,
        "shards_per_execution": 2,
        "sink": "discard",
        **NETWORK,
    }

    for cell in GridSettings(**changed).cells():
        assert changed.items() <= cell.to_dict().items()
        assert not cell.tear_down
