"""
The functions there are: operations change them, invocations run them.

``registry`` holds them all, and ``layers``. A ``function`` has versions (each with its
``version_state``), aliases (``alias``), policies (``public_access`` reads them),
an ``event_config``, and a ``function_url``.
"""
