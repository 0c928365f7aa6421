"""How long an origin asks us to wait."""

import datetime as dt
from email.utils import format_datetime

import pytest

from fetcher.engines.aiohttp import _retry_after


@pytest.mark.parametrize(
    ("wait_s", "texts"),
    [
        (120, ["120"]),
        (0, ["0", "", "soon", "-5", "1.5", "٣"]),
        (0, ["Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 99 Dec 9999 99:99:99 GMT"]),
    ],
)
def test_the_wait_that_an_origin_asks_for_is_read(wait_s, texts):
    assert {_retry_after(text) for text in texts} == {wait_s}


def test_a_wait_may_be_given_as_a_date():
    then = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)

    assert 85 < _retry_after(format_datetime(then, usegmt=True)) <= 90
