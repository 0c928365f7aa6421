"""Function URLs: the operations on them."""

import pytest
from tests.support.lambda_api import ECHO

LIFE = "LocalStack test_lambda test_lambda_update_function_url_config, recorded 2025-11"


def without_metadata(answer):
    return {key: answer[key] for key in answer if key != "ResponseMetadata"}


@pytest.mark.fact(LIFE)
def test_a_configuration_is_shown_as_it_was_made_and_as_it_is_now(deploy, arn_of):
    function = deploy(ECHO)
    made = function.create_function_url_config(AuthType="NONE")
    shown = function.get_function_url_config()

    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["FunctionArn"] == arn_of(function)
    assert without_metadata(made).keys() == {
        *("FunctionUrl", "FunctionArn", "AuthType", "CreationTime")
    }
    assert without_metadata(shown) == without_metadata(made) | {
        "InvokeMode": "BUFFERED",
        "LastModifiedTime": shown["LastModifiedTime"],
    }


@pytest.mark.fact(LIFE)
def test_an_update_changes_what_it_names_and_no_more(deploy):
    function = deploy(ECHO)
    cors = {"AllowOrigins": ["https://a.example"], "MaxAge": 5}
    before = function.create_function_url_config(
        AuthType="NONE", Cors=cors, InvokeMode="BUFFERED"
    )
    changed = function.update_function_url_config(AuthType="AWS_IAM")
    same = function.update_function_url_config()

    assert before["Cors"] == changed["Cors"] == cors
    assert before["InvokeMode"] == changed["InvokeMode"] == "BUFFERED"
    assert changed["AuthType"] == same["AuthType"] == "AWS_IAM"
    assert changed["CreationTime"] == before["CreationTime"]
    assert changed["FunctionUrl"] == before["FunctionUrl"]


@pytest.mark.fact("LocalStack test_lambda_api test_url_config_list_paging, 2023-11")
def test_the_urls_of_a_function_and_its_aliases_are_listed(deploy, arn_of):
    function = deploy(ECHO)
    function.alias("a", function.publish_version()["Version"])
    none = function.list_function_url_configs()["FunctionUrlConfigs"]
    for qualified in ({}, {"Qualifier": "a"}):
        function.url(**qualified)
    paginator = function.client.get_paginator("list_function_url_configs")
    one = {"PageSize": 1}
    pages = list(paginator.paginate(FunctionName=function, PaginationConfig=one))
    shown = [each for page in pages for each in page["FunctionUrlConfigs"]]
    arns = [arn_of(function), arn_of(function, "a")]

    assert none == []
    assert [each["FunctionArn"] for each in shown] == arns
    assert {each["InvokeMode"] for each in shown} == {"BUFFERED"}
    assert len(pages) == 2
