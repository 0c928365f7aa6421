"""
Lists of URLs as people write them, and the names of the files they become.

``lines`` reads a file block by block; ``url_list`` makes a source of it;
``file_names`` derives names and ``name_clashes`` finds duplicates; ``position_set``
is a set of rows.
"""
