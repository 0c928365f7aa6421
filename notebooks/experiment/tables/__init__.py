"""
The ledger as tidy tables: a row for each URL, each shard and each run.

``outcomes`` decides how each URL ended, ``table`` makes the tables, ``result``
reads them back, ``downloads_file`` saves a million rows; ``over_time`` and
``published_comparison`` set them beside time and other programs. ``goal`` and ``words``
are shared by charts and sentences.
"""
