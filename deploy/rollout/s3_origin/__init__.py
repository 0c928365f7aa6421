"""An origin in S3: ``objects`` in ``buckets_and_prefixes``, put and removed."""
