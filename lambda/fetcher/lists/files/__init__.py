"""
Files that a list is read from.

``inputs`` finds, opens and inflates them. Those that come only once are ``streams``;
``text`` is decoded as it comes.
"""
