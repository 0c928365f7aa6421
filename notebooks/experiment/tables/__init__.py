"""
The ledger as tidy tables: a row for each URL, each shard and each run.

``outcomes`` decides how each URL ended, ``table`` makes the tables, ``result`` checks
and saves them, ``saved`` reads them back, ``downloads_file`` has a million rows;
``over_time`` and ``published_comparison`` set them beside time and other programs.
``goal`` and ``words`` are shared by charts and sentences.
"""
