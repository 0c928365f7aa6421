"""
The functions there are: operations change them, invocations run them.

``registry`` holds them all. A ``function`` has versions (``deployment``), each
``alias``, ``policy`` and ``event_config``, and a ``function_url``.
"""
