"""Parts of long lists of URLs: read where they stand, in little memory."""

import json
import subprocess
import sys
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.url_lists import url_list

from fetcher.lists.position_set import Positions
from fetcher.lists.url_list import UrlListError

MANY = 5_000  # lines: several blocks
BIG = {
    ".txt": "".join(f"http://h:80/{n}\n" for n in range(MANY)),
    ".tsv": "".join(f"http://h/{n}\tcats/{n % 9}/{n}\n" for n in range(MANY)),
    ".csv": "url,n\n" + "".join(f"http://h/{n}?q,{n}\n" for n in range(MANY)),
    ".jsonl": "".join(json.dumps({"url": f"http://h/{n}"}) + "\n" for n in range(MANY)),
}


SPANS = st.lists(st.tuples(st.integers(0, MANY - 1), st.integers(0, 2_000)), max_size=5)


@pytest.fixture
def listed(tmp_path):
    return partial(url_list, tmp_path)


@pytest.fixture(scope="module", params=BIG)
def big(request, tmp_path_factory):
    """
    A long list, and all of its items.
    """
    folder = tmp_path_factory.mktemp("big")
    urls = url_list(folder, BIG[request.param], request.param)
    return urls, list(urls)


def test_a_long_list_is_numbered_throughout(big):
    _, items = big

    assert [item.number for item in items] == list(range(MANY))


@given(spans=SPANS)
@settings(max_examples=50)
def test_spans_of_a_list_are_what_is_at_these_positions(big, spans):
    urls, items = big
    spans = [(first, min(many, MANY - first)) for first, many in spans]

    assert list(urls.items_in(spans)) == [
        item for first, many in spans for item in items[first : first + many]
    ]


def test_positions_that_are_done_are_left_out(listed):
    urls = listed(BIG[".txt"])
    done = Positions(MANY)
    done.add(range(0, MANY, 2))

    numbers = [item.number for item in urls.items_in([(0, MANY)], done)]
    assert numbers == list(range(1, MANY, 2))


@pytest.mark.parametrize("suffix", BIG)
def test_a_line_far_down_that_repeats_one_far_up_is_named(listed, suffix):
    header, *_ = lines = BIG[suffix].splitlines(keepends=True)
    repeated = lines[1] if suffix == ".csv" else header
    line = 2 if suffix == ".csv" else 1

    with pytest.raises(UrlListError) as refusal:
        listed("".join([*lines, repeated]), suffix)
    said = f"line {len(lines) + 1:,}: repeats the URL of line {line}"
    assert said in str(refusal.value)


def test_a_list_that_grows_while_it_is_fetched_is_noticed(listed, tmp_path):
    urls = listed("http://h/1\n")
    with (tmp_path / "urls.txt").open("a") as file:
        file.write("http://h/2\n")

    with pytest.raises(UrlListError, match="changed while its URLs were fetched"):
        list(urls)


def test_memory_is_the_same_for_a_thousand_urls_and_for_a_hundred_thousand(tmp_path):
    code = (
        "import sys; from pathlib import Path;"
        "from fetcher.lists.url_list import UrlList;"
        "assert sum(1 for _ in UrlList(Path(sys.argv[1]))) > 0;"
        "print(Path('/proc/self/status').read_text())"
    )
    held = []
    for many in (1_000, 100_000):
        path = tmp_path / f"{many}.txt"
        path.write_text("".join(f"http://h.example/{n}/{n}\n" for n in range(many)))
        command = [sys.executable, "-c", code, str(path)]
        told = subprocess.run(command, capture_output=True, text=True, check=True)
        held.append(int(told.stdout.partition("VmHWM:")[2].split()[0]))

    assert held[1] - held[0] < 3_000, "kB"
