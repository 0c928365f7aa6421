"""
AWS on this machine: one endpoint for boto3, with no Docker and no account.

* ``endpoint``: the endpoint; ``endpoint_process`` runs it as a child process.
* ``local_lambda``: Lambda.
* ``authentication``: the signature of every request.
* ``moto_server``, ``moto_main``: S3, IAM, STS and CloudWatch Logs: moto, in a process
  of its own.
* ``temporary_folders``: where all of these keep their files.
"""
