"""What a program wrote: the smallest thing wrong with it is found and named."""

import pytest

from experiment.bench.delivery import fault_in

PICTURE = b"picture"


@pytest.fixture
def folder(tmp_path):
    for number in range(1_000):
        (tmp_path / f"{number}.jpg").write_bytes(PICTURE)
    return tmp_path


def test_every_file_and_nothing_else_is_no_fault(folder):
    assert fault_in(folder, 1_000, PICTURE) == ""


def test_a_missing_file_is_named(folder):
    (folder / "7.jpg").unlink()

    assert fault_in(folder, 1_000, PICTURE) == (
        "999 of 1,000 files arrived; 7.jpg is missing"
    )


def test_a_file_of_another_length_is_named(folder):
    (folder / "999.jpg").write_bytes(PICTURE[:-1])

    assert fault_in(folder, 1_000, PICTURE) == "999.jpg has 6 bytes, not 7"


@pytest.mark.parametrize("extra", ["7.jpg.part", "1000.jpg"])
def test_what_nobody_asked_for_is_named(folder, extra):
    (folder / extra).write_bytes(PICTURE)

    assert fault_in(folder, 1_000, PICTURE) == f"1 unexpected files, such as {extra}"


def test_other_bytes_of_the_same_length_are_found_in_a_sample(folder):
    for number in range(1_000):
        (folder / f"{number}.jpg").write_bytes(b"another")

    assert (
        fault_in(folder, 1_000, PICTURE)
        == "0.jpg differs from the file that the origin serves"
    )


@pytest.mark.parametrize("number", [0, 1, 2])
def test_of_few_files_every_one_is_compared(tmp_path, number):
    for each in range(3):
        (tmp_path / f"{each}.jpg").write_bytes(
            b"another" if each == number else PICTURE
        )

    assert fault_in(tmp_path, 3, PICTURE) == (
        f"{number}.jpg differs from the file that the origin serves"
    )


def test_no_file_at_all_is_a_fault(tmp_path):
    assert fault_in(tmp_path, 3, PICTURE) == "0 of 3 files arrived; 0.jpg is missing"
