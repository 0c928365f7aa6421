"""
The process, to the system: its ``memory``, ``descriptors`` and ``interrupts``.

``children`` are forked to share its work.
"""
