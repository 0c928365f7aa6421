"""
What both sides share: whoever asks for downloads, and whoever makes them.

A ``shard`` has a ``source`` of URLs and ``options``; every URL ends in an
``outcome``; ``downloads`` and ``tally`` are what a report says of them.
"""
