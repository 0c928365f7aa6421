"""Functions on the endpoint in this process: what tests of its parts share."""

from functools import partial

import pytest
from tests.support.lambda_api import connect, functions_of, kept_busy
from tests.support.many_invocations import RECORD, run_many, served
from tests.support.signed_requests import credentials_of


@pytest.fixture(scope="session")
def client_of(aws):
    """Make a client of a service, once."""
    made = {}

    def client_of(service):
        if service not in made:
            made[service] = connect(aws, service)
        return made[service]

    yield client_of
    for each in made.values():
        each.close()


@pytest.fixture(scope="session")
def ours(aws):
    """The pair that the endpoint made."""
    return credentials_of(aws.keys)


@pytest.fixture(scope="session")
def client(client_of):
    return client_of("lambda")


@pytest.fixture
def deploy(client):
    with functions_of(client) as deploy:
        yield deploy


@pytest.fixture(scope="module")
def deploy_for_all(client):
    """Deploy what all tests of a module share."""
    with functions_of(client) as deploy:
        yield deploy


@pytest.fixture
def busy(shared_folder):
    """Keep a function with the code GATE busy; its answer can be had afterwards."""
    return partial(kept_busy, gate=shared_folder / "gate")


@pytest.fixture(scope="module")
def endpoint():
    """An endpoint in a process of its own, where many functions have room."""
    with served() as endpoint:
        with endpoint.function(RECORD) as name:  # what is loaded once is loaded now
            run_many(endpoint, name, calls=1, in_flight=1, sleep_s=lambda: 0)
        yield endpoint
