"""How long and how often events are tried, configured for each version and alias."""

import datetime as dt
import re
import time

import pytest
from tests.support.lambda_api import ECHO, call, eventually, refused

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
    """
    On AWS this takes up to five minutes.
    """
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


@pytest.mark.fact(EXCEPTIONS)
@pytest.mark.parametrize(
    "operation",
    ["put_function_event_invoke_config", "update_function_event_invoke_config"],
)
def test_something_must_be_configured_of_something_that_exists(
    lambda_client, deploy, operation
):
    configure = getattr(lambda_client, operation)
    name = deploy(ECHO)
    nothing = refused(configure, FunctionName=name)
    nowhere = {
        refused(configure, MaximumRetryAttempts=1, **target)
        for target in (
            {"FunctionName": "no-such-function"},
            {"FunctionName": name, "Qualifier": "nobody"},
            {"FunctionName": name, "Qualifier": "7"},
        )
    }

    assert nothing == (
        400,
        "InvalidParameterValueException",
        "You must specify at least one of error handling or destination setting.",
    )
    assert nowhere == {
        (404, "ResourceNotFoundException", "The function doesn't exist.")
    }


@pytest.mark.fact(EXCEPTIONS)
def test_what_is_not_configured_is_not_found(lambda_client, deploy, arn_of):
    name = deploy(ECHO)
    lambda_client.publish_version(FunctionName=name)
    operations = [
        (lambda_client.get_function_event_invoke_config, {}),
        (lambda_client.delete_function_event_invoke_config, {}),
        (
            lambda_client.update_function_event_invoke_config,
            {"MaximumRetryAttempts": 1},
        ),
    ]
    refusals = {
        (qualifier, *refused(configure, FunctionName=name, Qualifier=qualifier, **more))
        for configure, more in operations
        for qualifier in ("$LATEST", "1")
    }
    listed = refused(
        lambda_client.list_function_event_invoke_configs, FunctionName="no-such"
    )
    unknown = refused(
        lambda_client.get_function_event_invoke_config, FunctionName="no-such"
    )

    assert refusals == {
        (
            qualifier,
            404,
            "ResourceNotFoundException",
            f"The function {arn_of(name, qualifier)} doesn't have an EventInvokeConfig",
        )
        for qualifier in ("$LATEST", "1")
    }
    assert listed[2] == "The function doesn't exist."
    assert unknown[2] == (
        f"The function {arn_of('no-such', '$LATEST')} doesn't have an EventInvokeConfig"
    )


@pytest.mark.fact(
    "botocore lambda/2015-03-31: MaximumRetryAttempts, MaximumEventAge..."
)
@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            {"MaximumRetryAttempts": 3},
            (
                "Value '3' at 'maximumRetryAttempts' failed to satisfy constraint: "
                "Member must have value less than or equal to 2"
            ),
        ),
        (
            {"MaximumEventAgeInSeconds": 59},
            (
                "Value '59' at 'maximumEventAgeInSeconds' failed to satisfy "
                "constraint: Member must have value greater than or equal to 60"
            ),
        ),
        (
            {"MaximumEventAgeInSeconds": 21_601},
            (
                "Value '21601' at 'maximumEventAgeInSeconds' failed to satisfy "
                "constraint: Member must have value less than or equal to 21600"
            ),
        ),
    ],
)
def test_retries_and_age_have_limits(unchecked_client, deploy, settings, problem):
    refusal = refused(
        unchecked_client.put_function_event_invoke_config,
        FunctionName=deploy(ECHO),
        **settings,
    )

    assert refusal == (
        400,
        "ValidationException",
        f"1 validation error detected: {problem}",
    )
