"""
Tars in WebDataset's format: each file with a JSON beside it.

* A ``part`` of a tar is made of each body as a ``member``.
* ``local`` is the sink of tars on this machine, in ``shard_files``; ``bucket`` is that
  of tars in S3. ``scan`` reads what is in them, ``mend`` keeps what a report has.
"""
