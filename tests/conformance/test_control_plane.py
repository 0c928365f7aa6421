"""Functions made, shown, changed and deleted, and the states between."""

import base64
import hashlib
import re
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from tests.support.lambda_api import (
    ECHO,
    PLAIN,
    SLEEP,
    eventually,
    invoke,
    refused,
    request_for,
    zipped,
)

UNKNOWN = "no-such-function"


def sha256(content):
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


@pytest.mark.fact("LocalStack test_function_state, recorded 2025-11")
def test_a_new_function_is_pending_with_lambdas_defaults(create, arn_of, role_arn):
    made = create(ECHO)
    name = made["FunctionName"]
    code = zipped({"app.py": ECHO})

    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (made["State"], made["StateReasonCode"]) == ("Pending", "Creating")
    assert made["StateReason"] == "The function is being created."
    assert "LastUpdateStatus" not in made
    assert "Environment" not in made
    assert made["FunctionArn"] == arn_of(name)
    assert made["CodeSize"] == len(code)
    assert (
        made.items()
        >= {
            "Timeout": 3,
            "MemorySize": 128,
            "EphemeralStorage": {"Size": 512},
            "Architectures": ["x86_64"],
            "PackageType": "Zip",
            "TracingConfig": {"Mode": "PassThrough"},
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
            "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
            "Version": "$LATEST",
            "Description": "",
            "Handler": "app.run",
            "Runtime": "python3.13",
            "Role": role_arn,
        }.items()
    )
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", made["LastModified"]
    )
    assert "RuntimeVersionArn" in made["RuntimeVersionConfig"]


@pytest.mark.fact("LocalStack test_function_state, recorded 2025-11")
def test_a_function_becomes_active_under_a_new_revision(lambda_client, create):
    made = create(ECHO, Tags={"a": "b"})
    lambda_client.get_waiter("function_active_v2").wait(
        FunctionName=made["FunctionName"]
    )
    seen = lambda_client.get_function(FunctionName=made["FunctionName"])
    configuration = seen["Configuration"]

    assert configuration["State"] == "Active"
    assert configuration["LastUpdateStatus"] == "Successful"
    assert "StateReason" not in configuration
    assert configuration["RevisionId"] != made["RevisionId"]
    assert seen["Code"]["RepositoryType"] == "S3"
    assert seen["Tags"] == {"a": "b"}


@pytest.mark.fact("LocalStack test_lambda_code_location_zipfile, recorded 2024-04")
def test_the_code_can_be_downloaded_as_it_was_uploaded(lambda_client, deploy):
    code = zipped({"app.py": ECHO})
    name = deploy({}, Code={"ZipFile": code})
    seen = lambda_client.get_function(FunctionName=name)
    with urllib.request.urlopen(seen["Code"]["Location"]) as answer:
        content = answer.read()

    assert content == code
    assert seen["Configuration"]["CodeSha256"] == sha256(code)
    assert seen["Configuration"]["CodeSize"] == len(code)


@pytest.mark.fact("LocalStack test_upload_lambda_from_s3, recorded 2025-11")
def test_code_may_come_from_s3(lambda_client, client_of, deploy, new_name):
    s3 = client_of("s3")
    bucket, region = new_name(), s3.meta.region_name
    where = {"LocationConstraint": region}
    placed = {} if region == "us-east-1" else {"CreateBucketConfiguration": where}
    s3.create_bucket(Bucket=bucket, **placed)
    try:
        code = zipped({"app.py": ECHO})
        s3.put_object(Bucket=bucket, Key="code.zip", Body=code)
        name = deploy({}, Code={"S3Bucket": bucket, "S3Key": "code.zip"})
    finally:
        s3.delete_object(Bucket=bucket, Key="code.zip")
        s3.delete_bucket(Bucket=bucket)

    assert invoke(lambda_client, name, 1) == (1, None)


@pytest.mark.fact("LocalStack test_function_lifecycle, recorded 2024-04")
def test_an_update_is_in_progress_and_then_in_force(lambda_client, deploy):
    name = deploy(
        "import os\ndef run(e, c): return [c.memory_limit_in_mb, os.getenv('KEY')]\n",
        EphemeralStorage={"Size": 1024},
        Architectures=["arm64"],
    )
    before = lambda_client.get_function_configuration(FunctionName=name)
    changed = lambda_client.update_function_configuration(
        FunctionName=name, MemorySize=512, Environment={"Variables": {"KEY": "v"}}
    )
    lambda_client.get_waiter("function_updated_v2").wait(FunctionName=name)
    seen = lambda_client.get_function_configuration(FunctionName=name)

    assert (changed["State"], changed["LastUpdateStatus"]) == ("Active", "InProgress")
    assert changed["LastUpdateStatusReasonCode"] == "Creating"
    assert changed["LastUpdateStatusReason"] == "The function is being created."
    assert seen["LastUpdateStatus"] == "Successful"
    assert seen["EphemeralStorage"] == {"Size": 1024}
    assert seen["Architectures"] == ["arm64"]
    assert len({c["RevisionId"] for c in (before, changed, seen)}) == 3
    assert invoke(lambda_client, name) == (["512", "v"], None)


@pytest.mark.fact("LocalStack test_redundant_updates, recorded 2024-04")
def test_an_update_that_changes_nothing_is_another_revision(lambda_client, deploy):
    name = deploy(ECHO, Timeout=5)
    before = lambda_client.get_function_configuration(FunctionName=name)
    lambda_client.update_function_configuration(FunctionName=name, Timeout=5)
    lambda_client.get_waiter("function_updated_v2").wait(FunctionName=name)
    after = lambda_client.get_function_configuration(FunctionName=name)

    assert before["RevisionId"] != after["RevisionId"]


