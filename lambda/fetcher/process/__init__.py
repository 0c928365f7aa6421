"""The process, to the system: its ``memory``, ``descriptors`` and ``interrupts``."""
