"""What is put into a bucket, and what a sink has left there."""

from __future__ import annotations

import io
import json
import tarfile


def put(s3, bucket, key, content):
    """Put an object there; return its URL."""
    s3.put_object(Bucket=bucket, Key=key, Body=content)
    return f"s3://{bucket}/{key}"


def objects_in(client, bucket):
    """Return what is visible: bodies by key."""
    found = client.list_objects_v2(Bucket=bucket).get("Contents", ())
    return {
        one["Key"]: client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
        for one in found
    }


def uploads_in(client, bucket):
    """Return the keys of uploads that were begun and not finished."""
    found = client.list_multipart_uploads(Bucket=bucket).get("Uploads", ())
    return [one["Key"] for one in found]


def files_in(tar):
    """Return what is in a tar, by name."""
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as opened:
        return {one.name: opened.extractfile(one).read() for one in opened}


def rows_in(index):
    return [json.loads(line) for line in index.splitlines()]
