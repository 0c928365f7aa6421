"""
The functions there are: what the operations change and invocations run.

``registry`` knows them all. A ``function`` has versions (``deployment``), each
``alias``, ``policy`` and ``event_config``, and a ``function_url``.
"""
