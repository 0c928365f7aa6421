"""Behaviour of the local Lambda's own; tests/conformance has that of AWS."""

import json

import pytest
from tests.support.lambda_api import Function
from tests.support.lambda_functions import ECHO, request_for
from tests.support.signed_requests import credentials_of, headers_signed
from tests.support.urllib_http import fetch
from tests.support.waiting import WAIT_S

from local_aws.local_lambda.functions import version_state


def test_output_is_in_cloudwatch_logs_when_the_answer_is_here(client_of, deploy):
    logs = client_of("logs")
    function = deploy("def run(event, context): print(f'got {event}')\n")
    group = f"/aws/lambda/{function}"
    logs.create_log_group(logGroupName=group)
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    for event in range(3):
        function(event)
    events = logs.filter_log_events(logGroupName=group)["events"]
    (described,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    (stream,) = logs.describe_log_streams(logGroupName=group)["logStreams"]

    messages = [event["message"] for event in events]
    assert [m for m in messages if m.startswith("got")] == ["got 0", "got 1", "got 2"]
    assert sum(m.startswith("REPORT") for m in messages) == 3
    assert described["retentionInDays"] == 1
    assert "/[$LATEST]" in stream["logStreamName"]


def test_a_query_over_several_groups_finds_what_was_just_printed(client_of, deploy):
    logs = client_of("logs")
    function = deploy("def run(event, context): print('one line')\n")
    function()
    query = {"startTime": 0, "endTime": 2_000_000_000, "queryString": "fields @message"}
    group = f"/aws/lambda/{function}"
    started = logs.start_query(logGroupNames=[group], **query)
    found = logs.get_query_results(queryId=started["queryId"])["results"]

    assert any("one line" in str(row) for row in found)


def test_json_too_deep_for_logs_is_an_error_in_aws_shape(aws):
    url, target = f"{aws.endpoint_url}/", {"X-Amz-Target": "Logs_20140328.StartQuery"}
    body = b"[" * 100_000
    keys = credentials_of(aws.keys)
    signed = headers_signed(keys, "POST", url, body, service="logs")
    status, _, answer = fetch(url, body, "POST", **signed | target)

    assert status == 501  # moto cannot answer either
    assert b"__type" in answer


@pytest.mark.parametrize("group_first", [True, False])
def test_a_deleted_log_group_does_not_come_back(client_of, deploy, group_first):
    logs = client_of("logs")
    function = deploy("def run(event, context): print('one line')\n")
    group = f"/aws/lambda/{function}"
    function()
    made = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    deletions = [
        lambda: logs.delete_log_group(logGroupName=group),
        function.delete_function,
    ]
    for delete in deletions if group_first else reversed(deletions):
        delete()

    assert len(made) == 1
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []


def test_neither_a_function_nor_its_version_can_be_called_before_it_was_seen_active(
    client, monkeypatch
):
    """The text is LocalStack's; nobody has published AWS's."""
    monkeypatch.setattr(version_state, "CHANGE_S", WAIT_S)
    client.create_function(**request_for("pending", ECHO, Publish=True))
    function = Function(client, "pending")
    refusals = [one.refused("invoke") for one in (function, function.at("1"))]
    function.waited("function_active_v2")
    answers = [one(1) for one in (function, function.at("1"))]
    function.delete_function()

    for status, code, message in refusals:
        assert (status, code) == (409, "ResourceConflictException")
        assert message.endswith("in the following state: Pending")
    assert answers == [(1, None)] * 2


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/2015-03-31/functions", b"[1]", 400),
        ("POST", "/2015-03-31/functions", b"{", 400),
        ("POST", "/2015-03-31/functions", b'{"FunctionName": 1}', 400),
        ("POST", "/2015-03-31/functions", b"{}", 400),
        ("GET", "/2015-03-31/functions?MaxItems=x", b"", 400),
        ("GET", "/2015-03-31/layers", b"", 404),
        ("DELETE", "/2018-10-31/layers/a/versions/1/policy/b", b"", 501),
        ("GET", "/2015-03-31/functions/no-such-function/code.zip", b"", 404),
    ],
)
def test_nonsense_gets_an_answer_in_aws_shape(aws, method, path, body, status):
    url = aws.endpoint_url + path
    signed = headers_signed(credentials_of(aws.keys), method, url, body)
    told, headers, answer = fetch(url, body or None, method, **signed)
    document = json.loads(answer)

    assert told == status
    assert headers["x-amzn-ErrorType"].endswith("Exception")
    assert document.get("message") or document.get("Message")
