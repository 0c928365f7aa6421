"""
From settings to shards: which invocation is for which URLs.

``plan`` makes them, from a ``url_file`` if there is a list, dealt by ``deal`` in
``sizes`` that are equal or fall;
``demand`` lists the resources they need; ``url_facts`` is what URLs say of the files;
``name_clashes`` finds those that would overwrite each other.
"""
