"""The same files by `fetcher` and by other downloaders, on this machine."""
