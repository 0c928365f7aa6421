"""Published versions: frozen copies of a function, each with a number and an ARN."""

import base64

import pytest
from tests.support.lambda_api import ACTIVE
from tests.support.lambda_functions import ECHO, zipped
from tests.support.urllib_http import fetch

# Which version runs, as everybody tells the function.
WHO = (
    "import os\n"
    "def run(event, c):\n"
    "    return [os.environ['AWS_LAMBDA_FUNCTION_VERSION'], c.function_version,\n"
    "            c.invoked_function_arn, c.log_stream_name]\n"
)


# Published


@pytest.mark.fact("LocalStack test_version_lifecycle, recorded 2024-04")
def test_a_change_is_published_once_and_active_under_an_arn_of_its_own(deploy, arn_of):
    function = deploy(ECHO, Description="of the function")
    published = function.publish_version(Description="of the version")
    shown = function.get_function(Qualifier="1")
    configuration = function.at("1").shown()
    latest = function.shown()
    again = function.publish_version(Description="another")
    function.update(Timeout=9)
    changed = function.publish_version()

    assert published.status == again.status == 201
    wanted = {
        "Version": "1",
        "FunctionArn": arn_of(function, "1"),
        "Description": "of the version",
        "State": "Active",
        "LastUpdateStatus": "Successful",
    }
    assert published.items() >= wanted.items()
    assert shown["Configuration"] == configuration == published == again
    assert (changed["Version"], changed["Timeout"]) == ("2", 9)
    assert (latest["Version"], latest["Description"]) == ("$LATEST", "of the function")


@pytest.mark.fact(
    "LocalStack test_function_revisions_version_and_alias, validated against AWS; "
    "test_publish_with_wrong_sha256, recorded 2023-11"
)
def test_what_the_caller_has_seen_is_published_and_has_another_revision_then(deploy):
    function = deploy(ECHO)
    seen = function.shown()
    before = seen["RevisionId"]
    published = function.publish_version(
        RevisionId=before, CodeSha256=seen["CodeSha256"]
    )["RevisionId"]
    after = function.shown()["RevisionId"]

    assert len({before, after, published}) == 3
    assert function.shown(Qualifier="1")["RevisionId"] == published


@pytest.mark.fact("LocalStack test_publish_version_on_create, recorded 2024-04")
def test_a_function_can_be_published_as_it_is_created(create, arn_of):
    function, made = create(ECHO, Publish=True)
    function.waited(ACTIVE)
    waiter = function.client.get_waiter("published_version_active")
    waiter.wait(FunctionName=function, Qualifier="1")
    version = function.get_function(Qualifier="1")["Configuration"]

    assert (made["Version"], made["State"]) == ("1", "Pending")
    assert made["FunctionArn"] == arn_of(function)
    assert function.get_function()["Configuration"]["Version"] == "$LATEST"
    assert version["FunctionArn"] == arn_of(function, "1")
    assert version["State"] == "Active"
    assert function.publish_version()["Version"] == "1"


@pytest.mark.fact("LocalStack test_publish_with_update, recorded 2023-11")
def test_new_code_can_be_published_as_it_is_uploaded(deploy, arn_of):
    function = deploy("def run(event, context): return 'old'\n")
    code = zipped({"app.py": ECHO})
    answer = function.update_function_code(ZipFile=code, Publish=True)
    waiter = function.client.get_waiter("published_version_active")
    waiter.wait(FunctionName=function, Qualifier="1")
    latest = function.get_function(Qualifier="$LATEST")["Configuration"]

    assert answer.status == 200
    assert (answer["Version"], answer["State"]) == ("1", "Pending")
    assert answer["StateReasonCode"] == "Creating"
    assert "LastUpdateStatus" not in answer
    assert answer["FunctionArn"] == arn_of(function, "1")
    assert latest["FunctionArn"] == arn_of(function, "$LATEST")
    assert latest["CodeSha256"] == answer["CodeSha256"]
    assert function.at("1")(1) == (1, None)


# Run


@pytest.mark.fact(
    "LocalStack test_invocation_with_qualifier, recorded 2025-11; "
    "test_introspection_invoke, recorded 2026-01"
)
def test_a_version_runs_as_itself_and_says_so(deploy, arn_of):
    function = deploy(WHO)
    function.publish_version()
    answer = function.call(Qualifier="1", LogType="Tail")
    (variable, version, arn, stream), _ = function.at("1")()

    assert answer["ExecutedVersion"] == "1"
    assert (variable, version) == ("1", "1")
    assert arn == arn_of(function, "1")
    assert "/[1]" in stream
    assert b" Version: 1\n" in base64.b64decode(answer["LogResult"])


@pytest.mark.fact("AWS docs configuration-versions: code and settings are immutable")
def test_a_version_stays_as_it_was_published(deploy):
    code = "import os\ndef run(event, c): return ['first', os.getenv('KEY')]\n"
    second = code.replace("first", "second")
    function = deploy(code, Environment={"Variables": {"KEY": "one"}})
    function.publish_version()
    function.update(Environment={"Variables": {"KEY": "two"}})
    function.recode(second)
    function.publish_version()
    answers = [function.at(qualifier)()[0] for qualifier in ("1", "2", "$LATEST")]
    shown = [function.get_function(Qualifier=version) for version in ("1", "2")]
    contents = [fetch(one["Code"]["Location"])[2] for one in shown]

    assert answers == [["first", "one"], *[["second", "two"]] * 2]
    assert contents == [zipped({"app.py": text}) for text in (code, second)]


# Listed and deleted


@pytest.mark.fact(
    "LocalStack test_version_lifecycle, recorded 2024-04; botocore lambda/2015-03-31, "
    "ListVersionsByFunction"
)
def test_versions_are_listed_in_order_and_in_pages(lambda_client, deploy, arn_of):
    function = deploy(ECHO)
    for timeout in range(11, 14):
        function.update(Timeout=timeout)
        function.publish_version()
    pages = function.pages("list_versions_by_function", "Versions")
    listed = [version for page in pages for version in page]
    everywhere = lambda_client.get_paginator("list_functions").paginate(
        FunctionVersion="ALL"
    )
    arns = [f["FunctionArn"] for page in everywhere for f in page["Functions"]]

    assert [len(page) for page in pages] == [2, 2]
    assert [v["Version"] for v in listed] == ["$LATEST", "1", "2", "3"]
    assert [v["Timeout"] for v in listed] == [13, 11, 12, 13]
    assert listed[0]["FunctionArn"] == arn_of(function, "$LATEST")
    assert not {"State", "LastUpdateStatus", "RuntimeVersionConfig"} & listed[1].keys()
    assert {v["FunctionArn"] for v in listed} <= set(arns)


@pytest.mark.fact(
    "floci LambdaDeleteFunctionQualifierIntegrationTest, measured against AWS 2026"
)
def test_a_version_is_deleted_alone_and_one_that_is_not_there_in_silence(deploy):
    function = deploy(ECHO)
    function.publish_version()
    deleted = [function.delete_function(Qualifier=one) for one in ("99", "1")]
    listed = function.list_versions_by_function()["Versions"]

    assert {one.status for one in deleted} == {204}
    assert [version["Version"] for version in listed] == ["$LATEST"]
    assert function(1) == (1, None)
