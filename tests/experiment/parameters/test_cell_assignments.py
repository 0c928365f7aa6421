"""Which parameters a notebook was given, going by the cells that ran."""

import pytest

from experiment.parameters.cell_assignments import parameters_set

HEADING = "# Where to run, and what to fetch."
TARGET = 'target: str = "local"  # local or aws'


@pytest.mark.parametrize(
    "lines",
    [
        [HEADING, TARGET, "files = 400", "fils = 3"],
        [HEADING, TARGET, "files: int = 400", "fils: int = 3"],
        [HEADING, 'target = "local"', "files = 400", "fils = 3"],
        [HEADING, "import os", TARGET, "files: int = 400", "fils = 3", "print(fils)"],
        ["files: int = 400", "fils = files * 2"],
    ],
    ids=["mixed", "annotated", "plain", "more than parameters", "without target"],
)
def test_an_edited_parameters_cell_is_still_known_for_one(lines):
    """
    One line without its type turned the check off, and a misspelt name went by.
    """
    assert "fils" in list(parameters_set(["", "\n".join(lines)]))


@pytest.mark.parametrize(
    "cell",
    [
        "x = 1",
        "import json\nx = 1",
        "y: int = 1\nprint(y)",
        'target = connect("local", url)\nx = target.account',
        "%matplotlib inline",
        "not python",
        "",
    ],
)
def test_a_cell_that_does_something_else_sets_no_parameter(cell):
    assert list(parameters_set([cell])) == []


def test_papermills_cell_and_the_notebooks_own_both_count_the_latest_of_each():
    cells = [
        f"{TARGET}\nfiels: int = 1",
        "# Parameters\nfilse = 2\n",
        f"{TARGET}\nfiles: int = 1",
        "# Parameters\nwaves = 2\n",
    ]

    assert list(parameters_set(cells)) == ["target", "files", "waves"]
