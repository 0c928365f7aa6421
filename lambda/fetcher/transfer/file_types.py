"""The type of a body, told from its first bytes."""

from __future__ import annotations

SNIFFED_BYTES = 12  # at the start of a body; they tell its type

# https://mimesniff.spec.whatwg.org, sections 6 and 7
_SIGNATURES: dict[str, tuple[tuple[int, bytes], ...]] = {
    "image/jpeg": ((0, b"\xff\xd8\xff"),),
    "image/png": ((0, b"\x89PNG\r\n\x1a\n"),),
    "image/gif": ((0, b"GIF87a"), (0, b"GIF89a")),
    "image/webp": ((8, b"WEBP"),),
    "image/bmp": ((0, b"BM"),),
    "image/tiff": ((0, b"II*\0"), (0, b"MM\0*")),
    "image/avif": ((4, b"ftyp"),),
    "image/heic": ((4, b"ftyp"),),
    "video/mp4": ((4, b"ftyp"),),
    "video/webm": ((0, b"\x1a\x45\xdf\xa3"),),
    "application/pdf": ((0, b"%PDF-"),),
    "application/zip": ((0, b"PK"),),
    "application/gzip": ((0, b"\x1f\x8b"),),
}
_HTML_STARTS = (b"<!doctype ht", b"<html")


def mismatch(kind: str, start: bytes) -> str:
    r"""
    Return what a body looks like instead of its type; empty: the type may be right.

    Args:
        kind: Content-Type.

        start: The body's first `SNIFFED_BYTES`, or all of a shorter one.

    >>> mismatch("image/jpeg", b"<!DOCTYPE html>")
    'an HTML page'
    >>> mismatch("image/png", b"GIF89a......")
    'image/gif'
    >>> mismatch("image/x-new", b"anything"), mismatch("image/gif; q=1", b"GIF87a")
    ('', '')
    """
    plain = kind.partition(";")[0].strip().lower()
    if start.lower().startswith(_HTML_STARTS) and not plain.endswith(("html", "xml")):
        return "an HTML page"
    expected = _SIGNATURES.get(plain)
    if expected is None or _fits(expected, start):
        return ""
    for other, signatures in _SIGNATURES.items():
        if _fits(signatures, start):
            return other
    return f"something that starts with {start[:8].hex(' ')}" if start else "nothing"


def _fits(signatures: tuple[tuple[int, bytes], ...], start: bytes) -> bool:
    return any(start.startswith(mark, offset) for offset, mark in signatures)
