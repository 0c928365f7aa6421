"""
The ledger as tidy tables: a row for each URL, each shard and each run.

``outcome_merging`` decides how each URL ended, ``downloads_table``, ``shards_table``
and ``runs_table`` make the tables, with ``run_totals``, ``run_result`` checks and saves
them and reads them back, ``downloads_file`` writes the longest; ``over_time`` and
``peer_comparison`` set them beside time and other programs. ``projection`` is the
only way from runs to a million files; ``verdict`` and ``scaling_limit`` say what runs
show, ``display_tables`` makes tables to read. ``words`` are shared by charts and
sentences.
"""
