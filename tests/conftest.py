"""What several test files need: a local endpoint, and an environment without traps."""

import io
import os
import socket
import tempfile
import uuid
import zipfile
from pathlib import Path

import pytest
from hypothesis import settings
from tests.support.aws_target import POLICY, aws_in_place
from tests.support.misbehaving_origin import Origin
from tests.support.s3_proxy import S3Proxy

from fetcher.contract.options import ENGINES
from fetcher.s3 import connection
from fetcher.s3.upload import LEAST_PART
from fetcher.s3.urls import Place
from fetcher.sinks import s3_tar
from fetcher.sinks.s3_tar import tar_of
from local_aws.endpoint_process import local_endpoint
from rollout.bundle import build
from rollout.deploy.deploy import destroy
from rollout.target.target import connect

WITH_LIBRARIES = build._installed

# How long an example takes says more about what else the machine does.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


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


@pytest.fixture(scope="session", autouse=True)
def _plain_environment(request):
    """
    Nobody's AWS set-up or proxy decides how a test ends, unless AWS is asked for.
    """
    if request.config.getoption("target") == "aws":
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith("AWS_") or name.lower().endswith("_proxy"):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def _light_zips():
    """
    Zips made here hold no libraries: executions find them beside the interpreter.

    Unpacking and compiling them took most of a deployment's time. Commands and
    notebooks are processes of their own, and deploy them whole.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "_installed", lambda _: {})
        yield


@pytest.fixture(scope="session", autouse=True)
def _known_permissions():
    """
    What S3 denies here it denies for good.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "_ALLOWED_WITHIN_S", 0)
        yield


@pytest.fixture(scope="module")
def whole_zips():
    """
    Zips with their libraries, for tests of what is in them, and for those that measure.
    """
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
def endpoint(_plain_environment):
    """
    A local endpoint with an origin: `.endpoint_url`, `.origin_url` and `.keys`.

    Its keys are in the environment, where `rollout` and boto3 look for them.
    """
    with local_endpoint() as running, pytest.MonkeyPatch.context() as patch:
        for name, text in running.keys.environ().items():
            patch.setenv(name, text)
        yield running


@pytest.fixture(scope="session")
def target(endpoint):
    return connect("local", endpoint.endpoint_url)


@pytest.fixture
def function_name(request, target):
    """
    A name of the test's own; what is deployed under it is removed.
    """
    name = f"t-{request.node.name.partition('[')[0][-36:]}"
    yield name
    destroy(target, name)


@pytest.fixture(scope="session")
def zip_of():
    """
    Make a function's code: a zip whose module `main` is the text given.
    """

    def made(text):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("main.py", text)
        return buffer.getvalue()

    return made


@pytest.fixture
def code(zip_of):
    """
    A function's code: it answers its event.
    """
    return zip_of("def handler(event, context):\n    return event\n")


@pytest.fixture(scope="module")
def gated(endpoint):
    """
    The gate before the target `aws`, and that target.
    """
    with (
        pytest.MonkeyPatch.context() as patch,
        aws_in_place(endpoint.endpoint_url, patch) as gate,
    ):
        yield gate, connect("aws")


@pytest.fixture
def gate(gated):
    """
    A gate that allows what the policy does, and has not been asked yet.
    """
    gate, _ = gated
    gate.policy = POLICY
    for heard in (gate.answers, gate.asked, gate.needed):
        heard.clear()
    return gate


@pytest.fixture(scope="session")
def wheels_folder(tmp_path_factory):
    """
    A folder for wheels: what pip once fetched from there is kept there too.
    """
    return tmp_path_factory.mktemp("wheels")


@pytest.fixture
def shared_folder():
    """
    A folder that local functions see as well: their /tmp is their own.
    """
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def silent_socket():
    """
    A port where nobody listens, and nobody else can either.
    """
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
    """
    A bucket of the test's own, empty.
    """
    name = f"t-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="module")
def s3_proxy(endpoint):
    with S3Proxy(endpoint.endpoint_url) as proxy:
        yield proxy


@pytest.fixture
def proxy(s3_proxy):
    """
    A proxy before S3 that fails as a test tells it, and has not been asked yet.
    """
    yield s3_proxy
    s3_proxy.fault = lambda _: None
    s3_proxy.asked.clear()


@pytest.fixture
def s3_environment(proxy, monkeypatch):
    """
    What Lambda tells an execution of S3, in this process.
    """
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)


@pytest.fixture
def tar(bucket):
    """
    Where the sink `s3-tar` keeps shard 7 of the first wave.
    """
    return tar_of(Place(bucket, "kept"), "r", 0, 7)


@pytest.fixture
def small_parts(monkeypatch):
    """
    Parts of a tar as small as S3 takes them: less to send.
    """
    monkeypatch.setattr(s3_tar, "PART_BYTES", LEAST_PART)
