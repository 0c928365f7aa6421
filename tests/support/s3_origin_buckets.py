"""The buckets of an origin in S3, and what is to be in them."""

FUNCTION = "million-downloads-o"
BUCKETS = ("million-downloads-lab-0", "million-downloads-lab-1")
KEPT = "million-downloads-lab-kept"
TEMPLATE = "s3://million-downloads-lab-{number%2}/origin/{number%8}/{number}.jpg"
FILES = 24
SIZE = ("--files", str(FILES), "--file-kb", "3")
MANY = ("--files", "99", "--file-kb", "3")
