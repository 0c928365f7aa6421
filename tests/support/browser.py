"""A page in Debian's chromium, without a window, driven over the DevTools protocol."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import pytest
import websocket
from tests.support.waiting import WAIT_S, eventually

CHROMIUM = shutil.which("chromium")


class Page:
    """A page. Made by `page`."""

    def __init__(self, address):
        self._socket = websocket.create_connection(
            address, timeout=WAIT_S, suppress_origin=True
        )
        self._numbers = itertools.count(1)
        for domain in ("Page", "Runtime"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def call(self, method, **parameters):
        """Send a command and return its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def close(self):
        self._socket.close()

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.eventually("document.readyState == 'complete'")

    def value(self, expression):
        """Return what a JavaScript expression is, as JSON can say it."""
        done = self.call(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
        )
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def eventually(self, expression, *, within_s=WAIT_S):
        """Wait until an expression is true, and return it."""
        return eventually(
            lambda: self.value(expression), within_s=within_s, every_s=0.1
        )

    def click(self, selector):
        """Press the mouse on the middle of an element, and release it."""
        box = self.value(
            f"(({{x, y, width, height}}) => ({{x: x + width / 2, y: y + height / 2}}))"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent",
                type=kind,
                button="left",
                clickCount=1,
                **box,
            )

    def photograph(self, path):
        """Write all of the page, as tall as it is, to a PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "scale": 1} | {
            name: size[name] for name in ("width", "height")
        }
        done = self.call(
            "Page.captureScreenshot", clip=clip, captureBeyondViewport=True
        )
        path.write_bytes(base64.b64decode(done["data"]))


@contextmanager
def page():
    """Start chromium, and yield a page of it."""
    with TemporaryDirectory(prefix="chromium-") as folder:
        command = [
            *(CHROMIUM, "--headless=new", "--no-first-run", "--disable-gpu"),
            *("--remote-debugging-port=0", f"--user-data-dir={folder}"),
            *("--disable-dev-shm-usage", "--no-proxy-server"),
            *("--window-size=1280,2000", "about:blank"),
        ]
        if os.geteuid() == 0:
            command.append("--no-sandbox")  # it refuses to run as root otherwise
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as browser:
            try:
                port = _port(browser)
                with urlopen(f"http://127.0.0.1:{port}/json") as listed:
                    pages = json.load(listed)
                (first,) = (one for one in pages if one["type"] == "page")
                opened = Page(first["webSocketDebuggerUrl"])
                yield opened
                opened.close()
            finally:
                browser.terminate()
                browser.communicate()
        time.sleep(0.2)  # its children write to the folder for a moment


def _port(browser):
    for line in browser.stderr:
        if line.startswith("DevTools listening on ws://"):
            return line.split(":")[2].partition("/")[0]
    return pytest.fail("chromium did not start")
