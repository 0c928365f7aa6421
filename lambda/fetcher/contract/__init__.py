"""
The contract between who asks for downloads and who makes them.

A ``shard`` has a ``source`` of URLs and ``options``; every URL ends in an
``outcome``; its report holds them as ``downloads``, added up in a ``tally``.
"""
