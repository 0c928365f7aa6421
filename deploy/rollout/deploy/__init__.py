"""
The function and all that belongs to it: made, changed, removed.

``deploy`` does it, for a ``function_spec``: ``role`` and ``policies``,
``lambda_function``, ``function_url``, ``log_group``, ``network``; ``changes`` takes
note. ``leftover_tars`` finds what executions that died have left in S3.
"""
