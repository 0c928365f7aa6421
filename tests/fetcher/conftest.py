"""Fixtures for sinks and uploads."""

import pytest

from fetcher.s3.upload import LEAST_PART
from fetcher.sinks import s3_tar


@pytest.fixture
def small_parts(monkeypatch):
    """
    Parts of a tar that are as small as S3 allows, so that less is sent.
    """
    monkeypatch.setattr(s3_tar, "PART_BYTES", LEAST_PART)
