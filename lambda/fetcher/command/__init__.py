"""
The `fetcher` command: a list downloaded in several processes, and resumed.

* ``main`` reads the ``arguments``; ``processes`` shares the work with its children, in
  ``host_partitions`` or from a ``work_queue``. In each, a ``download_process`` runs an
  engine; what ended comes back as messages over a ``message_pipe``, one
  ``result_batch`` at a time.
* ``accounting`` counts every URL once, for the ``report`` and the ``progress`` line.
* ``resume`` keeps what an earlier report has.
"""
