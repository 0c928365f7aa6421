"""What a program wrote: the smallest fault is found and named."""

import pytest

from experiment.bench.delivery_check import fault_in

PICTURE = b"picture"


@pytest.fixture
def folder(tmp_path):
    for number in range(1_000):
        (tmp_path / f"{number}.jpg").write_bytes(PICTURE)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("0.jpg", PICTURE, ""),
        ("7.jpg", None, "999 of 1,000 files arrived; 7.jpg is missing"),
        ("999.jpg", PICTURE[:-1], "999.jpg has 6 bytes, not 7"),
        ("7.jpg.part", PICTURE, "1 unexpected files, such as 7.jpg.part"),
        ("1000.jpg", PICTURE, "1 unexpected files, such as 1000.jpg"),
    ],
)
def test_every_file_and_nothing_else_is_no_fault(folder, name, content, fault):
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)

    assert fault_in(folder, 1_000, PICTURE) == fault


def test_other_bytes_of_the_same_length_are_found_in_a_sample(folder):
    for number in range(1_000):
        (folder / f"{number}.jpg").write_bytes(b"another")

    assert fault_in(folder, 1_000, PICTURE).startswith("0.jpg differs from the file")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_of_few_files_every_one_is_compared(tmp_path, number):
    for each in range(3):
        content = b"another" if each == number else PICTURE
        (tmp_path / f"{each}.jpg").write_bytes(content)

    fault = f"{number}.jpg differs from the file that the origin serves"
    assert fault_in(tmp_path, 3, PICTURE) == fault


def test_no_file_at_all_is_a_fault(tmp_path):
    assert fault_in(tmp_path, 3, PICTURE) == "0 of 3 files arrived; 0.jpg is missing"
