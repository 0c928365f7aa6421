"""
Admission of invocations, and the environments that run them.

* ``admission`` admits invocations, at ``aws_pace`` if configured; ``fleet`` runs those
  of one ``version``, whose code is a ``code_package``.
* ``environment`` is one execution environment; the ``idle`` ones wait, and all of
  them talk to ``runtime_api``.
* ``invocation``, ``outcome`` and ``report_lines``: the request, its outcome, and its
  lines in the log.
* ``processes``: the operating system's side.
"""
