"""
From settings to shards: which invocation is for which URLs.

``run_plan`` makes them, dealt by ``sharding`` in ``shard_sizes`` that are equal or
fall; ``demand`` lists the resources they need; ``url_facts`` is what URLs say of the
files; ``size_sample`` asks hosts for the sizes of a few.
"""
