"""A service that keeps jobs, one for all tests of a file."""

import pytest
from tests.support.lambda_api import connect as client_of
from tests.support.lambda_api import running
from tests.support.service_jobs import job_service


@pytest.fixture(scope="module")
def aws():
    """An endpoint where an event that failed is repeated soon."""
    with running(event_retry_delays_s=(0.1, 0.1)) as aws:
        yield aws


@pytest.fixture(scope="module")
def jobs(aws):
    with job_service(aws) as one:
        yield one


@pytest.fixture(scope="module")
def s3(aws):
    return client_of(aws, "s3")
