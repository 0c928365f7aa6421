"""Lambda's API through plain boto3: what tests of the local Lambda share."""

import asyncio
import contextlib
import json
import uuid
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ThreadPoolExecutor,
    as_completed,
    wait,
)
from itertools import islice

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.support.lambda_functions import request_for, zipped
from tests.support.waiting import eventually

from local_aws.server import LocalAws

# Why a call is throttled: LocalStack test_reserved_concurrency, recorded 2025-11.
RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"


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
        aws, aws.loop, stop = ready.result()
        try:
            yield aws
        finally:
            aws.loop.call_soon_threadsafe(stop.set)
            served.result(30)


# What is sent once must not be sent again by itself: a refusal is what is asked about.
PLAIN = Config(retries={"total_max_attempts": 1}, max_pool_connections=64)


def connect(aws, service="lambda", region="us-east-1", config=PLAIN):
    return boto3.client(
        service,
        endpoint_url=aws.endpoint_url,
        region_name=region,
        aws_access_key_id=aws.keys.access_key_id,
        aws_secret_access_key=aws.keys.secret_access_key,
        config=config,
    )


ACTIVE = "function_active_v2"


class Answer(dict):
    """An answer of Lambda's; of its metadata, the status and the request's id."""

    def __init__(self, answer):
        metadata = answer["ResponseMetadata"]
        self.status, self.request_id = metadata["HTTPStatusCode"], metadata["RequestId"]
        super().__init__(answer)
        del self["ResponseMetadata"]


class Function(str):  # noqa: SLOT000 its client is one
    """
    A function's name, through which its client is asked about it.

    ``function.get_policy(Qualifier="1")`` is GetPolicy with that name;
    ``function(event)`` invokes it.
    """

    def __new__(cls, client, name):
        made = super().__new__(cls, name)
        made.client = client
        return made

    def __getattr__(self, operation):
        call = getattr(self.client, operation)
        return lambda **parameters: Answer(call(FunctionName=self, **parameters))

    def __call__(self, event=None):
        return invoke(self.client, self, event)

    def call(self, **options):
        return call(self.client, self, **options)

    def send(self, path, **options):
        """Invoke it with a path as its event, and do not wait for it."""
        payload = json.dumps(str(path))
        self.call(InvocationType="Event", Payload=payload, **options)

    def at(self, qualifier):
        """Return a version or an alias of it."""
        return Function(self.client, f"{self}:{qualifier}")

    def meet(self, folder, many):
        """Have so many calls of MEET meet in a folder; return their answers."""
        return [answer for answer, _ in self.at_once([[str(folder), many]] * many)]

    def at_once(self, events):
        """Call it with all events together; return answers, or the whole refusals."""

        def attempt(event):
            try:
                return self(event)
            except ClientError as error:
                return error.response

        with ThreadPoolExecutor(len(events)) as threads:
            return list(threads.map(attempt, events))

    def refusals(self, calls, fitting, gate, event=None):
        """
        Make so many calls of GATE at once, and open it once all too many are refused.

        Returns:
            The responses that refuse.

        Args:
            event: Instead of the gate, where a function cannot see that.
        """
        event = str(gate) if event is None else event
        with ThreadPoolExecutor(calls) as threads:
            made = [threads.submit(self, event) for _ in range(calls)]
            for _ in islice(as_completed(made), calls - fitting):
                pass
            gate.touch()
        return [error.response for call in made if (error := call.exception())]

    def pages(self, operation, member):
        """Return what a list operation says of it, in pages of two."""
        pages = self.client.get_paginator(operation).paginate(
            FunctionName=self, PaginationConfig={"PageSize": 2}
        )
        return [page[member] for page in pages]

    def shown(self, **qualified):
        return self.get_function_configuration(**qualified)

    def waited(self, event="function_updated_v2"):
        """Wait until a change is in force."""
        self.client.get_waiter(event).wait(FunctionName=self)
        return self

    def update(self, **settings):
        """Change settings, and wait until they are in force."""
        self.update_function_configuration(**settings)
        self.waited()

    def recode(self, code):
        """Give it other code, and wait until it runs that."""
        self.update_function_code(ZipFile=zipped({"app.py": code}))
        self.waited()

    def alias(self, name, version, **more):
        return self.create_alias(Name=name, FunctionVersion=version, **more)

    def refused(self, operation, **parameters):
        return refused(getattr(self, operation), **parameters)

    def reserve(self, executions):
        return self.put_function_concurrency(ReservedConcurrentExecutions=executions)

    def url(self, auth_type="NONE", **config):
        """Give it, or an alias, a URL; return that."""
        made = self.create_function_url_config(AuthType=auth_type, **config)
        return made["FunctionUrl"]

    def open_url(self, **config):
        """Give it, or an alias, a URL that is open to everybody; return that."""
        qualified = {key: config[key] for key in config if key == "Qualifier"}
        url = self.url(**config)
        self.let_anybody_in(**qualified)
        return url

    def let_anybody_in(self, **qualified):
        """Give both permissions that it takes since October 2025."""
        for action, only in (
            ("InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
            ("InvokeFunction", {"InvokedViaFunctionUrl": True}),
        ):
            self.add_permission(
                StatementId=f"anybody-{action}",
                Action=f"lambda:{action}",
                Principal="*",
                **only,
                **qualified,
            )


def create(client, name, code, **settings):
    """Make a function and wait until it can be called."""
    client.create_function(**request_for(name, code, **settings))
    return Function(client, name).waited(ACTIVE)


@contextlib.contextmanager
def kept_busy(function, gate):
    """Keep a function with the code GATE busy; its answer can be had afterwards."""
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(function, str(gate))
        try:
            eventually(gate.with_suffix(".entered").exists)
            yield running
        finally:
            gate.touch()


@contextlib.contextmanager
def functions_of(client):
    """Yield what deploys code under a name of its own; it is removed afterwards."""
    made = []

    def deploy(code, **settings):
        made.append(create(client, f"f-{uuid.uuid4().hex[:8]}", code, **settings))
        return made[-1]

    yield deploy
    for function in made:
        with contextlib.suppress(client.exceptions.ResourceNotFoundException):
            function.delete_function()


@contextlib.contextmanager
def layers_of(client):
    """Yield what publishes a zip as a version of a layer; it is removed afterwards."""
    with contextlib.ExitStack() as removals:  # goes on after one that fails

        def publish(name, content, **details):
            layer = client.publish_layer_version(
                LayerName=name, Content={"ZipFile": content}, **details
            )
            named = {"LayerName": name, "VersionNumber": layer["Version"]}
            removals.callback(client.delete_layer_version, **named)
            return layer

        yield publish


def call(client, name, **options):
    """Invoke, and replace the stream of the payload by its content."""
    answer = Answer(client.invoke(FunctionName=name, **options))
    answer["Payload"] = answer["Payload"].read()
    return answer


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
