"""
Files that a list is read from.

``inputs`` finds, opens and inflates them. Those that come only once are
``pipes_and_s3``; ``decoded_lines`` are those of a text, decoded as they come.
"""
