"""Fixtures for downloads with each engine, and for uploads."""

import pytest
from tests.support import engine_jobs
from tests.support.engine_jobs import fetch_beside_good_ones

from fetcher.s3.upload import LEAST_PART
from fetcher.sinks.tars import s3_tar


@pytest.fixture
def small_parts(monkeypatch):
    """
    Parts of a tar that are as small as S3 allows, so that less is sent.
    """
    monkeypatch.setattr(s3_tar, "PART_BYTES", LEAST_PART)


@pytest.fixture
def fetch(engine, tmp_path):
    """
    Fetch URLs with each engine into the test's own folder: see `engine_jobs.fetch`.
    """

    def fetch(urls, to=tmp_path, **options):
        return engine_jobs.fetch(engine, urls, to, **options)

    return fetch


@pytest.fixture
def fetch_beside(engine, origin, tmp_path):
    """
    Likewise beside good ones: see `engine_jobs.fetch_beside_good_ones`.
    """

    def fetch_beside(bad, **options):
        return fetch_beside_good_ones(engine, origin, bad, tmp_path, **options)

    return fetch_beside
