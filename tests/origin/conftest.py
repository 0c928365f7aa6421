"""An origin, and two ways to talk to it."""

from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from tests.support.raw_http import LIMIT_S, dial

from origin import Origin


@pytest.fixture(scope="module")
def origin():
    with Origin() as origin:
        yield origin


@pytest.fixture
def connection(origin):
    connection = HTTPConnection(urlsplit(origin.url).netloc, timeout=LIMIT_S)
    yield connection
    connection.close()


@pytest.fixture
def sock(origin):
    with dial(origin.url) as sock:
        yield sock
