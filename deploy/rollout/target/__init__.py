"""
Where a function runs: AWS, or the local endpoint. Only this room knows which.

``connection`` connects, with ``credentials``, and makes ``clients``;
``runtime_platform`` describes what functions run on. ``aws_errors`` tells denials and
other answers of AWS apart. ``local_endpoint`` runs a local endpoint as a child process.
"""
