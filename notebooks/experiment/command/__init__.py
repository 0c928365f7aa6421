"""
`python -m experiment`: ``arguments`` are read, the ``runner`` runs a notebook.

``aws_check`` is `make aws-check`.
"""
