"""Checks that all parameters share."""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING

from fetcher.contract.template_source import parts_of
from fetcher.security.masking import has_credentials, masked

if TYPE_CHECKING:
    from collections.abc import Iterable


class SettingsError(ValueError):
    """A parameter is missing, unknown, of the wrong type or out of range."""


def check_known(names: Iterable[object], known: Iterable[str], where: str = "") -> None:
    """Refuse names that are no parameter; `where` is the beginning of the error."""
    parameters = list(known)
    for name in names:
        if name not in parameters:
            close = difflib.get_close_matches(str(name), parameters, n=1)
            hint = f"The parameters are: {', '.join(parameters)}."
            if close:
                hint = f"Did you mean {close[0]!r}?"
            msg = f"{where}There is no parameter {str(name)!r}. {hint}"
            raise SettingsError(msg)


def check_no_credentials(name: str, url: str) -> None:
    """Refuse a URL with a password: results are kept and shown to others."""
    if has_credentials(url):
        msg = (
            f"{name} holds a user name or password, which would appear in the results. "
            "Use `fetcher` for such URLs: its report masks them."
        )
        raise SettingsError(msg)


def check_no_secret(name: str, template: str) -> None:
    """Refuse a template with a secret: parameters are kept in the results."""
    check_no_credentials(name, template)
    text = "".join(parts_of(template)[0])  # a number is no secret
    if masked(text) != text:
        msg = (
            f"{name} holds a token, key or signature, which would appear in the "
            "results, as all parameters do. Write the URLs to a file and set url_list: "
            "secrets in it are masked."
        )
        raise SettingsError(msg)


def at_least_one(name: str, value: int) -> None:
    """Refuse a number below 1."""
    if value < 1:
        msg = f"{name} is {value:,}; it must be at least 1."
        raise ValueError(msg)


def more_than_0(name: str, value: float) -> None:
    """Refuse anything but a finite number above 0."""
    if not 0 < value < math.inf:
        msg = f"{name} is {value}; it must be more than 0."
        raise ValueError(msg)


def check_different(
    name: str, values: list[int] | list[str], kind: type, *, least: int = 0
) -> None:
    """Refuse anything but a list of different texts, or of different numbers."""
    alike = isinstance(values, list) and all(type(value) is kind for value in values)
    if not alike or len(set(values)) != len(values) or len(values) < least:
        what = "whole numbers" if kind is int else "texts"
        msg = f"{name} is {values!r}; it must be a list of different {what}."
        raise ValueError(msg)
    for value in values:
        if isinstance(value, int):
            at_least_one(name, value)
