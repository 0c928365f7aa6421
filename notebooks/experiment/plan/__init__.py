"""
From settings to shards: which invocation is for which URLs.

``plan`` makes the plan, from a ``url_file`` if there is a list, and ``deal`` splits it
into shards. ``demand`` is what it requires of a target, ``file_facts`` what is known of
its files; ``name_clashes`` finds files of a list that would overwrite others.
"""
