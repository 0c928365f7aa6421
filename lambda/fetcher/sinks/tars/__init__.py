"""
Tars in WebDataset's format: each file with a JSON beside it.

* ``tar_writing`` makes a ``member`` of each body.
* ``local`` is the ``tars_sink`` for this machine, in ``shard_files``; ``bucket`` is the
  one for S3. ``tar_reading`` reads them again, ``contents`` tells what is in them, and
  ``crash_recovery`` keeps what a report has.
* ``s3_tar`` writes one tar in S3, whose files are listed in an ``s3_tar_index``.
"""
