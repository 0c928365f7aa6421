"""Requests that botocore signs, for tests that send them by other means."""

import contextlib
import os

import boto3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from tests.support.lambda_api import PLAIN

from fetcher.s3.credentials import S3Credentials


def credentials_of(keys):
    """Return a pair of the endpoint's as botocore wants it."""
    return Credentials(keys.access_key_id, keys.secret_access_key)


def headers_signed(
    credentials,
    method,
    url,
    body=b"",
    *,
    service="lambda",
    region="us-east-1",
    **headers,
):
    """Return the headers of a request, with its signature."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    request = AWSRequest(method, url, named, body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(credentials, service, region).add_auth(request)
    return dict(request.headers.items())


def account_at(url):
    """Return whom the environment says we are, towards an S3 at a URL."""
    key, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    return S3Credentials(key, secret, "", "us-east-1", url)


def credentials_at_hand():
    """Return the pair in the environment."""
    return Credentials(
        os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    )


def client_with(aws, service, keys, **more):
    """Return a client that signs with some keys, to be closed."""
    return contextlib.closing(
        boto3.client(
            service,
            endpoint_url=aws.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            aws_session_token=keys.token,
            config=PLAIN.merge(Config(**more)),
        )
    )
