"""
Invocations run: who is admitted, and the environments that take them.

* ``admission`` lets invocations in, at ``aws_pace`` if that is wanted; ``fleet``
  runs those of one ``version``, whose code is a ``code_package``.
* ``environment`` is one execution environment; the ``idle`` ones wait, and all of
  them talk to ``runtime_api``.
* ``invocation``, ``outcome`` and ``report_lines``: what is run, how it ended, and
  what REPORT says of it.
* ``processes``: the operating system's side.
"""
