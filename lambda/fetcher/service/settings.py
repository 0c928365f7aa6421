"""Settings of the service, from the function's environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BUCKET = "FETCHER_BUCKET"
ALLOW_PRIVATE = "FETCHER_ALLOW_PRIVATE"
JOB_URLS = "FETCHER_JOB_URLS"
JOB_EXECUTIONS = "FETCHER_JOB_EXECUTIONS"
NAMES = frozenset({BUCKET, ALLOW_PRIVATE, JOB_URLS, JOB_EXECUTIONS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    Settings chosen by whoever deployed the service, not by its callers.

    >>> Settings.from_environment({"FETCHER_BUCKET": "photos"}).bucket
    'photos'

    Attributes:
        bucket: Where files and jobs are kept; empty: there are no jobs, and files go
            to a scratch folder that is removed with the request.

        allow_private: Whether private addresses may be downloaded from.

        job_urls: How many URLs a job may have.

        job_executions: How many executions may work for one job at once.
    """

    bucket: str = ""
    allow_private: bool = False
    job_urls: int = 1_000_000
    job_executions: int = 100

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] = os.environ) -> Settings:
        """
        Return the settings that the variables describe.

        Raises:
            ValueError: If one cannot be understood.
        """
        return cls(
            bucket=variables.get(BUCKET, cls().bucket),
            allow_private=_flag(variables, ALLOW_PRIVATE),
            job_urls=_count(variables, JOB_URLS, cls().job_urls),
            job_executions=_count(variables, JOB_EXECUTIONS, cls().job_executions),
        )


def _flag(variables: Mapping[str, str], name: str) -> bool:
    text = variables.get(name, "false")
    if text not in ("true", "false"):
        msg = f"{name} is {text!r}; it must be true or false."
        raise ValueError(msg)
    return text == "true"


def _count(variables: Mapping[str, str], name: str, default: int) -> int:
    text = variables.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and int(text)):
        msg = f"{name} is {text!r}; it must be a whole number, at least 1."
        raise ValueError(msg)
    return int(text)
