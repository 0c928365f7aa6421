"""Judgement of rows: mended as browsers would, refused with the reason, told apart."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.fetcher.lists.test_file_names import URLS, can_be_fetched

from fetcher.contract.source import Item
from fetcher.lists import row_validation as module
from fetcher.lists.file_names import name_of
from fetcher.lists.file_rows import Rows
from fetcher.lists.row_validation import RowValidator

SHA = "A" * 64


def judged(urls, names=(), sha256s=(), **allowed):
    judge = RowValidator(**({"allow_s3": False, "allow_credentials": True} | allowed))
    return list(judge.judged(Rows(urls, names, sha256s)).items())


BAD = [
    ("", "names no URL"),
    (None, "names no URL"),
    ("ftp://h/2", "The scheme is 'ftp'; only http and https are fetched."),
    ("nonsense", "The scheme is ''"),
    ("data:image/png;base64,AA", "The scheme is 'data'"),
    ("http://h/" + "a" * 9_000, "The URL is 9,009 characters long"),
    ("http://a b/", "The URL's host or port is malformed"),
    (7, "the URL is of type int; it must be text"),
    ("http://h/\ud800", "the URL holds half a surrogate pair"),
    ("s3://photos/1", "s3:// is for runs on Lambda"),
    ("me:hunter2@h/1", "The scheme is"),
    ("http:/me:hunter2@h/1", "The URL names no host"),
]


@pytest.mark.parametrize(("url", "said"), BAD)
def test_what_is_no_url_costs_only_itself(url, said):
    good, bad, last = judged(["http://h/1", url, "http://h/2"])

    assert bad.refusal.startswith(f"bad_url: {said}")
    assert not can_be_fetched(bad.url)
    assert "hunter2" not in bad.url
    assert (good, last) == (Item(0, "http://h/1"), Item(2, "http://h/2"))


@pytest.mark.parametrize("key", ["a\tb", "a\nb"])
def test_a_key_in_s3_that_a_kept_list_cannot_hold_is_refused(key):
    (item,) = judged([f"s3://photos/{key}"], allow_s3=True)

    assert item.refusal.startswith("bad_url: the key holds a tab or a line feed")
    assert item.url == "s3://photos/a b"


def test_a_password_is_allowed_or_refused_and_not_shown():
    url = "http://me:hunter2@h/1"
    (allowed,), (refused,) = judged([url]), judged([url], allow_credentials=False)

    assert allowed == Item(0, url)
    assert refused.refusal == "bad_url: The URL holds a user name or password."
    assert "hunter2" not in refused.url


@pytest.mark.parametrize(
    ("url", "mended"),
    [
        (" http://h/1\t", "http://h/1"),
        ("http://h/a b\n c.jpg?q= x", "http://h/a%20b%20c.jpg?q=%20x"),
        ("http://h/ü?a=1,2", "http://h/ü?a=1,2"),
    ],
)
def test_urls_are_mended_as_browsers_mend_them(url, mended):
    assert judged([url]) == [Item(0, mended)]


SAME = "http://h/1.jpg"
TWINS = [
    *(SAME, "https://h/1.jpg", "http://h/1.jpg#top", "http://h:80/1.jpg", f"{SAME}?"),
    *("https://h:443/1.jpg", "http://me@h/1.jpg", " http://h/1.jpg "),
]
OTHERS = ["http://h:443/1.jpg", "http://h/1.jpg?a", "http://H/1.jp"]


@pytest.mark.parametrize("url", TWINS)
def test_a_twin_is_a_duplicate_that_names_the_first(url):
    first, other, again = judged([SAME, "http://h/2", url])

    assert (first.refusal, other.refusal) == ("", "")
    assert again.refusal == "duplicate: repeats the URL of row 1"


@pytest.mark.parametrize("url", OTHERS)
def test_a_url_that_only_resembles_another_is_no_duplicate(url):
    assert [one.refusal for one in judged([SAME, url])] == ["", ""]


def test_two_rows_of_one_name_are_one_file():
    rows = [("1", "a"), ("2", "a"), ("1", "b"), ("3", ""), ("4", "h/3"), ("5", "b")]
    urls, names = zip(*((f"http://h/{url}", name) for url, name in rows), strict=True)
    refused = {one.row: one.refusal for one in judged(urls, names) if one.refusal}

    assert refused == {
        2: "duplicate: has the URL or the name of row 1",
        3: "duplicate: has the URL or the name of row 1",
        5: "duplicate: has the URL or the name of row 4",
    }


def test_a_name_may_be_the_number_0():
    assert [one.destination for one in judged(["http://h/1"], [0])] == ["0"]


def test_what_was_refused_is_no_first():
    names = ["a", "a", "c"]
    *_, last = judged(["http://h/1", "http://h/2", "http://h/2"], names)

    assert last.refusal == ""


def test_a_digest_that_is_none_refuses_its_row():
    good, bad = judged(["http://h/1", "http://h/2"], sha256s=[SHA, "12"])

    assert good.sha256 == SHA
    assert bad.refusal == "bad_url: sha256 is '12'; it must be 64 hex digits"


def test_a_url_in_the_column_of_digests_is_shown_without_its_secrets():
    url = f"http://me:hunter2@h/{'a' * 40}?sig=hunter2&n=1"
    (bad,) = judged(["http://h/1"], sha256s=[url])

    assert "sha256 is 'http://***@h/aaaa" in bad.refusal
    assert "hunter2" not in bad.refusal


# Most texts that look like URLs cannot be fetched: what is left can be.
FETCHED = URLS.filter(can_be_fetched)


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(st.tuples(FETCHED, FETCHED))
@example(("http://h", "http://h/"))
@example(("http://h?a", "http://h/?a"))
@example(("http://h:80/a", "http://h/a"))
@example(("https://h:443/a%20b", "https://h/a%20b"))
@example(("https://h:80/a", "http://h/a"))
def test_urls_are_duplicates_if_they_would_be_stored_under_one_name(urls):
    one, other = judged(urls)

    assert bool(other.refusal) == (name_of(one) == name_of(other))


@given(st.lists(URLS, min_size=1, max_size=5))
def test_plain_rows_are_judged_quickly_as_they_would_be_one_by_one(urls):
    quick = judged(urls)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_quick", lambda _: None)
        assert judged(urls) == quick
