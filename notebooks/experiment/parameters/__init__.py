"""
The parameters cell, read by ``cell`` and checked with ``checks``.

``notebook_settings`` are what all have in common, ``settings`` those of every notebook
with a target, ``fan_out``, ``grid``, ``compare_runs`` and ``fleet`` those of one kind;
``settings_file`` reads a file of them.
"""
