"""Function URLs: the operations on them."""

import pytest
from tests.support.lambda_api import ECHO

LIFE = "LocalStack test_lambda test_lambda_update_function_url_config, recorded 2025-11"


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
        *("FunctionUrl", "FunctionArn", "AuthType", "CreationTime")
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
