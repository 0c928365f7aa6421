"""The endpoint that broken clients talk to: it must be well after each of them."""

import contextlib

import pytest
from tests.support.impatient_endpoint import impatient_endpoint
from tests.support.lambda_api import connect


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory):
    with impatient_endpoint(tmp_path_factory.mktemp("tmp")) as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def _still_well_afterwards(endpoint):
    yield
    assert endpoint.is_well()


@pytest.fixture
def client(endpoint):
    with contextlib.ExitStack() as stack:

        def client(service="lambda"):
            made = connect(endpoint, service)
            stack.callback(made.close)
            return made

        yield client
