"""One state of a function to run: its code and its configuration."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws.local_lambda.requests.access_keys import KeyPair
from local_aws.local_lambda.runtime.code_package import Package

LATEST = "$LATEST"


@dataclass(frozen=True, slots=True)
class Version:
    """
    Code and configuration, frozen together; an update of ``$LATEST`` makes a new one.

    Attributes:
        settings: The configuration, by boto3's names.

        number: ``$LATEST``, or the number it was published under.

        layers: The content of its layers, in the order of its configuration.
    """

    name: str
    region: str
    package: Package
    settings: dict[str, Any]
    number: str = LATEST
    layers: tuple[Package, ...] = ()

    @property
    def log_group(self) -> str:
        """Its log group in CloudWatch Logs."""
        default = f"/aws/lambda/{self.name}"
        return str(self.settings.get("LoggingConfig", {}).get("LogGroup", default))

    @property
    def timeout_s(self) -> int:
        """Seconds after which an invocation is killed."""
        return int(self.settings["Timeout"])

    @property
    def memory_mb(self) -> int:
        """Configured memory."""
        return int(self.settings["MemorySize"])

    @property
    def tmp_mb(self) -> int:
        """Configured size of /tmp."""
        return int(self.settings["EphemeralStorage"]["Size"])

    def environ(
        self, runtime_api: str, endpoint_url: str, keys: KeyPair
    ) -> dict[str, str]:
        """
        Return the environment variables common to all its processes.

        They are AWS's, as recorded by LocalStack (test_introspection_invoke, 2026-01),
        except that paths are this machine's. Of our own environment only the path of
        libraries is in it, so no secret of the user's is. The credentials are the
        endpoint's own.
        """
        root = self.package.task_root
        libraries = [str(root), str(root / "lib"), *self._in_layers("lib")]
        libraries.append(os.environ.get("LD_LIBRARY_PATH", ""))
        return {
            "PATH": ":".join(
                ("/usr/local/bin:/usr/bin:/bin:/opt/bin", *self._in_layers("bin"))
            ),
            "LD_LIBRARY_PATH": ":".join(filter(None, libraries)),
            "LANG": "en_US.UTF-8",
            "LC_CTYPE": "C.UTF-8",
            "TZ": ":UTC",
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            **self.settings.get("Environment", {}).get("Variables", {}),
            **keys.environ(),
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": endpoint_url,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{self.settings['Runtime']}",
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": self.number,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_mb),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": self.log_group,
            "AWS_LAMBDA_RUNTIME_API": runtime_api,
            "LAMBDA_TASK_ROOT": str(root),
            "LAMBDA_RUNTIME_DIR": str(Path(__file__).parent),
            "PWD": str(root),
            "_HANDLER": self.settings["Handler"],
            **self._modules_of_layers(),
        }

    def _in_layers(self, folder: str) -> Iterator[str]:
        """Yield that folder of each layer: the later ones first, which win on AWS."""
        return (str(layer.task_root / folder) for layer in reversed(self.layers))

    def _modules_of_layers(self) -> dict[str, str]:
        """Let Python look into layers, after the package itself."""
        if not self.layers:
            return {}
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        wanted = self.settings.get("Environment", {}).get("Variables", {})
        folders = [
            *self._in_layers(f"python/lib/{version}/site-packages"),
            *self._in_layers("python"),
            *filter(None, [wanted.get("PYTHONPATH")]),
        ]
        return {"PYTHONPATH": ":".join(folders)}
