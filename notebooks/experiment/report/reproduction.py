"""The settings and machine of a run, and how to repeat it."""

from __future__ import annotations

import json
import shlex
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from experiment.parameters.fan_out import FanOutSettings
from experiment.parameters.grid import GridSettings

_NOT_MEASURED = {
    "endpoint_url",  # it ended with the session
    "run_folder",
    "resume",
    "retry_failed",
    "show",
    "settings_file",
    "tear_down",
}
_GRID = "30_grid"


class SettingShown(NamedTuple):
    """A parameter of a run, and its value there and by default, as Python has them."""

    name: str
    value: Any
    default: Any

    @property
    def is_changed(self) -> bool:
        """Whether the run differs from the notebook's default."""
        return bool(self.value != self.default)


def is_measured(name: str, value: object) -> bool:
    """
    Return whether a setting is part of what was measured.

    Where the run took place, how it was begun and how it ended are not.

    >>> [is_measured("origin_url", url) for url in ("http://[::1]:80", "http://a.b")]
    [False, True]
    """
    if name == "origin_url" and value:  # on this machine it ended with the session
        host = urlsplit(str(value)).hostname or ""
        return not host.startswith(("127.", "localhost", "::1"))
    return name not in _NOT_MEASURED


def machine_of(record: dict[str, Any]) -> list[tuple[str, str]]:
    """Return where and with what the run was measured: names and values."""
    code = record.get("commit") or "unknown"
    if record.get("dirty"):
        code += ", with changes that were not committed"
    rows = [
        ("target", _target(record)),
        *_machine(record),
        ("origin", record.get("origin", "")),
        ("commit", code),
        ("started", record["started"]),
        ("ended", record.get("ended", "it was interrupted")),
    ]
    for one in record.get("continued", ()):
        rows += [("resumed", one["started"]), *_machine(one)]
    return [(name, value) for name, value in rows if value]


def _machine(session: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the machine of a session; none: it was that of the first."""
    machine = session.get("machine")
    if not machine:
        return []
    packages = ", ".join(" ".join(one) for one in machine["packages"].items())
    return [
        ("machine", machine["name"]),
        ("system", f"{machine['system']}, Python {machine['python']}"),
        ("packages", packages),
    ]


def _target(record: dict[str, Any]) -> str:
    if record["target"] == "local":
        return "local: this machine, not AWS"
    return f"{record['target']}, {record['region']}"


def settings_of(record: dict[str, Any]) -> list[SettingShown]:
    """Return the run's settings, those that differ from the defaults first."""
    kind = GridSettings if record["notebook"] == _GRID else FanOutSettings
    defaults = kind().to_dict()
    found = [
        SettingShown(name, value, defaults.get(name, value))
        for name, value in record["settings"].items()
        if is_measured(name, value)
    ]
    return sorted(found, key=lambda setting: not setting.is_changed)


def command_of(record: dict[str, Any]) -> str:
    """Return the commands that repeat the run."""
    words = ["python", "-m", "experiment", record["notebook"]]
    for setting in settings_of(record):
        if setting.is_changed:
            value = setting.value
            text = value if isinstance(value, str) else json.dumps(value)
            words += ["-p", setting.name, text]
    lines = [shlex.join(words)]
    if record.get("commit"):
        lines.insert(0, f"git checkout {record['commit'][:12]}")
    return "\n".join(lines)
