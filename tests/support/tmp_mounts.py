"""Whether this system lets environments have a /tmp of their own."""

import functools
import subprocess
import sys
import tempfile

_TRY = """
import sys
from pathlib import Path
from local_aws.local_lambda.runtime.processes import sandbox_mounts
sys.exit(not sandbox_mounts.is_permitted([Path(sys.argv[1])]))
"""


@functools.cache
def is_permitted():
    """Ask in a process of its own: it forks."""
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.call([sys.executable, "-c", _TRY, folder]) == 0
