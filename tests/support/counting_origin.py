"""The project's own origin, which also counts how often each file was asked for."""

import json
import re
import sys
import urllib.request
from collections import Counter

from origin import answers, server
from origin.__main__ import main

_FILE = re.compile(rb"GET /\d+/(\d+)\.jpg")


class CountingSite(answers.Site):
    def __init__(self):
        super().__init__()
        self.asked = Counter()

    def answer(self, head):
        if head.startswith(b"GET /asked "):
            return answers.counts(**self.asked)
        if found := _FILE.match(head):
            self.asked[found[1].decode()] += 1
        return super().answer(head)


def asked(url):
    """How often each number was asked for."""
    with urllib.request.urlopen(f"{url}/asked") as answer:
        return Counter({int(name): many for name, many in json.load(answer).items()})


if __name__ == "__main__":
    server.Site = CountingSite
    sys.exit(main())
