"""Permissions as callers of Lambda give them."""

import json

FORBIDDEN = {
    "Message": (
        "Forbidden. For troubleshooting Function URL authorization issues, see: "
        "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
    )
}


def to_s3(**asked):
    """Return what lets S3 invoke a function, changed by what is asked for."""
    return {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"} | asked


def permit(client, name, sid, **asked):
    """Let S3 invoke a function, or what is asked for; return the statement."""
    made = client.add_permission(FunctionName=name, StatementId=sid, **to_s3(**asked))
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    return json.loads(made["Statement"])
