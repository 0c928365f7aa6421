"""An origin in S3: ``s3`` puts and removes pictures, ``s3_spread`` deals out keys."""
