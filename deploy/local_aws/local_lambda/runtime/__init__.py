"""
Invocations run: their admission, and the environments that take them.

* ``admission`` lets invocations in, on request at ``aws_rate_limits``; ``fleet`` runs
  those of one ``version``, whose code is a ``code_package``.
* ``execution_environment`` is one of them; ``idle_stack`` holds those that wait. All
  of them talk to ``runtime_api``.
* ``invocation``, ``outcome`` and ``report_lines``: a request, how it ended, and the
  log lines that Lambda adds.
* ``processes``: the operating system's side.
"""
