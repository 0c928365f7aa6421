"""
Lists of URLs as people write them, and the names of the files they become.

``files`` are opened; ``file_rows``, ``delimited_text`` and ``parquet`` make rows of
them, with the ``columns`` found; ``row_validation`` tells which can be fetched, and
``duplicate_rows`` which repeat another. ``url_list`` is the whole list, its rows in a
``spool``, to which a ``reader_process`` may go on to add; ``problems`` tells what is
wrong with it. ``file_names`` derives names of files; ``position_set`` is a set of
positions in a list, and a ``compact_hash_map`` finds numbers by hashes.
"""
