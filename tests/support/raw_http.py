"""HTTP by hand: what a library would hide."""

import socket
from urllib.parse import urlsplit

LIMIT_S = 10


def dial(url):
    where = urlsplit(url)
    return socket.create_connection((where.hostname, where.port), timeout=LIMIT_S)


def get(connection, path, method="GET"):
    """Return the response and its body; the connection stays open."""
    connection.request(method, path)
    response = connection.getresponse()
    return response, response.read()


def ask(sock, target, version="1.1"):
    sock.sendall(f"GET {target} HTTP/{version}\r\nHost: here\r\n\r\n".encode())


def receive_all(sock):
    return b"".join(iter(lambda: sock.recv(1_000_000), b""))


def receive_head(sock):
    """Return the head, and what of the body came along."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += sock.recv(65_536)
    return received.split(b"\r\n\r\n", 1)
