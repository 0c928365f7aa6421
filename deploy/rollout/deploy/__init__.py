"""
The function and everything that belongs to it: created, updated, removed.

``deployment`` does so for a ``function_spec``: ``role`` with its ``policies``,
``lambda_function``, ``function_url``, ``log_group``, ``vpc_efs_config``;
``rollback`` records it, and undoes it after an error; what lacks the ``ownership_tag``
stays as it is. ``expected_errors`` tells which refusals are no failures.
``leftover_tars`` cleans up after executions that died.
"""
