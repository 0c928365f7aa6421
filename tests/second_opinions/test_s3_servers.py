"""S3 as others wrote it: s3rver and LocalStack take what the local endpoint takes."""

import tarfile
from io import BytesIO

import boto3
import pytest
from tests.support import others
from tests.support.handler_shards import invoke

from fetcher.contract.inline_source import Inline
from fetcher.contract.options import ENGINES, SinkSpec
from fetcher.contract.source import Item
from fetcher.contract.template_source import Template

pytestmark = pytest.mark.soak
FILES = 20
REGION = "us-east-1"


@pytest.fixture(scope="module", params=["s3rver", "localstack"])
def server(request, tmp_path_factory):
    """Where one of them answers, with the keys it takes in the environment."""
    folder = tmp_path_factory.mktemp(request.param)
    url = f"http://127.0.0.1:{others.free_port()}"
    command, environ, key = START[request.param](folder, url)
    with (
        others.serving(command, url, folder, **environ),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("AWS_ACCESS_KEY_ID", key)
        patch.setenv("AWS_SECRET_ACCESS_KEY", key)
        patch.setenv("AWS_REGION", REGION)
        patch.setenv("AWS_ENDPOINT_URL", url)
        yield url


def _s3rver(folder, url):
    port = url.rpartition(":")[2]
    command = [others.program("s3rver"), "--directory", str(folder), "--port", port]
    return [*command, "--address", "127.0.0.1"], {}, "S3RVER"


def _localstack(folder, url):
    command, environ = others.localstack(folder, url)
    return command, environ, "test"


START = {"s3rver": _s3rver, "localstack": _localstack}


@pytest.fixture(scope="module")
def s3(server):
    client = boto3.client("s3", region_name=REGION, endpoint_url=server)
    client.create_bucket(Bucket="photos")
    yield client
    client.close()


def ends(report):
    """Return how downloads ended, each way once."""
    return {(str(end.outcome), end.detail) for end in report.downloads}


@pytest.mark.parametrize("engine", ENGINES)
def test_every_sink_stores_every_file(s3, endpoint, engine):
    source = Template(f"{endpoint.origin_url}/10000/{{number}}.jpg", ((0, FILES),))
    for kind in ("s3-objects", "s3-tar"):
        sink = SinkSpec(kind=kind, path=f"s3://photos/{kind}-{engine}")
        report = invoke(source, sink, engine=engine)
        stored = s3.list_objects_v2(Bucket="photos", Prefix=f"{kind}-{engine}/")
        print(f"{engine}, {kind}: {report.tally.counts['ok']} of {FILES}")

        assert ends(report) == {("ok", "")}
        assert stored["KeyCount"] == (FILES if kind == "s3-objects" else 2)
    key = next(o["Key"] for o in stored["Contents"] if o["Key"].endswith(".tar"))
    body = s3.get_object(Bucket="photos", Key=key)["Body"].read()
    with tarfile.open(fileobj=BytesIO(body)) as tar:
        assert len(tar.getnames()) == 2 * FILES  # each with what is known of it


@pytest.mark.parametrize("engine", ENGINES)
def test_files_are_read_from_it(s3, engine):
    keys = ["a b.jpg", "ü/+&=.jpg", "plain.jpg"]
    for key in keys:
        s3.put_object(Bucket="photos", Key=f"read/{key}", Body=b"x" * 1_000)
    items = [Item(n, f"s3://photos/read/{key}") for n, key in enumerate(keys)]
    sink = SinkSpec(kind="discard")
    report = invoke(Inline.of(items), sink, engine=engine, allow_s3=True)

    assert ends(report) == {("ok", "")}
