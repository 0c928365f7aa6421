"""
S3 as the worker speaks it: signed requests, retried until they succeed.

``connection`` makes them, for the account in ``credentials``, and ``senders`` do so in
threads; ``upload`` is one large object. ``urls`` parses ``s3://``, ``errors`` says why
a request failed, and ``scratch_files`` are the files that bodies wait in.
"""
