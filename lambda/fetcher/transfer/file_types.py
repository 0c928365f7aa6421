"""What the first bytes of a body say about its type."""

from __future__ import annotations

LONGEST = 12  # bytes at the start of a body that tell

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
_PAGES = (b"<!doctype ht", b"<html")


def belied(kind: str, start: bytes) -> str:
    r"""
    Say what a body looks like if not like its type; nothing if the type may be true.

    Args:
        kind: Content-Type.

        start: The body's first bytes, `LONGEST` of them if there are as many.

    >>> belied("image/jpeg", b"<!DOCTYPE html>")
    'an HTML page'
    >>> belied("image/png", b"GIF89a......")
    'image/gif'
    >>> belied("image/x-new", b"anything"), belied("image/gif; q=1", b"GIF87a")
    ('', '')
    """
    plain = kind.partition(";")[0].strip().lower()
    if start.lower().startswith(_PAGES) and not plain.endswith(("html", "xml")):
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
