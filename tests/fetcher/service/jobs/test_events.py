"""Events for Lambda: signed as AWS's own code signs them."""

from datetime import datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from fetcher.service.jobs.events import Events

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:f:live"


@pytest.mark.parametrize("token", ["", "tok+/="])
def test_events_are_signed_as_botocore_signs_them(monkeypatch, token):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret/+")
    monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    with Events(ARN, until=0.0) as events:
        ours = events._headers(b"{}")
        url = events._address + events._path
    at = datetime.strptime(ours["x-amz-date"], "%Y%m%dT%H%M%S%z")
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: at)
    kind = {"X-Amz-Invocation-Type": ours["x-amz-invocation-type"]}
    theirs = AWSRequest("POST", url, headers=kind, data=b"{}")
    signer = SigV4Auth(Credentials("AKID", "s3cret/+", token), "lambda", "eu-west-1")
    signer.add_auth(theirs)

    assert ours["authorization"] == theirs.headers["Authorization"]
