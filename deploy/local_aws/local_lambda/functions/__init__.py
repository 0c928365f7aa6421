"""
The functions there are: operations change them, invocations run them.

``registry`` holds them all, and ``layers``. A ``function`` has versions (each with its
``version_state``), aliases (``alias``), policies (``public_access`` reads them),
settings for events, and a ``function_url``.
"""
