"""Errors of the local endpoint."""

from __future__ import annotations


class EndpointError(Exception):
    """The local endpoint does not start, or it, moto or its origin ended."""
