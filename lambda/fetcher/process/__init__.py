"""
The process, to the system: its ``memory``, ``cores``, ``descriptors``, ``signals``.

A ``memory_budget`` tells how many downloads fit.

``children`` are forked to share its work.
"""
