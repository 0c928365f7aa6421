"""
The sub-commands of `rollout`, a module each, and the ``options`` they share.

``serve`` runs the local endpoint in the foreground; ``doctor`` looks at an account;
``deploy``, ``invoke`` and ``jobs`` are about the function; ``url_manifest`` and
``s3_origin`` about what it downloads.
"""
