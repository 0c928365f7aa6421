"""Lists of URLs, written for a test and opened."""

import gzip
import lzma

import pyarrow as pa

from fetcher.lists.url_list import UrlList

PACKED = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}


def url_list(folder, text, suffix=".txt", **how):
    path = folder / f"urls{suffix}"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return UrlList(path, **how)


def told(urls):
    """Number, URL and outcome of each row, and what it carries along."""
    return [
        (one.row, one.url, one.refusal.partition(":")[0] or "ok", one.columns)
        for one in urls
    ]
