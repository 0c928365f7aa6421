"""Threads that send to S3: what nobody foresaw ends the run, and stalls nothing."""

from time import monotonic

import pytest
from tests.support.s3_proxy import WAIT_S
from tests.support.waiting import eventually

from fetcher.s3.credentials import S3Credentials
from fetcher.s3.scratch_files import Files, Part
from fetcher.s3.senders import Senders


def fail(_connection):
    raise LookupError


def test_an_error_that_nobody_foresaw_is_raised_and_counts_as_pending_no_longer():
    """
    Else a sink that is full would stay so, and the run wait for its deadline.
    """
    files, sent = Files(), []
    senders = Senders(S3Credentials("a", "b", "", "us-east-1"), most=1)
    senders.submit(fail, Part(files.take(), 5, files))
    eventually(lambda: not senders.pending_bytes)
    late = Part(files.take(), 5, files)
    with pytest.raises(LookupError):
        senders.submit(sent.append, late)
    with pytest.raises(LookupError):
        senders.wait(monotonic() + WAIT_S)
    senders.close()

    assert sent == []
    assert senders.pending_files == 0
    with files.take() as file:
        assert file is late.file  # released though it was never sent
