"""
The function and everything that belongs to it: created, updated, removed.

``deploy`` does so for a ``function_spec``: ``role`` with its ``policies``,
``lambda_function``, ``function_url``, ``log_group``, ``vpc_and_efs``;
``changes`` records it, and ``expected_errors`` tells which refusals are no failures.
``leftover_tars`` cleans up after executions that died.
"""
