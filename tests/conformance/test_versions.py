"""Published versions: frozen copies of a function, each with a number and an ARN."""

import base64
import urllib.request

import pytest
from tests.support.lambda_api import ECHO, call, invoke, refused, request_for, zipped

# Which version runs, as everybody tells the function.
WHO = (
    "import os\n"
    "def run(event, c):\n"
    "    return [os.environ['AWS_LAMBDA_FUNCTION_VERSION'], c.function_version,\n"
    "            c.invoked_function_arn, c.log_stream_name]\n"
)


def updated(client, name, **settings):
    """Change a function's configuration and wait until it is in force."""
    client.update_function_configuration(FunctionName=name, **settings)
    client.get_waiter("function_updated_v2").wait(FunctionName=name)


def recoded(client, name, code):
    """Change a function's code and wait until it is in force."""
    client.update_function_code(FunctionName=name, ZipFile=zipped({"app.py": code}))
    client.get_waiter("function_updated_v2").wait(FunctionName=name)


def revision(client, name):
    return client.get_function_configuration(FunctionName=name)["RevisionId"]


# Published


@pytest.mark.fact("LocalStack test_version_lifecycle, recorded 2024-04")
def test_a_published_version_is_active_under_an_arn_of_its_own(
    lambda_client, deploy, arn_of
):
    name = deploy(ECHO, Description="of the function")
    published = lambda_client.publish_version(
        FunctionName=name, Description="of the version"
    )
    shown = lambda_client.get_function(FunctionName=name, Qualifier="1")
    configuration = lambda_client.get_function_configuration(FunctionName=f"{name}:1")
    latest = lambda_client.get_function_configuration(FunctionName=name)

    assert published["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert published["Version"] == "1"
    assert published["FunctionArn"] == arn_of(name, "1")
    assert published["Description"] == "of the version"
    assert published["State"] == "Active"
    assert published["LastUpdateStatus"] == "Successful"
    for seen in (published, configuration):
        del seen["ResponseMetadata"]
    assert shown["Configuration"] == configuration == published
    assert (latest["Version"], latest["Description"]) == ("$LATEST", "of the function")


@pytest.mark.fact(
    "LocalStack test_function_revisions_version_and_alias, validated against AWS"
)
def test_publishing_gives_the_function_another_revision_too(lambda_client, deploy):
    name = deploy(ECHO)
    before = revision(lambda_client, name)
    published = lambda_client.publish_version(FunctionName=name, RevisionId=before)
    after = revision(lambda_client, name)
    shown = lambda_client.get_function(FunctionName=name, Qualifier="1")

    assert len({before, after, published["RevisionId"]}) == 3
    assert shown["Configuration"]["RevisionId"] == published["RevisionId"]


@pytest.mark.fact("LocalStack test_version_lifecycle, recorded 2024-04")
def test_what_has_not_changed_is_not_published_again(lambda_client, deploy):
    name = deploy(ECHO)
    first = lambda_client.publish_version(FunctionName=name)
    again = lambda_client.publish_version(FunctionName=name, Description="another")
    updated(lambda_client, name, Timeout=9)
    changed = lambda_client.publish_version(FunctionName=name)

    assert again["ResponseMetadata"]["HTTPStatusCode"] == 201
    for answer in (first, again):
        del answer["ResponseMetadata"]
    assert again == first
    assert (changed["Version"], changed["Timeout"]) == ("2", 9)


@pytest.mark.fact("LocalStack test_publish_version_on_create, recorded 2024-04")
def test_a_function_can_be_published_as_it_is_created(lambda_client, create, arn_of):
    made = create(ECHO, Publish=True)
    name = made["FunctionName"]
    lambda_client.get_waiter("function_active_v2").wait(FunctionName=name)
    lambda_client.get_waiter("published_version_active").wait(
        FunctionName=name, Qualifier="1"
    )
    latest = lambda_client.get_function(FunctionName=name)["Configuration"]
    version = lambda_client.get_function(FunctionName=name, Qualifier="1")
    again = lambda_client.publish_version(FunctionName=name)

    assert (made["Version"], made["State"]) == ("1", "Pending")
    assert made["FunctionArn"] == arn_of(name)
    assert latest["Version"] == "$LATEST"
    assert version["Configuration"]["FunctionArn"] == arn_of(name, "1")
    assert version["Configuration"]["State"] == "Active"
    assert again["Version"] == "1"


@pytest.mark.fact("LocalStack test_publish_with_update, recorded 2023-11")
def test_new_code_can_be_published_as_it_is_uploaded(lambda_client, deploy, arn_of):
    name = deploy("def run(event, context): return 'old'\n")
    answer = lambda_client.update_function_code(
        FunctionName=name, ZipFile=zipped({"app.py": ECHO}), Publish=True
    )
    lambda_client.get_waiter("published_version_active").wait(
        FunctionName=name, Qualifier="1"
    )
    latest = lambda_client.get_function(FunctionName=name, Qualifier="$LATEST")

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert (answer["Version"], answer["State"]) == ("1", "Pending")
    assert answer["StateReasonCode"] == "Creating"
    assert "LastUpdateStatus" not in answer
    assert answer["FunctionArn"] == arn_of(name, "1")
    assert latest["Configuration"]["FunctionArn"] == arn_of(name, "$LATEST")
    assert latest["Configuration"]["CodeSha256"] == answer["CodeSha256"]
    assert invoke(lambda_client, f"{name}:1", 1) == (1, None)


@pytest.mark.fact(
    "AWS docs configuration-versions: Lambda never reuses version numbers, even after "
    "you delete and recreate a function"
)
def test_a_number_is_not_given_twice(lambda_client, deploy, role_arn):
    name = deploy(ECHO)
    lambda_client.publish_version(FunctionName=name)
    lambda_client.delete_function(FunctionName=name)
    lambda_client.create_function(**request_for(name, ECHO, Role=role_arn))
    lambda_client.get_waiter("function_active_v2").wait(FunctionName=name)

    assert lambda_client.publish_version(FunctionName=name)["Version"] == "2"


@pytest.mark.fact(
    "LocalStack test_publish_with_wrong_sha256, recorded 2023-11; "
    "test_publish_with_wrong_revisionid, recorded 2022-09"
)
def test_what_the_caller_has_seen_is_published(lambda_client, deploy):
    name = deploy(ECHO)
    latest = lambda_client.get_function_configuration(FunctionName=name)
    for wrong in ({"CodeSha256": "another"}, {"RevisionId": "another"}):
        refused(lambda_client.publish_version, FunctionName=name, **wrong)
    seen = {key: latest[key] for key in ("CodeSha256", "RevisionId")}
    published = lambda_client.publish_version(FunctionName=name, **seen)

    assert published["Version"] == "1"


# Run


@pytest.mark.fact(
    "LocalStack test_invocation_with_qualifier, recorded 2025-11; "
    "test_introspection_invoke, recorded 2026-01"
)
def test_a_version_runs_as_itself_and_says_so(lambda_client, deploy, arn_of):
    name = deploy(WHO)
    lambda_client.publish_version(FunctionName=name)
    answer = call(lambda_client, name, Qualifier="1", LogType="Tail")
    (variable, version, arn, stream), _ = invoke(lambda_client, f"{name}:1")

    assert answer["ExecutedVersion"] == "1"
    assert (variable, version) == ("1", "1")
    assert arn == arn_of(name, "1")
    assert "/[1]" in stream
    assert b" Version: 1\n" in base64.b64decode(answer["LogResult"])


@pytest.mark.fact("AWS docs configuration-versions: code and settings are immutable")
def test_a_version_stays_as_it_was_published(lambda_client, deploy):
    code = "import os\ndef run(event, c): return ['first', os.getenv('KEY')]\n"
    name = deploy(code, Environment={"Variables": {"KEY": "one"}})
    lambda_client.publish_version(FunctionName=name)
    updated(lambda_client, name, Environment={"Variables": {"KEY": "two"}})
    recoded(lambda_client, name, code.replace("first", "second"))
    lambda_client.publish_version(FunctionName=name)
    answers = {
        qualifier: invoke(lambda_client, f"{name}:{qualifier}")[0]
        for qualifier in ("1", "2", "$LATEST")
    }
    locations = [
        lambda_client.get_function(FunctionName=name, Qualifier=q)["Code"]["Location"]
        for q in ("1", "2")
    ]
    contents = []
    for location in locations:
        with urllib.request.urlopen(location) as answer:
            contents.append(answer.read())

    assert answers["1"] == ["first", "one"]
    assert answers["2"] == answers["$LATEST"] == ["second", "two"]
    assert contents[0] == zipped({"app.py": code})
    assert contents[1] == zipped({"app.py": code.replace("first", "second")})


# Listed and deleted


@pytest.mark.fact(
    "LocalStack test_version_lifecycle, recorded 2024-04; botocore lambda/2015-03-31, "
    "ListVersionsByFunction"
)
def test_versions_are_listed_in_order_and_in_pages(lambda_client, deploy, arn_of):
    name = deploy(ECHO)
    for timeout in range(11, 14):
        updated(lambda_client, name, Timeout=timeout)
        lambda_client.publish_version(FunctionName=name)
    pages = list(
        lambda_client.get_paginator("list_versions_by_function").paginate(
            FunctionName=name, PaginationConfig={"PageSize": 2}
        )
    )
    listed = [version for page in pages for version in page["Versions"]]
    everywhere = lambda_client.get_paginator("list_functions").paginate(
        FunctionVersion="ALL"
    )
    arns = [f["FunctionArn"] for page in everywhere for f in page["Functions"]]

    assert [len(page["Versions"]) for page in pages] == [2, 2]
    assert [v["Version"] for v in listed] == ["$LATEST", "1", "2", "3"]
    assert [v["Timeout"] for v in listed] == [13, 11, 12, 13]
    assert listed[0]["FunctionArn"] == arn_of(name, "$LATEST")
    assert not {"State", "LastUpdateStatus", "RuntimeVersionConfig"} & listed[1].keys()
    assert {v["FunctionArn"] for v in listed} <= set(arns)


@pytest.mark.fact(
    "floci LambdaDeleteFunctionQualifierIntegrationTest, measured against AWS 2026"
)
def test_a_version_is_deleted_alone_and_one_that_is_not_there_in_silence(
    lambda_client, deploy
):
    name = deploy(ECHO)
    lambda_client.publish_version(FunctionName=name)
    statuses = [
        lambda_client.delete_function(FunctionName=name, Qualifier=qualifier)[
            "ResponseMetadata"
        ]["HTTPStatusCode"]
        for qualifier in ("99", "1")
    ]
    listed = lambda_client.list_versions_by_function(FunctionName=name)["Versions"]

    assert statuses == [204, 204]
    assert [version["Version"] for version in listed] == ["$LATEST"]
    assert invoke(lambda_client, name, 1) == (1, None)


@pytest.mark.fact(
    "karl-cardenas-coding/go-lambda-cleanup#45, zappa/Zappa#960: the text; 409"
)
def test_a_version_that_an_alias_stands_for_is_not_deleted(lambda_client, deploy):
    name = deploy(ECHO)
    lambda_client.publish_version(FunctionName=name)
    lambda_client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    refusal = refused(lambda_client.delete_function, FunctionName=name, Qualifier="1")
    lambda_client.delete_alias(FunctionName=name, Name="live")
    lambda_client.delete_function(FunctionName=name, Qualifier="1")
    gone = refused(lambda_client.get_function, FunctionName=name, Qualifier="1")

    assert refusal == (
        409,
        "ResourceConflictException",
        "Unable to delete version because the following aliases reference it: [live]",
    )
    assert gone[:2] == (404, "ResourceNotFoundException")
