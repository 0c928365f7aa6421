"""What LocalStack's own Python runs: its control plane, on a machine without Docker."""

from localstack.runtime.main import main
from localstack.services.lambda_.invocation.docker_runtime_executor import (
    DockerRuntimeExecutor,
)

if __name__ == "__main__":
    # It would fetch images for functions, which are never invoked here.
    DockerRuntimeExecutor.prepare_version = classmethod(lambda *_: None)
    main()
