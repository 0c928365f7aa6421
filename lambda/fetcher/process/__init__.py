"""
The process, to the system: its ``memory``, ``cores``, ``descriptors``, ``signals``.

``children`` are forked to share its work.
"""
