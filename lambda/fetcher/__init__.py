"""One execution's work: URLs in, files out, every one accounted for."""

__version__ = "0.2.0"
