"""The header X-Robots-Tag, by which an origin reserves what it serves."""

from __future__ import annotations

# Directives by which an origin reserves what it serves. `none` is noindex and nofollow.
# https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag
_RESERVING = frozenset({"noindex", "none", "noai", "noimageai", "noimageindex", "noml"})


def reserved(robots: str) -> str:
    """
    Return the directive of an X-Robots-Tag header that reserves the body; empty: none.

    >>> reserved("nofollow, noai"), reserved("otherbot: none"), reserved("all")
    ('noai', '', '')
    """
    for directive in robots.lower().split(","):
        agent, _, rest = directive.rpartition(":")
        if not agent and rest.strip() in _RESERVING:
            return rest.strip()
    return ""
