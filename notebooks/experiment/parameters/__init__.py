"""
The parameters cell, read by ``cell`` and checked.

``settings`` are those of every notebook; ``fan_out``, ``grid`` and ``fleet`` those of
one kind.
"""
