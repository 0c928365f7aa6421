"""The server that other tests stand on leaves nothing to them."""

import gc
import socket
import warnings

import pytest
from tests.support.bare_server import WAIT_S
from tests.support.certificates import Authority
from tests.support.misbehaving_origin import Origin

MUCH = b"GET /bytes/50000000 HTTP/1.1\r\n\r\n"  # more than a socket's buffers hold


@pytest.mark.parametrize("sent", [MUCH, b"\x16\x03"], ids=["unread", "handshake"])
def test_who_stays_connected_is_neither_waited_for_nor_left_open(tmp_path, sent):
    """
    A transport left open is a warning, and so the end, of whichever test comes next.
    """
    gc.collect()  # what others have left is not ours
    tls = None if sent == MUCH else Authority(tmp_path).context()
    with Origin(tls) as origin:
        client = socket.create_connection(("127.0.0.1", origin.port), WAIT_S)
        client.sendall(sent)
        if sent == MUCH:
            client.recv(1)
    with client, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del origin
        gc.collect()

    assert [str(one.message) for one in caught] == []
