"""
Downloads under way: attempts, hosts, retries, bodies.

* ``transfers`` is the loop: it hands each ``attempt`` to an ``engine`` and learns how
  it ended.
* ``host`` and ``hosts`` decide how hard a host is pressed.
* ``body`` checks a response on its way into a ``sink``, with ``inflate``,
  ``file_types``, ``robots_tag`` and ``stall``; ``redirects`` says where it leads,
  ``refusal`` why it is turned down.
"""
