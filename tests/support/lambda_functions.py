"""Functions for tests of Lambda: their code, and requests that create them."""

import io
import zipfile

ROLE = "arn:aws:iam::123456789012:role/worker"
ECHO = "def run(event, context): return event\n"
PID = "import os\ndef run(event, context): return os.getpid()\n"
SLEEP = (
    "import os, time\n"
    "def run(event, context):\n"
    "    time.sleep(event)\n"
    "    return os.getpid()\n"
)
# Says that it runs, and runs until the file it is given exists; or sleeps.
GATE = (
    "import os, pathlib, time\n"
    "def run(event, context):\n"
    "    if not isinstance(event, str):\n"
    "        time.sleep(event)\n"
    "        return os.getpid()\n"
    "    gate = pathlib.Path(event)\n"
    "    gate.with_suffix('.entered').touch()\n"
    "    while not gate.exists(): time.sleep(0.005)\n"
    "    return os.getpid()\n"
)
# Waits until so many processes have come to a folder.
MEET = (
    "import os, pathlib, time\n"
    "def run(event, context):\n"
    "    folder, many = pathlib.Path(event[0]), event[1]\n"
    "    folder.mkdir(exist_ok=True)\n"
    "    (folder / str(os.getpid())).touch()\n"
    "    while len(list(folder.iterdir())) < many: time.sleep(0.005)\n"
    "    return os.getpid()\n"
)
# Starts a shell that is detached, and what it starts is too when that is killed.
DETACH = (
    "import os, subprocess, time\n"
    "def run(event, context):\n"
    "    if not event: return os.getpid()\n"
    "    shell = subprocess.Popen(['sh', '-c', 'sleep 1000 & echo $!; wait'],\n"
    "        start_new_session=True, stdout=subprocess.PIPE, text=True)\n"
    "    pids = [shell.pid, int(shell.stdout.readline())]\n"
    "    open(event['file'], 'w').write(' '.join(map(str, pids)))\n"
    "    exec(event['end'])\n"
)


def zipped(files):
    """Return a zip that is the same for the same texts, and that AWS can read."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = 0o644 << 16
            archive.writestr(member, text)
    return buffer.getvalue()


def request_for(name, code, **settings):
    """Return CreateFunction's parameters; a text as code is the module `app`."""
    files = {"app.py": code} if isinstance(code, str) else code
    return {
        "FunctionName": name,
        "Role": ROLE,
        "Runtime": "python3.13",
        "Handler": "app.run",
        "Code": {"ZipFile": zipped(files)},
    } | settings