@pytest.mark.fact("LocalStack test_lambda_concurrent_config_updates, recorded 2024-04")
def test_a_change_on_top_of_a_change_is_refused(lambda_client, deploy, arn_of):
    name = deploy(ECHO)
    lambda_client.update_function_configuration(FunctionName=name, Timeout=5)
    status, code, message = refused(
        lambda_client.update_function_configuration, FunctionName=name, Timeout=6
    )

    assert (status, code) == (409, "ResourceConflictException")
    assert message == (
        "The operation cannot be performed at this time. An update is in progress for "
        f"resource: {arn_of(name)}"
    )


@pytest.mark.fact("LocalStack test_function_update_during_invoke, recorded 2024-05")
def test_an_update_does_not_disturb_what_is_running(lambda_client, deploy, a_while_s):
    name = deploy(SLEEP, Timeout=20)
    invoke(lambda_client, name, 0)
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(invoke, lambda_client, name, a_while_s)
        time.sleep(a_while_s / 3)  # it runs by then: the function is warm
        lambda_client.update_function_code(
            FunctionName=name, ZipFile=zipped({"app.py": ECHO})
        )
        lambda_client.get_waiter("function_updated_v2").wait(FunctionName=name)
        new = eventually(
            lambda: invoke(lambda_client, name, 0) == (0, None), within_s=30
        )
        finished, error = running.result()

    assert new
    assert error is None
    assert finished != a_while_s  # what the new code would have answered


@pytest.mark.fact("botocore lambda/2015-03-31, ListFunctions, TagResource, ListTags")
def test_functions_are_listed_in_pages_and_tags_can_change(lambda_client, deploy):
    names = [deploy(ECHO) for _ in range(3)]
    pages = lambda_client.get_paginator("list_functions").paginate(
        PaginationConfig={"PageSize": 2}
    )
    listed = [f["FunctionName"] for page in pages for f in page["Functions"]]
    arn = lambda_client.get_function_configuration(FunctionName=names[0])["FunctionArn"]
    lambda_client.tag_resource(Resource=arn, Tags={"x": "1", "y": "2"})
    lambda_client.untag_resource(Resource=arn, TagKeys=["x"])

    assert set(names) <= set(listed)
    assert lambda_client.list_tags(Resource=arn)["Tags"] == {"y": "2"}


@pytest.mark.fact("LocalStack test_recreate_function, recorded 2024-05")
def test_a_deleted_function_is_gone_and_its_name_is_free(
    lambda_client, deploy, role_arn
):
    name = deploy(ECHO)
    deleted = lambda_client.delete_function(FunctionName=name)
    gone = refused(lambda_client.get_function, FunctionName=name)
    lambda_client.create_function(**request_for(name, ECHO, Role=role_arn))
    lambda_client.get_waiter("function_active_v2").wait(FunctionName=name)

    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert gone[1] == "ResourceNotFoundException"
    assert invoke(lambda_client, name, 1) == (1, None)


@pytest.mark.fact("LocalStack test_delete_lambda_during_sync_invoke: what it asserts")
def test_a_running_call_survives_the_deletion(lambda_client, deploy, a_while_s):
    name = deploy(SLEEP, Timeout=20)
    invoke(lambda_client, name, 0)
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(invoke, lambda_client, name, a_while_s)
        time.sleep(a_while_s / 2)  # it runs by then: the function is warm
        lambda_client.delete_function(FunctionName=name)
        _, error = running.result()

    assert error is None


@pytest.mark.fact("LocalStack test_function_revisions_basic, validated against AWS")
@pytest.mark.parametrize(
    ("operation", "change"),
    [
        ("update_function_code", {"ZipFile": zipped({"app.py": ECHO})}),
        ("update_function_configuration", {"Timeout": 9}),
    ],
)
def test_what_the_caller_has_seen_is_changed(lambda_client, deploy, operation, change):
    name = deploy(ECHO)
    seen = lambda_client.get_function_configuration(FunctionName=name)["RevisionId"]
    update = getattr(lambda_client, operation)
    changed = update(FunctionName=name, RevisionId=seen, **change)

    assert changed["LastUpdateStatus"] == "InProgress"


@pytest.mark.fact("LocalStack test_get_function_wrong_region, recorded 2024-04")
def test_a_function_lives_in_the_region_it_was_made_in(
    lambda_client, deploy, arn_of, elsewhere
):
    name = deploy(ECHO)
    here, there = lambda_client.meta.region_name, elsewhere.meta.region_name
    by_name = refused(elsewhere.get_function, FunctionName=name)
    by_arn = refused(elsewhere.get_function, FunctionName=arn_of(name))

    assert by_name[:2] == (404, "ResourceNotFoundException")
    assert by_arn == (
        404,
        "ResourceNotFoundException",
        f"Functions from '{here}' are not reachable in this region ('{there}')",
    )


@pytest.fixture
def elsewhere(on_aws, lambda_client):
    """A client of another region."""
    here = lambda_client.meta.region_name
    region = "us-west-2" if here == "us-east-1" else "us-east-1"
    keys = lambda_client._request_signer._credentials
    client = boto3.client(
        "lambda",
        endpoint_url=None if on_aws else lambda_client.meta.endpoint_url,
        region_name=region,
        config=PLAIN,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token,
    )
    yield client
    client.close()
