"""
What a fleet does with its time.

* ``starts``: when executions start; ``shard_time``: how long one takes over its files.
* ``tail``: executions that take long; ``shard_queue``: shards pulled and hedged.
"""
