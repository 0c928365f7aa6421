"""A name service of a test's own: what `socket.getaddrinfo` says, call by call."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections import Counter

from tests.support.waiting import WAIT_S


class Names:
    """
    Stands in for `socket.getaddrinfo`.

    Args:
        answers: For each name, the addresses of its first look-up, its second, ...;
            the last are given from then on. Numeric hosts are themselves; other names
            do not exist.

    Attributes:
        asked: How often each name was looked up.

        may_answer: While it is not set, nobody is answered.
    """

    def __init__(self, answers):
        self.asked = Counter()
        self.may_answer = threading.Event()
        self.may_answer.set()
        self._answers = answers
        self._real = socket.getaddrinfo

    def __call__(self, host, port, family=0, type=0, proto=0, flags=0):  # noqa: A002
        text = host.decode() if isinstance(host, bytes) else host
        host = text.lower().removesuffix(".")
        self.asked[host] += 1
        self.may_answer.wait(WAIT_S)
        if host not in self._answers:
            flags |= socket.AI_NUMERICHOST
            return self._real(text, port, family, type, proto, flags)
        answers = self._answers[host]
        addresses = answers[min(self.asked[host], len(answers)) - 1]
        found = [_info(address, port or 0) for address in addresses]
        found = [info for info in found if family in {0, info[0]}]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return found


def _info(address, port):
    version_6 = ipaddress.ip_address(address).version == 6
    return (
        socket.AF_INET6 if version_6 else socket.AF_INET,
        socket.SOCK_STREAM,
        socket.IPPROTO_TCP,
        "",
        (address, port, 0, 0) if version_6 else (address, port),
    )
