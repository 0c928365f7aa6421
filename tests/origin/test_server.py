"""One connection to an origin, in the event loop that serves it."""

import asyncio

from origin.server import Connection


def test_a_pause_before_any_request_is_nothing():
    """A TLS handshake pauses and resumes, too: each error filled a page of stderr."""
    errors = []

    async def handshake():
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: errors.append(context)
        )
        connection = Connection(lambda _: None)
        connection.pause_writing()
        connection.resume_writing()
        await asyncio.sleep(0)

    asyncio.run(handshake())

    assert errors == []
