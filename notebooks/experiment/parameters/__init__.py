"""
The parameters cell, read by ``cell`` and checked.

``settings`` are those of every notebook, ``fan_out`` and ``grid`` those of one kind;
``settings_file`` reads a file of them.
"""
