"""The header X-Robots-Tag, by which an origin reserves what it serves."""

from __future__ import annotations

# Directives by which an origin reserves what it serves. `none` is noindex and nofollow.
# https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag
_RESERVING = frozenset({"noindex", "none", "noai", "noimageai", "noimageindex", "noml"})


# Their values follow a colon, too. Any other word before one names an agent.
_WITH_VALUE = frozenset(
    {"max-image-preview", "max-snippet", "max-video-preview", "unavailable_after"}
)


def reserved(robots: str) -> str:
    r"""
    Return the directive that reserves the body; empty: none does.

    Args:
        robots: The values of all X-Robots-Tag headers, one a line. What follows the
            name of an agent in a line is for that agent alone.

    >>> reserved("nofollow, noai"), reserved("otherbot: nofollow, none\nall")
    ('noai', '')
    """
    for line in robots.lower().split("\n"):
        for directive in line.split(","):
            name, colon, _ = directive.partition(":")
            name = name.strip()
            if not colon and name in _RESERVING:
                return name
            if colon and name not in _WITH_VALUE and " " not in name:  # as dates have
                break
    return ""
