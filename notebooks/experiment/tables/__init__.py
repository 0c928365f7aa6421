"""
The ledger as tidy tables: a row for each URL, each shard and each run.

``outcomes`` decides how each URL ended, ``table`` and ``runs`` make the tables,
``result`` checks and saves them and reads them back, ``downloads_file`` writes the
longest; ``over_time`` and ``published_comparison`` set them beside time and
other programs. ``projection`` is the only way from a run to a million files;
``verdict`` and ``growth`` say what runs show, ``shown`` makes tables to read. ``goal``
and ``words`` are shared by charts and sentences.
"""
