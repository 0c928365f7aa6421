"""Files read by the block: no line is lost, cut in two or given another number."""

from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st

from fetcher.lists.lines import Problems, blocks

LINES = st.lists(
    st.sampled_from(["a", "é", "x" * 300, "x" * 40_000, "x" * 65_535, "x\r"]),
    max_size=9,
)


@given(LINES, st.sampled_from(["", "\n"]))
def test_blocks_hold_every_line_in_order(lines, end):
    text = "\n".join(lines) + (end if lines else "")
    found, start = [], 0
    for block in blocks(BytesIO(text.encode())):
        assert (block.start, block.skipped) == (start, 0)
        assert block.line_count == len(list(block.lines()))
        assert block.end == start + len(block.data)
        found += block.lines()
        start += len(block.data)

    expected = [f"{line}\n" for line in lines]
    if expected and not end:
        expected[-1] = lines[-1]
    assert found == [(number, line, "") for number, line in enumerate(expected, 1)]


def test_of_a_line_without_end_little_is_held():
    """
    Somebody may name a film instead of a list.
    """
    film = BytesIO(b"x" * 10_000_000 + b"\nhttp://h/1\n")
    first, last = blocks(film)

    assert len(first.data) < 100_000
    assert len(first.data) + first.skipped == 10_000_001
    assert (last.line, last.data) == (2, b"http://h/1\n")


def test_problems_are_named_in_the_order_of_lines():
    problems = Problems("urls.txt")
    for line in (30, 2, 7):
        problems.add(line, "is wrong")

    numbers = [line.split()[1] for line in problems.first().splitlines()]
    assert numbers == ["2:", "7:", "30:"]
