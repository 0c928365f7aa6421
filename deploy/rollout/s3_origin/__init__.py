"""An origin in S3: ``objects`` puts and removes them, ``s3_spread`` deals out keys."""
