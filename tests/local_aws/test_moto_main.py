"""moto's process: asked while requests change what it has, slow, or deaf."""

import asyncio
import subprocess
import sys

import psutil
import pytest

from local_aws import moto_server
from local_aws.endpoint_error import EndpointError

# A user appears while the users are looked through; in life, from another thread.
CHANGING = """
from local_aws import moto_main
from moto.core.models import DEFAULT_ACCOUNT_ID
users = moto_main.iam_backends[DEFAULT_ACCOUNT_ID]["aws"].users
class User:
    arn, id = "arn", "id"
    @property
    def access_keys(self):
        users[str(len(users))] = User()
        return []
users["first"] = User()
print(moto_main._caller("AKIA"))
"""


def test_a_user_who_appears_meanwhile_is_no_failure():
    command = [sys.executable, "-P", "-c", CHANGING]
    told = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=60
    )

    assert (told.stdout, told.stderr) == ("None\n", "")


def test_a_moto_that_neither_starts_nor_ends_is_killed_and_said(tmp_path, monkeypatch):
    stand_in = tmp_path / "python"
    stand_in.write_text("#!/bin/sh\nexec sleep 1000\n")
    stand_in.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    monkeypatch.setattr(moto_server, "_START_S", 0.05)
    monkeypatch.setattr(moto_server, "_STOP_S", 0.05)
    before = psutil.Process().children()

    async def start():
        async with moto_server.running(tmp_path):
            pass

    with pytest.raises(EndpointError, match="moto's server was not ready within"):
        asyncio.run(start())

    assert set(psutil.Process().children()) <= set(before)


def test_a_question_that_cannot_be_answered_does_not_end_moto(aws):
    async def ask():
        aws.moto._process.stdin.write(b"no JSON\n")
        assert await aws.moto._process.stdout.readline() == b"null\n"
        return await aws.moto.identify("AKIA")

    assert asyncio.run_coroutine_threadsafe(ask(), aws.loop).result(30) is None
