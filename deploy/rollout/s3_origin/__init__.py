"""An origin in S3: pictures put into buckets, spread over prefixes, and removed."""
