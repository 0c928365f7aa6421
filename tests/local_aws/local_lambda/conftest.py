"""An endpoint in this process, and functions on it: what tests of its parts share."""

import contextlib
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.lambda_api import (
    connect,
    create,
    eventually,
    invoke,
    open_url,
    running,
)


@pytest.fixture(scope="module")
def aws():
    with running(event_retry_delays_s=(0.05, 0.05)) as aws:
        yield aws


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def client(client_of):
    return client_of("lambda")


@pytest.fixture
def deploy(client):
    """Deploy code under a name of its own; it is removed afterwards."""
    made = []

    def deploy(code, **settings):
        made.append(f"f-{uuid.uuid4().hex[:8]}")
        create(client, made[-1], code, **settings)
        return made[-1]

    yield deploy
    for name in made:
        with contextlib.suppress(client.exceptions.ResourceNotFoundException):
            client.delete_function(FunctionName=name)


@pytest.fixture
def url_of(client, deploy):
    """Deploy code and return the URL of a function that runs it."""

    def url_of(code, auth_type="NONE", **config):
        name = deploy(code)
        if auth_type == "NONE":
            return open_url(client, name, **config)
        made = client.create_function_url_config(
            FunctionName=name, AuthType=auth_type, **config
        )
        return made["FunctionUrl"]

    return url_of


@pytest.fixture
def busy(shared_folder):
    """Keep a function with the code GATE busy; its answer can be had afterwards."""

    @contextlib.contextmanager
    def busy(client, name):
        gate = shared_folder / "gate"
        with ThreadPoolExecutor(1) as thread:
            running = thread.submit(invoke, client, name, str(gate))
            try:
                eventually(gate.with_suffix(".entered").exists)
                yield running
            finally:
                gate.touch()

    return busy
