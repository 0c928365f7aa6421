"""
The `fetcher` command: a list downloaded in several processes, and resumed.

* ``main`` reads the ``arguments``; ``download_loop`` runs an engine; ``processes``
  shares the work with each ``child``, ``by_host`` or over ``work_pipe``; what ended
  comes back over ``result_pipe``, in a ``result_batch`` at a time.
* ``accounting`` counts every URL once, for the ``report`` and the ``progress`` line.
* ``resume`` keeps what an earlier report has; ``graceful_stop`` handles signals.
"""
