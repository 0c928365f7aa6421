"""
One case per fact about AWS that the local Lambda claims, each naming its source.

The cases speak plain boto3 and know nothing of who answers. By default that is the
local Lambda; ``pytest tests/conformance --target aws`` asks AWS itself, with the user's
own credentials and region. What is made there is removed. A case that takes minutes
there, or costs more than a cent, says so in its docstring.
"""

import contextlib
import json
import uuid

import boto3
import pytest
from botocore.config import Config
from tests.conformance.facts import source_of
from tests.conformance.own_functions import PREFIX, create_function, own_names
from tests.support.lambda_api import PLAIN, ROLE, connect, request_for, running

from rollout.deploy import policies, role
from rollout.deploy.changes import OURS, Changes
from rollout.errors import TargetError
from rollout.target.target import connect as connect_target


@pytest.fixture(autouse=True)
def _has_a_source(request):
    """A claim about AWS without a source is nobody's to check."""
    source_of(request.node)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Show a failing case's source: it, or the code, is out of date."""
    report = yield
    if report.failed:
        for marker in item.iter_markers("fact"):
            report.sections.append(("the fact's source", " ".join(marker.args)))
    return report


@pytest.fixture(scope="session")
def on_aws(request):
    """Whether AWS itself answers."""
    return request.config.getoption("target") == "aws"


@pytest.fixture(scope="session")
def client_of(on_aws):
    """Make a plain boto3 client of a service, without retries, once."""
    clients = {}
    with contextlib.ExitStack() as stack:
        if on_aws:
            make = _aws_client_maker()
        else:
            # AWS repeats a failing event after one and two minutes.
            local = stack.enter_context(running(event_retry_delays_s=(0.05, 0.05)))
            make = lambda service: connect(local, service)  # noqa: E731

        def client_of(service):
            if service not in clients:
                clients[service] = make(service)
                stack.callback(clients[service].close)
            return clients[service]

        yield client_of


def _aws_client_maker():
    try:
        target = connect_target("aws")
    except TargetError as error:
        pytest.skip(f"--target aws: {error}")
    return lambda service: boto3.client(
        service, region_name=target.region, config=PLAIN
    )


@pytest.fixture(scope="session")
def lambda_client(client_of):
    return client_of("lambda")


@pytest.fixture(scope="session")
def unchecked_client(lambda_client):
    """A client that sends what boto3 would refuse by itself."""
    here = lambda_client.meta
    keys = lambda_client._request_signer._credentials
    client = boto3.client(
        "lambda",
        endpoint_url=here.endpoint_url,
        region_name=here.region_name,
        config=PLAIN.merge(Config(parameter_validation=False)),
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token,
    )
    yield client
    client.close()


@pytest.fixture(scope="session")
def account(client_of):
    """The account's number."""
    return client_of("sts").get_caller_identity()["Account"]


@pytest.fixture(scope="session")
def arn_of(lambda_client, account):
    """Spell a function's ARN, with or without a qualifier."""
    region = lambda_client.meta.region_name

    def arn_of(name, qualifier=None):
        arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
        return f"{arn}:{qualifier}" if qualifier else arn

    return arn_of


@pytest.fixture(scope="session")
def role_arn(request, on_aws, client_of):
    """
    A role that functions of this suite may run under; one made here goes afterwards.
    """
    given = request.config.getoption("role_arn")
    if given or not on_aws:
        client_of("lambda")  # skips where there are no credentials
        yield given or ROLE
        return
    client_of("iam")
    target = connect_target("aws")
    name = f"{PREFIX}{uuid.uuid4().hex[:8]}"
    try:
        with Changes() as done:
            arn = role.ensure(
                target, name, OURS, policies.write_own_log(target, name), done
            )
        target.client("iam").put_role_policy(
            RoleName=role.role_name(target, name),
            PolicyName="write-logs-of-this-suite",
            PolicyDocument=json.dumps(_LOGS_OF_THIS_SUITE),
        )
        yield arn
    finally:
        role.remove(target, name)


_LOGS_OF_THIS_SUITE = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:PutLogEvents",
            ],
            "Resource": f"arn:aws:logs:*:*:log-group:/aws/lambda/{PREFIX}*",
        }
    ],
}


@pytest.fixture
def new_name(lambda_client, client_of):
    """
    Make names of the test's own; what is created under them is removed afterwards.
    """
    with own_names(lambda_client, client_of("logs")) as new_name:
        yield new_name


@pytest.fixture
def create(lambda_client, role_arn, new_name):
    """
    Create a function of the test's own; return CreateFunction's answer as it comes.

    Code is the text of the module `app`, or texts by file name; the handler is
    `app.run`. Settings are CreateFunction's.
    """

    def create(code, **settings):
        name = new_name()
        request = request_for(name, code, **{"Role": role_arn} | settings)
        return create_function(lambda_client, request)

    return create


@pytest.fixture
def deploy(lambda_client, create):
    """Create a function and wait until it is active; return its name."""

    def deploy(code, **settings):
        name = create(code, **settings)["FunctionName"]
        lambda_client.get_waiter("function_active_v2").wait(FunctionName=name)
        return name

    return deploy


@pytest.fixture
def reserve(lambda_client):
    """Reserve concurrency for a function, where the account has enough of it."""

    def reserve(name, concurrency):
        unreserved = lambda_client.get_account_settings()["AccountLimit"][
            "UnreservedConcurrentExecutions"
        ]
        if unreserved < 100 + concurrency:
            pytest.skip(f"100 must stay unreserved, and there are only {unreserved}")
        lambda_client.put_function_concurrency(
            FunctionName=name, ReservedConcurrentExecutions=concurrency
        )

    return reserve


@pytest.fixture
def lines_of(client_of):
    """Read what CloudWatch Logs has of a function; nothing while it has no group."""
    logs = client_of("logs")

    def lines_of(name):
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{name}"
        )
        try:
            return [e["message"].rstrip() for page in pages for e in page["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []

    return lines_of


@pytest.fixture(scope="session")
def a_while_s(on_aws):
    """Seconds a call runs so that what a test does meanwhile falls into them."""
    return 3 if on_aws else 0.5
