"""
The zip for Lambda: the same bytes from the same sources.

``build`` makes it from the ``wheels`` of the ``requirements`` that ``lambda_platform``
needs; ``archive`` writes it.
"""
