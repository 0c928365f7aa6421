"""What a function's libraries do when they are imported, before its first execution."""

import time
from contextlib import ExitStack

import pytest
from botocore.config import Config
from tests.support.child_processes import alive
from tests.support.lambda_api import connect, eventually, functions_of
from tests.support.served_endpoint import serving
from tests.support.waiting import WAIT_S

# Far less than the 20 s for which GetFunction waits for a process that cannot fork yet.
AT_ONCE_S = 10
METADATA = "Metadata-Version: 2.1\nName: lib\nVersion: 1\n"
DAEMON = (
    "import subprocess\n"
    "subprocess.run(['sh', '-c', 'sleep 1000 & echo $! >{file}'],\n"
    "    start_new_session=True)\n"
)


@pytest.mark.parametrize(
    "does",
    ["print('hello', flush=True)", "import sys; sys.stdin.read()", DAEMON],
    ids=["print", "read", "start a daemon"],
)
def test_a_library_may_print_read_or_start_a_daemon_when_imported(shared_folder, does):
    """It is imported where commands are read and exits reported, by these very ways."""
    file = shared_folder / "daemon"
    package = {
        "lib/__init__.py": does.format(file=file),
        "lib-1.dist-info/METADATA": METADATA,
        "lib-1.dist-info/RECORD": "lib/__init__.py,,\nlib-1.dist-info/METADATA,,\n",
        "app.py": "import lib\ndef run(event, context): return event\n",
    }
    impatient = Config(retries={"total_max_attempts": 1}, read_timeout=AT_ONCE_S)
    with serving() as served, ExitStack() as at_last:
        at_last.callback(served.process.kill)
        with functions_of(connect(served, config=impatient)) as deploy:
            began = time.monotonic()
            function = deploy(package)
            function.get_function()
            took_s = time.monotonic() - began
            answered = function(1)
            function.delete_function()
            if file.exists():
                eventually(lambda: not alive(int(file.read_text())), within_s=WAIT_S)
            deploy(package)
        served.process.terminate()
        status = served.process.wait(WAIT_S)

    assert answered == (1, None)
    assert took_s < AT_ONCE_S
    assert status == 0
