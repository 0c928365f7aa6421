"""S3 as the worker speaks it: signed requests, tried again until they succeed."""
