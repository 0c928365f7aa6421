"""
The process, to the system: its ``memory``, ``descriptors`` and ``signals``.

``children`` are forked to share its work.
"""
