"""`rollout serve` as a process of its own."""

import contextlib
import json
import os
import subprocess
import sys

from local_aws.local_lambda.requests.access_keys import KeyPair

SERVE = (sys.executable, "-P", "-m", "rollout", "serve")


class Served:
    """A local endpoint: its process, and what it printed of where it is."""

    def __init__(self, process):
        self.process = process
        self.told = json.loads(process.stdout.readline())
        self.endpoint_url = self.told["endpoint_url"]
        self.keys = KeyPair(self.told["access_key_id"], self.told["secret_access_key"])


@contextlib.contextmanager
def serving(*options, tmpdir=None, command=SERVE):
    """Serve until the `with` block ends; what is temporary goes into a folder."""
    environ = {"TMPDIR": str(tmpdir)} if tmpdir else {}
    with subprocess.Popen(
        [*command, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environ,
    ) as process:
        try:
            yield Served(process)
        finally:
            process.terminate()
