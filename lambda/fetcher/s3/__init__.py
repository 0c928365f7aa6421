"""
S3 as the worker speaks it: signed requests, retried.

* ``connection`` makes requests, signed with ``credentials``; ``urls`` parses ``s3://``;
  ``errors`` says why S3 refused.
* ``listing`` tells what a bucket holds.
* ``upload`` sends an object in parts while it grows, with ``senders`` (threads) and
  ``scratch_files``.

Everywhere, `until` is when to give up, on the monotonic clock.
"""
