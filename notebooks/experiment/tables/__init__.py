"""
The ledger as tidy tables: a row for each URL, each shard and each run.

``outcome_per_url`` decides how each URL ended, ``run_tables`` and ``runs`` make the
tables, ``result`` checks and saves them and reads them back, ``downloads_file`` writes
the longest; ``over_time`` and ``published_comparison`` set them beside time and other
programs. ``projection`` is the only way from a run to a million files;
``verdict`` and ``scaling_limit`` say what runs show, ``display_tables`` makes tables to
read. ``goal`` and ``words`` are shared by charts and sentences.
"""
