"""
The zip that goes to Lambda: the same bytes from the same sources.

``build`` makes it, of the ``requirements`` that ``lambda_platform`` needs, as
``wheels``; ``archive`` writes it.
"""
