"""
Where a function runs: AWS, or the local endpoint. Only this room knows which.

``target`` connects, with ``credentials``, and makes ``clients``; ``machines``
are what functions run on. ``refusals`` tells denials and other answers of AWS apart.
``endpoint_process`` runs a local endpoint as a child process.
"""
