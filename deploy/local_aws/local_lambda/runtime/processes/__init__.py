"""
Environments as processes: forked, isolated, watched and ended.

``zygote_control`` starts ``zygote_main``, which imports libraries once
(``preload``) and forks a process for each environment (``environment_main``) into one
of the ``sandboxes``, with a ``private_tmp``. ``memory_watch``, ``process_stats`` and
``detached_processes`` watch what they use and leave behind.
"""
