"""Lambda's API through plain boto3: what tests of the local Lambda share."""

import asyncio
import contextlib
import io
import json
import zipfile
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.support.waiting import eventually  # noqa: F401 - tests of Lambda find it here

from local_aws.server import LocalAws

ROLE = "arn:aws:iam::123456789012:role/worker"

ECHO = "def run(event, context): return event\n"
PID = "import os\ndef run(event, context): return os.getpid()\n"
SLEEP = (
    "import os, time\n"
    "def run(event, context):\n"
    "    time.sleep(event)\n"
    "    return os.getpid()\n"
)
# Says that it runs, and runs until the file it is given exists.
GATE = (
    "import os, pathlib, time\n"
    "def run(event, context):\n"
    "    gate = pathlib.Path(event)\n"
    "    gate.with_suffix('.entered').touch()\n"
    "    while not gate.exists(): time.sleep(0.005)\n"
    "    return os.getpid()\n"
)


@contextlib.contextmanager
def running(**options):
    """Run an endpoint in a thread; its loop stays free of the test's waiting."""
    ready = Future()

    async def serve():
        stop = asyncio.Event()
        async with LocalAws(**options) as aws:
            ready.set_result((aws, asyncio.get_running_loop(), stop))
            await stop.wait()

    with ThreadPoolExecutor(1) as thread:
        served = thread.submit(asyncio.run, serve())
        wait([ready, served], return_when=FIRST_COMPLETED)
        if not ready.done():
            served.result()
        aws, loop, stop = ready.result()
        try:
            yield aws
        finally:
            loop.call_soon_threadsafe(stop.set)
            served.result(30)


# What is sent once must not be sent again by itself: a refusal is what is asked about.
PLAIN = Config(retries={"total_max_attempts": 1}, max_pool_connections=64)


def connect(aws, service="lambda", region="us-east-1"):
    return boto3.client(
        service,
        endpoint_url=aws.endpoint_url,
        region_name=region,
        aws_access_key_id=aws.keys.access_key_id,
        aws_secret_access_key=aws.keys.secret_access_key,
        config=PLAIN,
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


def create(client, name, code, **settings):
    """Make a function and wait until it can be called."""
    client.create_function(**request_for(name, code, **settings))
    client.get_waiter("function_active_v2").wait(FunctionName=name)


def recode(client, name, code):
    """Give a function other code, and wait until it runs that."""
    client.update_function_code(FunctionName=name, ZipFile=zipped({"app.py": code}))
    client.get_waiter("function_updated_v2").wait(FunctionName=name)


def call(client, name, **options):
    """Invoke, and replace the stream of the payload by its content."""
    answer = client.invoke(FunctionName=name, **options)
    return answer | {"Payload": answer["Payload"].read()}


def open_url(client, name, *, qualifier=None, **config):
    """Give a function or an alias a URL that is open to everybody; return it."""
    qualified = {"Qualifier": qualifier} if qualifier else {}
    made = client.create_function_url_config(
        FunctionName=name, AuthType="NONE", **qualified, **config
    )
    let_anybody_in(client, name, **qualified)
    return made["FunctionUrl"]


def let_anybody_in(client, name, **qualified):
    """Give both permissions that it takes since October 2025."""
    for action, only in (
        ("InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
        ("InvokeFunction", {"InvokedViaFunctionUrl": True}),
    ):
        client.add_permission(
            FunctionName=name,
            StatementId=f"anybody-{action}",
            Action=f"lambda:{action}",
            Principal="*",
            **only,
            **qualified,
        )


def send(client, name, path, **options):
    """Invoke a function with a path as its event, and do not wait for it."""
    payload = json.dumps(str(path))
    call(client, name, InvocationType="Event", Payload=payload, **options)


def invoke(client, name, event=None):
    """Return the function's answer, decoded, and Lambda's word if it failed."""
    answer = call(client, name, Payload=json.dumps(event))
    return json.loads(answer["Payload"]), answer.get("FunctionError")


def refusal_of(operation, **parameters):
    """Return the whole response that refuses a call."""
    with pytest.raises(ClientError) as caught:
        operation(**parameters)
    return caught.value.response


def refused(operation, **parameters):
    """Return a refusal's status, code and message."""
    response = refusal_of(operation, **parameters)
    error = response["Error"]
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    return status, error["Code"], error["Message"]
