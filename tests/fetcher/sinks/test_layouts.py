"""Names of files in a folder: by host, flat, or spread by a hash."""

from collections import Counter

import pytest

from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item
from fetcher.sinks import layouts
from fetcher.sinks.directory import Directory
from fetcher.sinks.layouts import layout_of

PNG = Download(Outcome.OK, 200, 3, content_type="image/jpeg", found_type="image/png")


def stored(folder, name, item, download=PNG, count=10, **options):
    """Keep a body; return where it is below the folder."""
    sink = Directory(folder, layout_of(name, count), **options)
    path = sink.keep(item, [b"abc"], download)
    assert sink.key_at(path) == sink.key_of(item)
    assert sink.key_at(f"/elsewhere{path}") == ""
    return path.removeprefix(f"{folder}/")


@pytest.mark.parametrize(
    ("layout", "url", "own", "name"),
    [
        ("host", "http://h/a/cat.jpg?b=1", "", "h/a/cat.jpg%3Fb=1"),
        ("host", "http://h/1", "pets/1.gif", "pets/1.gif"),
        ("flat", "http://h/a/cat.jpg?b=1", "", "cat~f9c04c86486120dc.png"),
        ("flat", "http://h/", "", "index~ccb7d4a6deb73c4d.png"),
        ("flat", "http://h/1", "pets/1.gif", "pets%2F1.gif"),
        ("flat", "http://h/1", f"a~{16 * '0'}.gif", f"a%7E{16 * '0'}.gif"),
        ("hash", "http://h/a/cat.jpg?b=1", "", "f9/cat~f9c04c86486120dc.png"),
    ],
)
def test_a_layout_names_a_body(tmp_path, layout, url, own, name):
    assert stored(tmp_path, layout, Item(0, url, own)) == name
    assert (tmp_path / name).read_bytes() == b"abc"


def test_flat_names_tell_apart_what_the_url_tells_apart(tmp_path):
    urls = ["http://h/1.jpg", "http://i/1.jpg", "http://h/1.jpg?", "http://h/a.part"]
    names = {stored(tmp_path, "flat", Item(0, f"{url}?n=1")) for url in urls}

    assert len(names) == len(list(tmp_path.iterdir())) == 4


def test_hashed_folders_hold_at_most_a_thousand_files_each(monkeypatch):
    """
    A tenth of that here, where chance has more to say.
    """
    monkeypatch.setattr(layouts, "_AVERAGE", layouts._AVERAGE // 10)
    many = 40 * 256
    layout = layout_of("hash", many)
    stems = (layout.stem(Item(n, f"http://h/{n}")) for n in range(many))
    folders = Counter(stem.rpartition("/")[0] for stem in stems)

    assert len(folders) == 256
    assert max(folders.values()) <= 100
    assert layout_of("hash", many + 1).stem(Item(0, "http://h/")).count("/") == 2


def test_what_is_known_of_a_file_is_beside_it_with_the_columns_of_its_row(tmp_path):
    carried = r'{"caption": "\u00e9", "row": 5}'
    item = Item(6, "http://u:hunter2@h/a.json", carried=carried)
    name = stored(tmp_path, "host", item, beside=True)

    assert name == "h/a%2Ejson"
    assert (tmp_path / "h/a%2Ejson.json").read_text() == (
        '{"row": 7, "url": "http://***@h/a.json", "status": 200, "bytes": 3, '
        '"content_type": "image/jpeg", "found_type": "image/png", '
        '"caption": "\\u00e9", "list_row": 5}\n'
    )
