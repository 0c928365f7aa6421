"""A connection to an origin over TLS, in the event loop that serves it."""

import asyncio
import ssl
from contextlib import closing
from http.client import HTTPSConnection
from time import monotonic

from origin.answers import response
from origin.certificate import write_certificate
from origin.server import HOST, Connection


def contexts(folder):
    names = folder / "certificate", folder / "key"
    write_certificate(*names)
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(*names)
    return served, ssl.create_default_context(cafile=names[0])


def test_requests_over_tls_are_answered_in_time_and_without_errors(tmp_path):
    """Without a response, each pause of TLS filled a page of stderr."""
    served, trusting = contexts(tmp_path)
    late = response(200, "text/plain", b"late", delay_s=0.05)
    errors = []

    def ask_twice(port):
        with closing(HTTPSConnection(HOST, port, context=trusting)) as connection:
            for _ in range(2):
                began = monotonic()
                connection.request("GET", "/")
                assert connection.getresponse().read() == b"late"
                assert monotonic() - began >= late.delay_s

    async def serve():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: errors.append(context))
        server = await loop.create_server(
            lambda: Connection(lambda _: late), HOST, 0, ssl=served
        )
        async with server:
            await asyncio.to_thread(ask_twice, server.sockets[0].getsockname()[1])

    asyncio.run(serve())

    assert errors == []
