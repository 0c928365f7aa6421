"""
The report of a run: one row for each row of the list.

* ``json_lines`` are JSON; they go to a ``file`` as downloads end.
* ``run_report``: what becomes of it in the end: a table, by ``csv_and_parquet``, or
  lines in order.
"""
