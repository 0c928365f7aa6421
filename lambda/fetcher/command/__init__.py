"""The `fetcher` command: a list downloaded in several processes, and resumed."""
