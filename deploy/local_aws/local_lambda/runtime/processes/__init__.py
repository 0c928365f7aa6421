"""
Environments as processes: forked, isolated, watched and ended.

``zygote_control`` starts ``zygote_main``, which imports libraries once (``preload``)
and forks a process for each environment (``environment_main``) in a ``sandbox`` with
its ``sandbox_mounts``. ``memory_watch``, ``process_stats`` and ``detached_processes``
watch what they use and leave behind.
"""
