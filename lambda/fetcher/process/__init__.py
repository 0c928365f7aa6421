"""The process, as the system sees it: the memory it held, and how it ends."""
