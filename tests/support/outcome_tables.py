"""Tables of what is fetched and how it must end, and what ended otherwise."""

from __future__ import annotations

from tests.support.misbehaving_origin import sentence


def expected(*rows):
    """Return outcomes by name, from rows of outcomes and names with spaces between."""
    return {name: outcomes for outcomes, names in rows for name in names.split()}


def unexpected(table, ended):
    """Return what ended in no outcome of the table, or without a sentence on why."""
    return {
        name: (str(one.outcome), one.detail)
        for (name, outcomes), one in zip(table.items(), ended, strict=True)
        if one.outcome not in outcomes.split()
        or not (one.outcome == "ok" or sentence(one.detail))
    }
