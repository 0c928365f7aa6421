"""
A run's folder, written as reports arrive and read back afterwards.

* ``run_folder`` opens it; ``ledger_file`` appends an ``invocation`` a line;
  ``download_rows`` are its URLs as arrays.
* ``project_paths`` finds the project's folder, and what people mean by a path.
* ``machine`` and ``list_fingerprint`` record where a run took place, and on which list.

``number_set`` holds sets of URLs' numbers.
"""
