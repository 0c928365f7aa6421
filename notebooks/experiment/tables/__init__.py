"""
The ledger into tidy tables: a row for each URL, each shard and each run.

``outcomes`` settles what became of each URL, ``table`` makes the tables, ``result``
reads them back, ``downloads_file`` saves a million rows; ``over_time`` and
``comparison`` look at them beside time and others. ``goal`` and ``words`` are what
charts and sentences have in common.
"""
