"""An Invoker at work: on a function, or on what answers as a test wants."""

import asyncio
import json
import socket

from aiohttp import web

from rollout.invoke.invoker import Invoker
from rollout.target.connection import Target


class Lambda:
    """A stand-in for Lambda's API that answers what a test wants."""

    def __init__(self, answer):
        self.answer = answer
        self.seen = []
        self.in_flight = self.most_in_flight = 0

    async def handle(self, request):
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            self.seen.append((request, await request.read()))
            return await self.answer(request)
        finally:
            self.in_flight -= 1

    async def start(self, listener):
        app = web.Application(client_max_size=10**7)
        app.router.add_route("*", "/{path:.*}", self.handle)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await self.runner.setup()
        await web.SockSite(self.runner, listener).start()


def at(target, url):
    """The same target at another address, without asking who is there."""
    return Target(target.name, url, target.region, target._session)


def call(target, name, payload, **options):
    async def once():
        async with Invoker(target) as invoker:
            return await invoker.invoke(name, json.dumps(payload).encode(), **options)

    return asyncio.run(once())


def call_stub(target, answer, many=1, *, in_flight=100, payload=b"{}", name="f"):
    stub = Lambda(answer)

    async def run():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            await stub.start(listener)
            there = at(target, f"http://127.0.0.1:{listener.getsockname()[1]}")
            try:
                async with Invoker(there, in_flight=in_flight) as invoker:
                    calls = [invoker.invoke(name, payload) for _ in range(many)]
                    return await asyncio.gather(*calls, return_exceptions=True)
            finally:
                await stub.runner.cleanup()

    return stub, asyncio.run(run())


async def run_through(target, url, *, many, in_flight, **options):
    """Call the stub with different payloads of 1 kB; each is answered with itself."""
    answers = []

    async def call_until_none_is_left():
        for number in numbers:
            payload = b'{"number": %d}' % number + b" " * 980
            answers.append(await invoker.invoke("f", payload, **options))
            assert answers[-1].payload == payload

    numbers = iter(range(many))
    async with Invoker(at(target, url), in_flight=in_flight) as invoker:
        await asyncio.gather(*(call_until_none_is_left() for _ in range(in_flight)))
    return answers


async def fine(_):
    return web.Response(body=b"{}")
