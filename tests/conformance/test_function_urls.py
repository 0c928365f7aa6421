"""Function URLs: the operations on them."""

import pytest
from tests.support.lambda_api import ECHO, refusal_of, refused

CONFIGS = "LocalStack test_lambda_api TestLambdaUrl test_url_config_exceptions, 2023-11"
LIFE = "LocalStack test_lambda test_lambda_update_function_url_config, recorded 2025-11"
NO_FUNCTION = (404, "ResourceNotFoundException", "Function does not exist")
NO_URL = (
    404,
    "ResourceNotFoundException",
    "The resource you requested does not exist.",
)


def without_metadata(answer):
    return {key: answer[key] for key in answer if key != "ResponseMetadata"}


@pytest.mark.fact(LIFE)
def test_a_configuration_is_shown_as_it_was_made_and_as_it_is_now(
    lambda_client, deploy, arn_of
):
    name = deploy(ECHO)
    made = lambda_client.create_function_url_config(FunctionName=name, AuthType="NONE")
    shown = lambda_client.get_function_url_config(FunctionName=name)

    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["FunctionArn"] == arn_of(name)
    assert made.keys() - {"ResponseMetadata"} == {
        *("FunctionUrl", "FunctionArn", "AuthType", "CreationTime"),
    }
    assert without_metadata(shown) == without_metadata(made) | {
        "InvokeMode": "BUFFERED",
        "LastModifiedTime": shown["LastModifiedTime"],
    }


@pytest.mark.fact(LIFE)
def test_an_update_changes_what_it_names_and_no_more(lambda_client, deploy):
    name = deploy(ECHO)
    cors = {"AllowOrigins": ["https://a.example"], "MaxAge": 5}
    before = lambda_client.create_function_url_config(
        FunctionName=name, AuthType="NONE", Cors=cors, InvokeMode="BUFFERED"
    )
    changed = lambda_client.update_function_url_config(
        FunctionName=name, AuthType="AWS_IAM"
    )
    same = lambda_client.update_function_url_config(FunctionName=name)

    assert before["Cors"] == changed["Cors"] == cors
    assert before["InvokeMode"] == changed["InvokeMode"] == "BUFFERED"
    assert changed["AuthType"] == same["AuthType"] == "AWS_IAM"
    assert changed["CreationTime"] == before["CreationTime"]
    assert changed["FunctionUrl"] == before["FunctionUrl"]


@pytest.mark.fact("LocalStack test_lambda_api test_url_config_list_paging, 2023-11")
def test_the_urls_of_a_function_and_its_aliases_are_listed(
    lambda_client, deploy, arn_of
):
    name = deploy(ECHO)
    version = lambda_client.publish_version(FunctionName=name)["Version"]
    lambda_client.create_alias(FunctionName=name, Name="a", FunctionVersion=version)
    none = lambda_client.list_function_url_configs(FunctionName=name)
    for qualified in ({}, {"Qualifier": "a"}):
        lambda_client.create_function_url_config(
            FunctionName=name, AuthType="NONE", **qualified
        )
    listed = lambda_client.list_function_url_configs(FunctionName=name)
    shown = listed["FunctionUrlConfigs"]

    assert none["FunctionUrlConfigs"] == []
    assert [each["FunctionArn"] for each in shown] == [arn_of(name), arn_of(name, "a")]
    assert {each["InvokeMode"] for each in shown} == {"BUFFERED"}


@pytest.mark.fact(
    "the error AWS answers is in Worklytics/psoxy, docs/aws/troubleshooting.md"
)
def test_a_function_has_one_url(lambda_client, deploy, arn_of):
    name = deploy(ECHO)
    create = lambda_client.create_function_url_config
    create(FunctionName=name, AuthType="NONE")
    message = (
        f"Failed to create function url config for [functionArn = {arn_of(name)}]. "
        "Error message:  FunctionUrlConfig exists for this Lambda function"
    )

    conflict = (409, "ResourceConflictException", message)
    assert refused(create, FunctionName=name, AuthType="NONE") == conflict


@pytest.mark.fact(CONFIGS)
@pytest.mark.parametrize("qualified", [{}, {"Qualifier": "alias"}])
def test_what_does_not_exist_is_told_in_two_ways(lambda_client, deploy, qualified):
    asked = {"FunctionName": deploy(ECHO) if qualified else "does-not-exist"}
    asked |= qualified

    client = lambda_client
    assert refused(client.get_function_url_config, **asked) == NO_URL
    assert refused(client.delete_function_url_config, **asked) == NO_URL
    assert refused(client.update_function_url_config, **asked) == NO_FUNCTION
    created = refused(client.create_function_url_config, AuthType="NONE", **asked)
    assert created == NO_FUNCTION


@pytest.mark.fact(CONFIGS)
def test_an_update_of_a_url_that_is_not_there_is_refused(lambda_client, deploy):
    update = lambda_client.update_function_url_config

    assert refused(update, FunctionName=deploy(ECHO)) == NO_URL


@pytest.mark.fact("LocalStack test_lambda_api test_url_config_list_paging, 2023-11")
def test_listing_the_urls_of_no_function_is_refused(lambda_client):
    asked = {"FunctionName": "does-not-exist"}

    assert refused(lambda_client.list_function_url_configs, **asked) == NO_FUNCTION


@pytest.mark.fact(CONFIGS)
@pytest.mark.parametrize("qualifier", ["1", "$LATEST"])
def test_versions_have_no_urls(lambda_client, deploy, qualifier):
    response = refusal_of(
        lambda_client.create_function_url_config,
        FunctionName=deploy(ECHO),
        Qualifier=qualifier,
        AuthType="NONE",
    )

    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["Error"] == {
        "Code": "ValidationException",
        "Message": (
            f"1 validation error detected: Value '{qualifier}' at 'qualifier' failed "
            "to satisfy constraint: Member must satisfy regular expression pattern: "
            r"((?!^\d+$)^[0-9a-zA-Z-_]+$)"
        ),
    }


@pytest.mark.fact(CONFIGS)
def test_two_different_qualifiers_are_refused(lambda_client, deploy, arn_of):
    name = arn_of(deploy(ECHO), "one")
    asked = {"FunctionName": name, "Qualifier": "other"}
    message = (
        "The derived qualifier from the function name does not match the specified "
        "qualifier."
    )

    mismatch = (400, "InvalidParameterValueException", message)
    assert refused(lambda_client.get_function_url_config, **asked) == mismatch


@pytest.mark.fact("LocalStack test_lambda test_lambda_url_invalid_invoke_mode, 2025-11")
def test_an_unknown_invoke_mode_is_refused(lambda_client, deploy):
    status, code, message = refused(
        lambda_client.create_function_url_config,
        FunctionName=deploy(ECHO),
        AuthType="NONE",
        InvokeMode="UNKNOWN",
    )

    assert (status, code) == (400, "ValidationException")
    assert message.startswith(
        "1 validation error detected: Value 'UNKNOWN' at 'invokeMode' failed to "
        "satisfy constraint: Member must satisfy enum value set: ["
    )
