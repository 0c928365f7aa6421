"""
Downloads on their way: attempts, hosts, retries, bodies.

* ``job`` is the loop; it hands each ``attempt`` to an ``engine`` and takes back its
  ``ending``.
* ``host`` and ``hosts`` say how hard a host is asked.
* ``body`` checks a response on its way into a ``sink``: ``inflate``,
  ``file_types``, ``stall``, ``redirects``.
"""
