"""
A run's folder, written as reports arrive and read back afterwards.

* ``run_folder`` opens it; ``ledger_file`` appends an ``invocation`` a line;
  ``download_array`` holds a shard's downloads.
* ``provenance`` and ``list_fingerprint`` record where a run took place, and on which
  list.

``number_set`` holds sets of URLs' numbers; ``full_disk`` says what cannot be written.
"""
