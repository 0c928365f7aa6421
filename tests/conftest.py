"""Fixtures for many tests: a local endpoint, and an environment without traps."""

import gc
import os
import re
import signal
import socket
import tempfile
import uuid
from pathlib import Path

import pytest
from hypothesis import settings
from tests.support.aws_target import POLICY, aws_in_place
from tests.support.certificates import Authority
from tests.support.lambda_api import running
from tests.support.lambda_functions import zipped
from tests.support.misbehaving_origin import Origin
from tests.support.s3_proxy import S3Proxy

from aws_facts import fleet_constants
from fetcher.contract.options import ENGINES
from fetcher.s3 import connection
from fetcher.s3.urls import Place
from fetcher.sinks.tars.s3_tar import tar_of
from rollout.bundle import build
from rollout.deploy.deployment import destroy
from rollout.target.connection import connect
from rollout.target.local_endpoint import local_endpoint

WITH_LIBRARIES = build._installed

# The time an example takes depends on what else the machine does.
settings.register_profile("any-machine", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None, max_examples=1_000)
settings.load_profile("any-machine")

gc.disable()  # what is imported and collected stays: a third of that was its search


def pytest_addoption(parser):
    group = parser.getgroup("conformance", "tests/conformance")
    group.addoption(
        "--target",
        choices=("local", "aws"),
        default="local",
        help="who answers: the local Lambda, or AWS with your own credentials",
    )
    group.addoption(
        "--role-arn",
        metavar="ARN",
        help="the role functions on AWS run under; one is made if none is named",
    )


def pytest_collection_modifyitems(items):
    """
    Begin with the notebooks: nothing takes longer, and one process would end with it.
    """
    items.sort(key=lambda item: "notebooks" not in item.path.parts)


def pytest_collection_finish():
    """Spare all that is there by now: no later search for garbage goes through it."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def session_patch():
    """A monkeypatch for as long as the tests run."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="session", autouse=True)
def _plain_environment(request, session_patch):
    """No AWS set-up or proxy of the user's affects a test, unless AWS is the target."""
    if request.config.getoption("target") != "aws":
        for name in os.environ:
            if name.startswith("AWS_") or name.lower().endswith("_proxy"):
                session_patch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _few_authorities(session_patch, tmp_path_factory):
    """
    TLS trusts one authority more than the machine's folder of them, and reads no file
    of hundreds: that takes 40 ms in every engine and every process that may use TLS.
    """
    authority = Authority(tmp_path_factory.mktemp("authority"))
    session_patch.setenv("SSL_CERT_FILE", str(authority.path))


@pytest.fixture(scope="session", autouse=True)
def _not_calibrated(session_patch, tmp_path_factory):
    """What a user has measured on AWS changes no test of the model."""
    nowhere = tmp_path_factory.mktemp("calibration") / "calibration.toml"
    session_patch.setattr(fleet_constants, "CALIBRATION", nowhere)
    fleet_constants.constants.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _signals_not_ignored():
    """
    Commands that tests start can be interrupted, even if pytest is in the background.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _light_zips(session_patch):
    """
    Zips made here contain no libraries: executions find them beside the interpreter.

    Unpacking and compiling them took most of a deployment's time. Commands and
    notebooks run as processes of their own, and deploy whole zips.
    """
    session_patch.setattr(build, "_installed", lambda _: {})


@pytest.fixture(scope="session", autouse=True)
def _known_permissions(session_patch):
    """A denial by S3 is final here: no permission is new."""
    session_patch.setattr(connection, "_ALLOWED_WITHIN_S", 0)


@pytest.fixture(scope="module")
def whole_zips():
    """Zips with their libraries, for tests of their content, and for measurements."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "_installed", WITH_LIBRARIES)
        yield build


@pytest.fixture(scope="module")
def origin():
    """
    An origin that misbehaves as its paths say; tests of other origins have their own.
    """
    with Origin() as origin:
        yield origin


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


@pytest.fixture(scope="session")
def endpoint(_plain_environment, session_patch):
    """
    A local endpoint with an origin: `.endpoint_url`, `.origin_url` and `.keys`.

    Its keys are in the environment, where `rollout` and boto3 look for them.
    """
    with local_endpoint() as running:
        for name, text in running.keys.environ().items():
            session_patch.setenv(name, text)
        yield running


@pytest.fixture(scope="session")
def aws():
    """A local endpoint in this process, where failed events are soon tried again."""
    with running(event_retry_delays_s=(0.05, 0.05)) as aws:
        yield aws


@pytest.fixture(scope="session")
def target(endpoint):
    """The target `local`, where the worker is deployed: from then on it is compiled."""
    target = connect("local", endpoint.endpoint_url)
    worker = target.machine_for("arm64")
    target.client("lambda").create_function(
        FunctionName="compiled",
        Runtime=worker.runtime,
        Role="arn:aws:iam::123456789012:role/nobodys",
        Handler="fetcher.handler.download",
        Code={"ZipFile": build.build(*worker)},
    )
    return target


@pytest.fixture
def function_name(request, target):
    """A name of the test's own; a function deployed under it is removed afterwards."""
    name = "t-" + re.sub(r"\W+", "-", request.node.name)[-36:].strip("-")
    yield name
    destroy(target, name)


@pytest.fixture(scope="session")
def zip_of():
    """Return what makes a function's code: a zip whose module `main` is a text."""

    return lambda text: zipped({"main.py": text})


@pytest.fixture
def code(zip_of):
    """A function's code that returns its event."""
    return zip_of("def handler(event, context):\n    return event\n")


@pytest.fixture(scope="module")
def gated(endpoint):
    """The gate in front of the target `aws`, and that target."""
    with (
        pytest.MonkeyPatch.context() as patch,
        aws_in_place(endpoint.endpoint_url, patch) as gate,
    ):
        yield gate, connect("aws")


@pytest.fixture
def gate(gated):
    """A gate that allows what the policy does, and has seen no request yet."""
    gate, _ = gated
    gate.policy = POLICY
    for heard in (gate.answers, gate.asked, gate.needed, gate.loses):
        heard.clear()
    return gate


@pytest.fixture(scope="session")
def wheels_folder(tmp_path_factory):
    """A folder for wheels: what pip once fetched from there is kept there too."""
    return tmp_path_factory.mktemp("wheels")


@pytest.fixture
def shared_folder():
    """A folder that local functions share with the test; their /tmp is their own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def silent_socket():
    """A port on which nothing listens, nor can."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


@pytest.fixture
def silent_url(silent_socket):
    return f"http://127.0.0.1:{silent_socket.getsockname()[1]}"


@pytest.fixture(scope="session")
def s3(target):
    return target.client("s3")


@pytest.fixture
def bucket(s3):
    """A bucket of the test's own, empty."""
    name = f"t-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="module")
def s3_proxy(endpoint):
    with S3Proxy(endpoint.endpoint_url) as proxy:
        yield proxy


@pytest.fixture
def proxy(s3_proxy):
    """A proxy in front of S3 that fails on demand, and has seen no request yet."""
    yield s3_proxy
    s3_proxy.fault = lambda _: None
    s3_proxy.asked.clear()


@pytest.fixture
def tar(bucket):
    """The place where the sink `s3-tar` keeps shard 7 of the first wave."""
    return tar_of(Place(bucket, "kept"), "r", 0, 7)
