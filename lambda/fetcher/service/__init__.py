"""The downloader as a service: what it answers over HTTP, and what it does."""
