"""Lists of URLs, written for a test and opened."""

from fetcher.lists.url_list import UrlList


def url_list(folder, text, suffix=".txt"):
    path = folder / f"urls{suffix}"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return UrlList(path)
