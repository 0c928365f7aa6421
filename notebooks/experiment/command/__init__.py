"""
`python -m experiment`: ``arguments`` are read, the ``runner`` runs a notebook.

``pages`` writes reports of runs that have ended.

``aws_check`` is `make aws-check`.
"""
