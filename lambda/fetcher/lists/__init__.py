"""
Lists of URLs as people write them, and the names of the files they become.

``lines`` reads a file block by block and ``rows`` makes rows of its lines, whatever
the format. ``checked_rows`` checks them, and ``url_list`` is a whole list of good ones.
``file_names`` derives names and ``name_clashes`` finds those that clash;
``position_set`` is a set of positions in a list.
"""
