"""
Environments as processes: forked, kept apart, watched and ended.

``zygote`` starts ``zygote_main``, which imports libraries once (``preload``) and
forks a process for each environment (``environment_main``) into a ``sandbox`` with
a ``private_tmp``. ``memory_watch``, ``process_stats`` and ``orphans`` see what
they take and leave.
"""
