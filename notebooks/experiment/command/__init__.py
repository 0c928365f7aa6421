"""
`python -m experiment`: ``arguments`` are read, the ``notebook_runner`` runs a notebook.

``pages`` writes reports of runs that have ended; ``plan`` forecasts one that has not
begun. ``parameter_options`` are `-f` and `-p`.

``aws_check`` is `make aws-check`; ``calibrate``, a step of it, measures what the model
of the fleet guesses.
"""
