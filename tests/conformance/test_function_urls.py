"""Function URLs: the operations on them."""

import pytest
from tests.support.lambda_functions import ECHO

LIFE = "LocalStack test_lambda test_lambda_update_function_url_config, recorded 2025-11"


@pytest.mark.fact(LIFE)
def test_a_configuration_is_shown_as_it_was_made_and_as_it_is_now(deploy, arn_of):
    function = deploy(ECHO)
    made = function.create_function_url_config(AuthType="NONE")
    shown = function.get_function_url_config()

    assert made.status == 201
    assert made["FunctionArn"] == arn_of(function)
    assert made.keys() == {*("FunctionUrl", "FunctionArn", "AuthType", "CreationTime")}
    assert shown == made | {
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
    function.publish_version()
    none = function.list_function_url_configs()["FunctionUrlConfigs"]
    function.url()
    for alias in ("a", "b"):
        function.alias(alias, "1")
        function.url(Qualifier=alias)
    first, second = function.pages("list_function_url_configs", "FunctionUrlConfigs")
    shown = [*first, *second]
    arns = [arn_of(function, qualifier) for qualifier in (None, "a", "b")]

    assert none == []
    assert (len(first), [each["FunctionArn"] for each in shown]) == (2, arns)
    assert {each["InvokeMode"] for each in shown} == {"BUFFERED"}
