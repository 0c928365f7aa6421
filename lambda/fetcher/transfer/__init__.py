"""
Downloads under way: attempts, hosts, retries, bodies.

* ``scheduler`` is the loop: it hands each ``attempt`` to an ``engine`` and learns how
  it ended.
* ``shard_work`` has it fetch a shard; several processes may share that, as
  ``work_division`` says.
* ``url_preparation`` checks URLs, and signs those in S3.
* ``flow`` says who may download, when, and for how long.
* ``body`` checks a response, and its ``content``, on its way into a ``sink``;
  ``redirects`` says where it leads, ``refused_response`` why it is turned down.
"""
