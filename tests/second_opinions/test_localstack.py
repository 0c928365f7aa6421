"""LocalStack's Lambda, IAM and Logs: deploy, change, leave and destroy a function."""

from dataclasses import replace

import pytest
from tests.support import others

from rollout.deploy.deployment import FunctionSpec, deploy, destroy, left
from rollout.target.connection import connect

pytestmark = pytest.mark.soak
SPEC = FunctionSpec(
    name="million-downloads-l", handler="main.handler", bucket="photos", tags={"a": "b"}
)


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """The target `aws`, whose every service is LocalStack's."""
    folder = tmp_path_factory.mktemp("localstack")
    url = f"http://127.0.0.1:{others.free_port()}"
    command, environ = others.localstack(folder, url)
    with (
        others.serving(command, url, folder, **environ),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", url)
        yield connect("aws")


def test_a_function_lives_through_all_of_it(target, code):
    made = deploy(target, SPEC, code=code)
    assert made.state == "Active"
    assert len(made.changes) == 3
    assert deploy(target, SPEC, code=code).changes == ()

    changed = deploy(target, replace(SPEC, memory_mb=512, tags={"a": "c"}), code=code)
    print(changed.changes)
    assert changed.memory_mb == 512

    assert len(destroy(target, SPEC.name)) == 3
    assert left(target, SPEC.name) == []
