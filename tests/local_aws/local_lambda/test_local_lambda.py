"""Behaviour of the local Lambda's own; tests/conformance has that of AWS."""

import http.client
import json

import pytest
from tests.support.lambda_api import ECHO, connect, invoke, refused, request_for
from tests.support.signed_requests import credentials_of, headers_signed


def test_output_is_in_cloudwatch_logs_when_the_answer_is_here(aws, client, deploy):
    logs = connect(aws, "logs")
    name = deploy("def run(event, context): print(f'got {event}')\n")
    group = f"/aws/lambda/{name}"
    logs.create_log_group(logGroupName=group)
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    for event in range(3):
        invoke(client, name, event)
    events = logs.filter_log_events(logGroupName=group)["events"]
    (described,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    logs.close()

    messages = [event["message"] for event in events]
    assert [m for m in messages if m.startswith("got")] == ["got 0", "got 1", "got 2"]
    assert sum(m.startswith("REPORT") for m in messages) == 3
    assert described["retentionInDays"] == 1
    assert len(streams) == 1
    assert "/[$LATEST]" in streams[0]["logStreamName"]


@pytest.mark.parametrize("group_first", [True, False])
def test_a_deleted_log_group_does_not_come_back(aws, client, deploy, group_first):
    logs = connect(aws, "logs")
    name = deploy("def run(event, context): print('one line')\n")
    group = f"/aws/lambda/{name}"
    invoke(client, name)
    made = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    deletions = [
        lambda: logs.delete_log_group(logGroupName=group),
        lambda: client.delete_function(FunctionName=name),
    ]
    for delete in deletions if group_first else reversed(deletions):
        delete()
    left = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    logs.close()

    assert len(made) == 1
    assert left == []


def test_a_function_cannot_be_called_before_it_was_seen_to_be_active(client):
    """The text is LocalStack's; nobody has published AWS's."""
    client.create_function(**request_for("pending", ECHO))
    status, code, message = refused(client.invoke, FunctionName="pending")
    client.get_waiter("function_active_v2").wait(FunctionName="pending")
    answer = invoke(client, "pending", 1)
    client.delete_function(FunctionName="pending")

    assert (status, code) == (409, "ResourceConflictException")
    assert message.endswith("in the following state: Pending")
    assert answer == (1, None)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/2015-03-31/nothing", "", 404),
        ("PATCH", "/2015-03-31/functions/f", "", 404),
        ("POST", "/2015-03-31/functions", "[1]", 400),
        ("POST", "/2015-03-31/functions", "{", 400),
        ("POST", "/2015-03-31/functions", '{"FunctionName": 1}', 400),
        ("POST", "/2015-03-31/functions", "{}", 400),
        ("GET", "/2015-03-31/functions?MaxItems=x", "", 400),
        ("GET", "/2015-03-31/layers", "", 404),
        ("GET", "/2018-10-31/layers", "", 501),
        ("GET", "/2015-03-31/functions/no-such-function/code.zip", "", 404),
    ],
)
def test_nonsense_gets_an_answer_in_aws_shape(aws, method, path, body, status):
    connection = http.client.HTTPConnection(aws.endpoint_url.removeprefix("http://"))
    url = aws.endpoint_url + path
    signed = headers_signed(credentials_of(aws.keys), method, url, body.encode())
    connection.request(method, path, body, signed)
    answer = connection.getresponse()
    document = json.loads(answer.read())
    connection.close()

    assert answer.status == status
    assert answer.headers["x-amzn-ErrorType"].endswith("Exception")
    assert document.get("message") or document.get("Message")
