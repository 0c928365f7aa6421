"""What was seen: found again however many came between."""

from hypothesis import given
from hypothesis import strategies as st

from fetcher.lists import duplicate_rows as module
from fetcher.lists.duplicate_rows import SeenRows


@given(st.lists(st.lists(st.integers(0, 60), max_size=40), max_size=6))
def test_each_row_finds_the_first_of_its_url(batches):
    seen, firsts, row = SeenRows(), {}, 0
    for batch in batches:
        repeats = seen.add([f"h/{n}" for n in batch], row)
        expected = {}
        for place, n in enumerate(batch):
            first = firsts.setdefault(n, row + place)
            if first != row + place:
                expected[place] = first
        row += len(batch)

        assert repeats == expected


def test_many_rows_are_found_again():
    seen, urls = SeenRows(), [f"h/{n}" for n in range(20_000)]
    assert seen.add(urls, 0) == {}

    assert seen.add(urls[::7], 20_000) == {n: 7 * n for n in range(len(urls[::7]))}


def test_past_the_most_names_rows_are_compared_with_the_first_ones(monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    seen = SeenRows()
    repeats = seen.add(["a", "b", "c", "d", "d", "b"], 0)

    assert repeats == {5: 1}


def test_repeats_and_rows_without_a_url_take_no_room_of_names(monkeypatch):
    monkeypatch.setattr(module, "MOST", 8)
    seen = SeenRows()
    for row in range(0, 40, 4):
        seen.add(["a", "", "a", "b"], row)
    seen.add(["c", "d"], 40)

    assert seen.add(["d", "c"], 42) == {0: 41, 1: 40}
