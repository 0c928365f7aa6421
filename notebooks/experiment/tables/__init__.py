"""
From the ledger to tidy tables: a row for each URL, each shard and each run.

``outcomes`` settles the outcome of each URL, ``table`` makes the tables, ``result``
puts them together and saves them, ``downloads_file`` writes a million rows.
``over_time`` and ``comparison`` set a run beside time and beside other programs.
``goal`` and ``words`` are shared by charts and sentences.
"""
