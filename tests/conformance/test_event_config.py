"""Retries and maximum age of events, configured for each version and alias."""

import datetime as dt
import re
import time

import pytest
from tests.support.lambda_api import ECHO, call, eventually

LIFECYCLE = "LocalStack test_lambda_eventinvokeconfig_lifecycle, recorded 2024-04"
EXCEPTIONS = "LocalStack test_lambda_eventinvokeconfig_exceptions, recorded 2023-11"
FAILING = "def run(event, context): raise RuntimeError('again')\n"


@pytest.mark.fact(EXCEPTIONS)
def test_putting_overwrites_and_updating_keeps_the_rest(lambda_client, deploy, arn_of):
    name = deploy(ECHO)
    before = dt.datetime.now(dt.UTC)
    put = lambda_client.put_function_event_invoke_config(
        FunctionName=name, MaximumEventAgeInSeconds=60, MaximumRetryAttempts=2
    )
    updated = lambda_client.update_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=0
    )
    shown = lambda_client.get_function_event_invoke_config(FunctionName=name)
    overwritten = lambda_client.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=1
    )
    age = dt.timedelta(minutes=5)

    assert put["FunctionArn"] == arn_of(name, "$LATEST")
    assert put["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    assert abs(put["LastModified"] - before) < age
    assert (put["MaximumEventAgeInSeconds"], put["MaximumRetryAttempts"]) == (60, 2)
    for answer in (updated, shown):
        del answer["ResponseMetadata"]
    assert shown == updated
    assert shown["MaximumEventAgeInSeconds"] == 60
    assert shown["MaximumRetryAttempts"] == 0
    assert "MaximumEventAgeInSeconds" not in overwritten
    assert overwritten["MaximumRetryAttempts"] == 1


@pytest.mark.fact(f"{LIFECYCLE}; {EXCEPTIONS.removeprefix('LocalStack ')}")
def test_versions_and_aliases_have_their_own(lambda_client, deploy, arn_of):
    name = deploy(ECHO)
    lambda_client.publish_version(FunctionName=name)
    lambda_client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    qualifiers = ("$LATEST", "1", "live")
    for retries, qualifier in enumerate(qualifiers):
        lambda_client.put_function_event_invoke_config(
            FunctionName=name, Qualifier=qualifier, MaximumRetryAttempts=retries
        )
    pages = list(
        lambda_client.get_paginator("list_function_event_invoke_configs").paginate(
            FunctionName=name, PaginationConfig={"PageSize": 2}
        )
    )
    listed = [one for page in pages for one in page["FunctionEventInvokeConfigs"]]
    shown = lambda_client.get_function_event_invoke_config(FunctionName=f"{name}:live")
    deleted = [
        lambda_client.delete_function_event_invoke_config(
            FunctionName=name, Qualifier=qualifier
        )["ResponseMetadata"]["HTTPStatusCode"]
        for qualifier in qualifiers
    ]
    left = lambda_client.list_function_event_invoke_configs(FunctionName=name)

    assert len(pages) == 2
    assert {one["FunctionArn"]: one["MaximumRetryAttempts"] for one in listed} == {
        arn_of(name, qualifier): retries for retries, qualifier in enumerate(qualifiers)
    }
    assert shown["FunctionArn"] == arn_of(name, "live")
    assert deleted == [204, 204, 204]
    assert left["FunctionEventInvokeConfigs"] == []


@pytest.mark.fact("LocalStack test_retries, recorded 2025-11")
@pytest.mark.parametrize("retries", [0, 1])
def test_a_failing_event_is_tried_as_often_as_configured(
    lambda_client, lines_of, deploy, on_aws, retries
):
    """On AWS this takes up to five minutes."""
    name = deploy(FAILING)
    lambda_client.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=retries
    )
    call(lambda_client, name, InvocationType="Event")

    def starts():
        return re.findall("START RequestId", "\n".join(lines_of(name)))

    eventually(lambda: len(starts()) == 1 + retries, within_s=180 if on_aws else 10)
    time.sleep(130 if on_aws else 0.3)  # there is no other

    assert len(starts()) == 1 + retries


# Refused
