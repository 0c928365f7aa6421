"""
What a notebook is asked: its parameters, paths and goal.

``cell_assignments`` reads the parameters cell, ``checks`` checks it.

``notebook_settings`` are what all have in common, ``settings`` those of every notebook
with a target, ``fan_out``, ``grid``, ``comparison`` and ``fleet`` those of one kind;
``settings_file`` reads a file of them. ``path_resolution`` finds what people mean by a
path, from the ``project_root``, and ``goal`` is what all is measured against.
"""
