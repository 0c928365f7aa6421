"""Retries and maximum age of events, configured for each version and alias."""

import datetime as dt

import pytest
from tests.support.lambda_functions import ECHO

LIFECYCLE = "LocalStack test_lambda_eventinvokeconfig_lifecycle, recorded 2024-04"
EXCEPTIONS = "LocalStack test_lambda_eventinvokeconfig_exceptions, recorded 2023-11"


@pytest.mark.fact(EXCEPTIONS)
def test_putting_overwrites_and_updating_keeps_the_rest(deploy, arn_of):
    function = deploy(ECHO)
    before = dt.datetime.now(dt.UTC)
    put = function.put_function_event_invoke_config(
        MaximumEventAgeInSeconds=60, MaximumRetryAttempts=2
    )
    updated = function.update_function_event_invoke_config(MaximumRetryAttempts=0)
    shown = function.get_function_event_invoke_config()
    overwritten = function.put_function_event_invoke_config(MaximumRetryAttempts=1)

    assert put["FunctionArn"] == arn_of(function, "$LATEST")
    assert put["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    assert abs(put["LastModified"] - before) < dt.timedelta(minutes=5)
    assert (put["MaximumEventAgeInSeconds"], put["MaximumRetryAttempts"]) == (60, 2)
    assert shown == updated
    assert shown["MaximumEventAgeInSeconds"] == 60
    assert shown["MaximumRetryAttempts"] == 0
    assert "MaximumEventAgeInSeconds" not in overwritten
    assert overwritten["MaximumRetryAttempts"] == 1


@pytest.mark.fact(f"{LIFECYCLE}; {EXCEPTIONS.removeprefix('LocalStack ')}")
def test_versions_and_aliases_have_their_own(deploy, arn_of):
    function = deploy(ECHO)
    function.publish_version()
    function.alias("live", "1")
    qualifiers = ("$LATEST", "1", "live")
    for retries, qualifier in enumerate(qualifiers):
        function.put_function_event_invoke_config(
            Qualifier=qualifier, MaximumRetryAttempts=retries
        )
    member = "FunctionEventInvokeConfigs"
    pages = function.pages("list_function_event_invoke_configs", member)
    listed = [one for page in pages for one in page]
    shown = function.at("live").get_function_event_invoke_config()
    deleted = [
        function.delete_function_event_invoke_config(Qualifier=qualifier)
        for qualifier in qualifiers
    ]
    left = function.list_function_event_invoke_configs()

    assert len(pages) == 2
    assert {one["FunctionArn"]: one["MaximumRetryAttempts"] for one in listed} == {
        arn_of(function, qualifier): retries
        for retries, qualifier in enumerate(qualifiers)
    }
    assert shown["FunctionArn"] == arn_of(function, "live")
    assert {one.status for one in deleted} == {204}
    assert left[member] == []
