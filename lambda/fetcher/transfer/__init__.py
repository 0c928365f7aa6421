"""
Downloads under way: attempts, hosts, retries, bodies.

* ``transfers`` is the loop: it hands each ``attempt`` to an ``engine`` and learns how
  it ended.
* ``shard_work`` has it fetch a shard, whose ``parts`` several processes may share.
* ``addresses`` checks URLs, and signs those in S3.
* ``flow`` says who may download, when, and for how long.
* ``body`` checks a response on its way into a ``sink``, with ``inflate``,
  ``file_types``, ``picture_size`` and ``robots_tag``; ``redirects`` says where it
  leads, ``refusal`` why it is turned down.
"""
