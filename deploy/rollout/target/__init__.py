"""
Where a function runs: AWS, or the local endpoint. Only this room knows which.

``target`` connects, with ``credentials``; ``machine`` is what functions run on.
"""
