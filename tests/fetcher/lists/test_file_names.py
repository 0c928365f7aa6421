"""Names of files: none leaves its folder, none is another's, plain URLs are quick."""

from pathlib import PurePosixPath

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from fetcher.contract.source import Item
from fetcher.lists import file_names
from fetcher.lists.file_names import name_of
from fetcher.security.guard import BadUrlError, check_url

ANY_TEXT = st.text(st.characters(), min_size=1, max_size=30)
NASTY = st.text(
    st.sampled_from("./%~\\\0ab\ud800é"), min_size=1, max_size=12
) | st.just("..part")
PATHS = st.text(st.sampled_from("./%~?=&ab"), max_size=12)

# Most are plain, and each of the others is one step away from it.
SEGMENTS = st.sampled_from(
    [
        *("a,~=e", "1.jpg", "@", ".x", "x.", ".", "..", ".part", "a.part", "a%20b"),
        *("a:b", "é", "a?b", "?", "#", "a#b", 'a\\"b', ""),
        *("a" * 198, "a" * 199, "a" * 200, "a" * 195 + ".part"),
    ]
)
HOSTS = st.sampled_from(
    [
        *("h", "H", "h.example", "127.0.0.1", "-", "h_h", "h..h", "h.", ".h", "h.part"),
        *("[::1]", "u@h", "u:p@h", "é", "", "h" * 190, "h" * 191, "h" * 192),
    ]
)
PORTS = st.sampled_from(
    ["", ":", ":0", ":80", ":443", ":59999", ":65535", ":65536", ":8o"]
)
URLS = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["http", "https", "HTTP", "ftp", ""]),
    HOSTS,
    PORTS,
    st.lists(SEGMENTS, max_size=4).map(lambda them: "".join(f"/{one}" for one in them)),
    st.sampled_from(["", "", "", "\r", "\n", " "]),
)


def item(destination="", url="http://h/a"):
    return Item(0, url, destination)


def test_no_secret_stands_in_a_name_and_each_still_has_its_own():
    """
    Names are shown as paths in reports; a URL copied from a report has one, too.
    """
    forms = ["http://h/a?n=1&sig={}&m=2", "http://h/a?u=http://{}@h/x"]
    secrets = ["hunter2", "hunter3+x", "***", ""]
    urls = [form.format(secret) for form in forms for secret in secrets]
    urls.append("http://h/a?sig=hunter2/x")
    names = [name_of(item(url=url)) for url in urls]
    copied = name_of(item(url=f"http://h/a?n=1&sig=***&m=2{names[0][-17:]}"))

    assert len({*names, copied}) == len(names) + 1
    assert not any("hunter" in name for name in names)


def can_be_fetched(url):
    try:
        check_url(url)
    except BadUrlError:
        return False
    return True


def slow_name(url):
    """Return the name as if no URL were plain."""
    return file_names._joined(file_names._parts(url))


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(URLS)
@example("http://h/" + "a" * 199)
@example("http://h/" + "%" * 66 + "/?a/")
@example("http://h/a?")
@example("http://h/a?#b")
@example("http://h:080/a")
@example("https://h:443/a")
@example("https://h:80/a%20b")
def test_a_url_is_named_the_quick_way_as_the_careful_one_would(url):
    assume(can_be_fetched(url))

    assert name_of(item(url=url)) == slow_name(url)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://u:hunter2@h/a", "h/a"),
        ("http://h/img:thumb@2x.png", "h/img%3Athumb@2x.png"),  # no password
    ],
)
def test_credentials_do_not_become_part_of_a_name(url, name):
    assert name_of(item(url=url)) == name


def test_keys_of_s3_that_differ_in_any_sign_are_files_of_their_own():
    keys = ["a", "a?", "a#1", "a#2", "a?b", "@a", "x@a", ":1/a", "%61", "/a"]
    names = {name_of(item(url=f"s3://photos/{key}")) for key in keys}

    assert len(names) == len(keys)
    assert all(name.startswith("photos/") for name in names)


@given(PATHS | NASTY)
@example("cats/1.jpg")
def test_a_plain_destination_is_named_like_any_other(destination):
    assume(destination)

    assert name_of(item(destination)) == file_names._joined(destination.split("/"))


@given(ANY_TEXT | NASTY)
@example("../../etc/passwd")
@example("/etc/passwd")
@example("..\\..\\x")
@example("\0")
@example("a" * 10_000)
@example("é" * 10_000)
def test_a_name_never_leaves_the_folder(destination):
    name = name_of(item(destination))
    parts = name.split("/")

    assert not name.startswith("/")
    assert not {"", ".", ".."} & set(parts)
    assert name.isascii()
    assert name.isprintable()
    assert all(len(f"{part}.part") <= 255 for part in parts)
    assert not any(part.endswith(".part") for part in parts)
    assert str(PurePosixPath(name)) == name


@given(ANY_TEXT | NASTY, ANY_TEXT | NASTY)
@example("%2E%2E", "..")
@example("a//b", "a/%/b")
@example("x.part", "x%2Epart")
@example("a" * 300, "a" * 301)
@example("a" * 300, name_of(item("a" * 300)))
def test_different_destinations_get_different_names(one, other):
    assume(one != other)

    assert name_of(item(one)) != name_of(item(other))


@given(PATHS, PATHS)
@example("/a", "a")
def test_different_urls_get_different_names(one, other):
    urls = {f"http://h/{path.rstrip('?')}" for path in (one, other)}  # "?" asks nothing

    assert len({name_of(item(url=url)) for url in urls}) == len(urls)
