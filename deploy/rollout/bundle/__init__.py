"""
The zip for Lambda: the same bytes from the same sources.

``build`` makes it from the worker and its ``requirements``, as ``wheels`` for a
``lambda_platform``; ``archive`` writes it.
"""
