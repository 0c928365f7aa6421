"""
AWS on this machine: one endpoint for boto3, with no Docker and no account.

* ``server``: the endpoint.
* ``local_lambda``: Lambda.
* ``authentication``: who is let in.
* ``moto_server``, ``moto_client``, ``moto_main``: S3, IAM, STS and CloudWatch Logs,
  moto's, in a process of its own.
* ``temporary_folders``: where all of it keeps its files.
* ``exit_reason``: how a child process ended; ``endpoint_error``: how the endpoint
  fails.
"""
