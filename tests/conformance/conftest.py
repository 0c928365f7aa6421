"""
One case per fact about AWS that the local Lambda claims, each naming its source.

The cases speak plain boto3 and know nothing of who answers. By default that is the
local Lambda; ``pytest tests/conformance --target aws`` asks AWS itself, with the user's
own credentials and region. What is made there is removed. A case that takes minutes
there, or costs more than a cent, says so in its docstring.
"""

import contextlib
import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import boto3
import pytest
from tests.conformance.own_functions import PREFIX, create_function, own_names
from tests.support.lambda_api import (
    ACTIVE,
    PLAIN,
    Answer,
    Function,
    connect,
    kept_busy,
)
from tests.support.lambda_functions import ECHO, MEET, ROLE, SLEEP, request_for
from tests.support.waiting import WAIT_S

from local_aws.local_lambda.functions import version_state
from rollout.deploy import policies, role
from rollout.deploy.ownership_tag import OURS
from rollout.deploy.rollback import Changes
from rollout.errors import TargetError
from rollout.target.connection import connect as connect_target


@pytest.fixture(autouse=True)
def _has_a_source(request):
    """A claim about AWS without a source is nobody's to check."""
    marker = request.node.get_closest_marker("fact")
    (source,) = (marker and marker.args) or ("",)
    assert isinstance(source, str) and source.strip(), (  # noqa: PT018
        f"{request.node.nodeid} claims a fact and names no source. Mark it, as in "
        '@pytest.mark.fact("LocalStack test_lambda_handler_error, recorded 2025-11").'
    )


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
def client_of(request, on_aws):
    """Make a plain boto3 client of a service, without retries, once."""
    clients = {}
    with contextlib.ExitStack() as stack:
        if on_aws:
            make = _aws_client_maker()
        else:
            # AWS repeats a failing event after one and two minutes; this one soon.
            make = partial(connect, request.getfixturevalue("aws"))

        def client_of(service, **options):
            """Options are a region or a configuration other than the usual."""
            key = service, *options.values()
            if key not in clients:
                clients[key] = make(service, **options)
                stack.callback(clients[key].close)
            return clients[key]

        yield client_of


def _aws_client_maker():
    try:
        target = connect_target("aws")
    except TargetError as error:
        pytest.skip(f"--target aws: {error}")
    return lambda service, region=target.region, config=PLAIN: boto3.client(
        service, region_name=region, config=config
    )


@pytest.fixture(scope="session")
def lambda_client(client_of):
    return client_of("lambda")


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


@contextlib.contextmanager
def _creating(client, logs, role_arn):
    """
    Yield what creates functions of names of their own; they are removed afterwards.

    It returns the function, and CreateFunction's answer. Code is the text of the module
    `app`, or texts by file name; the handler is `app.run`. Settings are
    CreateFunction's.
    """
    with own_names(client, logs) as new_name:

        def create(code, **settings):
            request = request_for(new_name(), code, **{"Role": role_arn} | settings)
            made = Answer(create_function(client, request))
            return Function(client, made["FunctionName"]), made

        yield create


@pytest.fixture
def create(lambda_client, client_of, role_arn):
    with _creating(lambda_client, client_of("logs"), role_arn) as create:
        yield create


@pytest.fixture
def deploy(create):
    """Create a function and wait until it is active."""
    return lambda code, **settings: create(code, **settings)[0].waited(ACTIVE)


@pytest.fixture(scope="module")
def deploy_for_all(lambda_client, client_of, role_arn):
    """Deploy what all tests of a module share."""
    with _creating(lambda_client, client_of("logs"), role_arn) as create:
        yield lambda code, **settings: create(code, **settings)[0].waited(ACTIVE)


@pytest.fixture(scope="module")
def echo(deploy_for_all):
    """A function that returns its event, for tests that leave it as it is."""
    return deploy_for_all(ECHO)


@pytest.fixture
def reserve():
    """Reserve concurrency for a function, where the account has enough of it."""

    def reserve(function, concurrency):
        limits = function.client.get_account_settings()["AccountLimit"]
        unreserved = limits["UnreservedConcurrentExecutions"]
        if unreserved < 100 + concurrency:
            pytest.skip(f"100 must stay unreserved, and there are only {unreserved}")
        function.reserve(concurrency)

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


@pytest.fixture
def busy(on_aws, shared_folder):
    """
    Keep a warm function with the code GATE busy, on AWS for three seconds; its answer
    can be had afterwards.
    """

    @contextlib.contextmanager
    def asleep(function):
        with ThreadPoolExecutor(1) as thread:
            running = thread.submit(function, 3)
            time.sleep(1)  # it runs by then: the function is warm
            yield running

    return asleep if on_aws else partial(kept_busy, gate=shared_folder / "gate")


@pytest.fixture
def meeting(on_aws, shared_folder):
    """
    Return code whose calls meet, and the event for so many that do.

    On AWS they sleep for a second instead.
    """
    if on_aws:
        return SLEEP, lambda many: int(many > 1)
    return MEET, lambda many: [str(shared_folder / "met"), many]


@pytest.fixture
def _slow_changes(on_aws, monkeypatch):
    """No change is over before it has been seen, however slow this machine is."""
    if not on_aws:
        monkeypatch.setattr(version_state, "CHANGE_S", WAIT_S)
