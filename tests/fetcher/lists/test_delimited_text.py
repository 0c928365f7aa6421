"""Rows of CSV and TSV: what is broken, quoted or too long costs only itself."""

import re

import pytest
from tests.support.url_lists import told, url_list

from fetcher.lists.delimited_text import Table


def test_broken_lines_of_a_table_cost_only_themselves(tmp_path):
    lines = [
        "url,caption",
        'http://h/1,"a quote that nobody closes',
        "http://h/2,fine",
        "http://h/3",
        'http://h/4,say "cheese"',
        'http://h/5,"over\nthree\nlines"',
        "http://h/6,one,too,many",
        'http://h/7,"quoted" and not',
        *(f"http://h/{n},fine" for n in range(8, 300)),
    ]
    rows = told(url_list(tmp_path, "\n".join(lines), ".csv"))
    bad = {row: url for row, url, outcome, _ in rows if outcome != "ok"}

    assert bad == {3: "not read: http://h/3", 6: "not read: http://h/6,one,too,many"}
    assert [row for row, *_ in rows] == list(range(1, 300))
    assert rows[4][3] == {"caption": "over\nthree\nlines"}


@pytest.mark.parametrize("others", [0, 2])
def test_a_broken_first_line_without_a_header_is_a_row(tmp_path, others):
    lines = ['"http://h/0"x', *(f"http://h/{n}" for n in range(1, others + 1))]
    rows = told(url_list(tmp_path, "\n".join(lines), ".csv"))

    assert [row for row, *_ in rows] == list(range(1, others + 2))
    assert rows[0][1] == "http://h/0x"  # as any line with such a quote is read


def test_quotes_that_begin_and_end_captions_of_a_tsv_swallow_no_rows(tmp_path):
    """
    A cell of several lines is still one, and so is one that holds a URL.
    """
    captions = ['"open', "fine", 'close"', '"over\nthree\nlines"', '"a\nhttp://h/9"']
    lines = [f"{caption}\thttp://h/{n}" for n, caption in enumerate(captions)]
    urls = url_list(tmp_path, "\n".join(["caption\turl", *lines]), ".tsv")
    found = [row.columns["caption"] for row in urls]

    assert found == [*captions[:3], "over\nthree\nlines", "a\nhttp://h/9"]


def test_a_broken_quote_of_a_tsv_is_told_without_the_tab_it_lacks(tmp_path):
    """
    A tab would end the column that the reason is kept in.
    """
    lines = ["caption\turl", "fine\thttp://h/1", '"a" b\thttp://h/2\tmore']
    *_, bad = url_list(tmp_path, "\n".join(lines), ".tsv")

    assert bad.refusal == "bad_url: is not CSV: '%09' expected after '\"'"


@pytest.mark.parametrize("mark", ["\u2028", "\x85", "\f"])
def test_only_line_feeds_and_carriage_returns_end_lines_of_a_table(tmp_path, mark):
    text = f'url,caption\nhttp://h/1,a{mark}b\nhttp://h/2,"c{mark}d"\n'
    rows = told(url_list(tmp_path, text, ".csv"))

    assert [row[3]["caption"] for row in rows] == [f"a{mark}b", f"c{mark}d"]


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".csv", "url\nhttp://h/0\n# none\n\n#http://h/1\nhttp://h/2\n"),
        (".csv", 'url,a\nhttp://h/0,"b"\n# none\n\n#http://h/1,b\nhttp://h/2,b\n'),
        (".csv", "  \nurl\nhttp://h/0\n          \n\nhttp://h/2\n"),
        (".tsv", "a\turl\nb\thttp://h/0\n#b\tno\n \n# b\n#b\thttp://h/2\n"),
        (".tsv", "a\turl\nb\thttp://h/0\n\t\n\t         \n \t\t\nb\thttp://h/2\n"),
    ],
)
def test_comments_and_blank_lines_of_a_table_are_no_rows(tmp_path, suffix, text):
    """
    A caption that begins with `#` is none, if its line has a URL where one belongs.
    """
    urls = url_list(tmp_path, text, suffix)

    assert [item.url for item in urls] == ["http://h/0", "http://h/2"]
    assert "3 lines are no rows" in urls.remarks()[0]


@pytest.mark.parametrize("rows_before", [0, 400])  # in a block of whole rows, or not
@pytest.mark.parametrize(
    "cell",
    ['"one\n{0}\nthree"', '"one\n{0}"', '"{0}\ntwo"', '"{0}"', '5" {0}'],
)
def test_a_line_too_long_in_a_cell_makes_its_row_bad_and_no_other(
    tmp_path, rows_before, cell
):
    urls = [f"http://h/{n}" for n in range(rows_before + 3)]
    lines = [f'{url},"fine, {n}"' for n, url in enumerate(urls)]
    lines[-2] = f"{urls[-2]},{cell.format('x' * 2**21)}"
    text = "\n".join(["url,caption", *lines, ""])
    rows = told(url_list(tmp_path, text, ".csv"))

    assert len(rows) == len(urls)
    assert [row for row, _, outcome, _ in rows if outcome != "ok"] == [len(urls) - 1]
    assert rows[-1][3] == {"caption": f"fine, {len(urls) - 1}"}


def test_rows_are_the_same_whether_they_are_read_at_once_or_one_by_one(
    tmp_path, monkeypatch
):
    """
    A comment has its whole block read record by record.
    """
    quick, read_at_once = Table._at_once, []

    def spy(self, text):
        rows = quick(self, text)
        read_at_once.append(len(rows[0]) if rows else 0)
        return rows

    monkeypatch.setattr(Table, "_at_once", spy)
    cells = ["plain", '"a, b"', '"say ""hi"""', "5' 6\""]
    captions = [cells[n % 4] if n % 20 else '"two\nlines"' for n in range(1_000)]
    lines = [f"http://h/{n},{caption}" for n, caption in enumerate(captions)]
    header = "url,caption"
    at_once = told(url_list(tmp_path, "\n".join([header, *lines]), ".csv"))
    assert sum(read_at_once) == 1_000

    read_at_once.clear()
    commented = [f"{line}\n# none" for line in lines]
    one_by_one = told(url_list(tmp_path, "\n".join([header, *commented]), "2.csv"))

    assert sum(read_at_once) == 0
    assert at_once == one_by_one
    assert [one[3]["caption"] for one in at_once[:5]] == [
        *("two\nlines", "a, b", 'say "hi"', "5' 6\"", "plain"),
    ]


@pytest.mark.parametrize("cell", ["a", '"a"'])
@pytest.mark.parametrize("ends", ["\r\n\n", "\n\r\n", "\r\r\n\n", "\r\n\r\r\n"])
def test_lines_may_end_in_several_ways(tmp_path, cell, ends):
    """
    Of files of several systems, one behind the other; and `\\r\\r\\n`, of Windows' own.
    """
    ends = re.findall("\r*\n", ends)
    lines = [f"http://h/{n},{cell}{ends[n > 2]}" for n in range(6)]
    rows = told(url_list(tmp_path, f"url,caption{ends[0]}{''.join(lines)}", ".csv"))

    assert rows == [(n + 1, f"http://h/{n}", "ok", {"caption": "a"}) for n in range(6)]


def test_columns_of_one_name_are_numbered(tmp_path):
    (row,) = url_list(tmp_path, "url,tag,tag,URL\nhttp://h/1,a,b,c\n", ".csv")

    assert row.carried == '{"tag": "a", "tag_2": "b", "URL": "c"}'
