"""Functions made, shown, changed and deleted, and the states between."""

import base64
import hashlib
import re
import uuid

import pytest
from tests.conformance.own_functions import PREFIX
from tests.support.lambda_api import ACTIVE, eventually, refused
from tests.support.lambda_functions import ECHO, GATE, request_for, zipped
from tests.support.urllib_http import fetch


@pytest.mark.fact("LocalStack test_function_state, recorded 2025-11")
def test_a_new_function_is_pending_with_lambdas_defaults_and_then_active(
    create, arn_of, role_arn
):
    name, made = create(ECHO, Tags={"a": "b"})
    seen = name.waited(ACTIVE).get_function()
    active = seen["Configuration"]

    assert made.status == 201
    assert (made["State"], made["StateReasonCode"]) == ("Pending", "Creating")
    assert made["StateReason"] == "The function is being created."
    assert "LastUpdateStatus" not in made
    assert "Environment" not in made
    assert made["FunctionArn"] == arn_of(name)
    assert made["CodeSize"] == len(zipped({"app.py": ECHO}))
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
    assert (active["State"], active["LastUpdateStatus"]) == ("Active", "Successful")
    assert "StateReason" not in active
    assert active["RevisionId"] != made["RevisionId"]
    assert seen["Code"]["RepositoryType"] == "S3"
    assert seen["Tags"] == {"a": "b"}


@pytest.mark.fact("LocalStack test_lambda_code_location_zipfile, recorded 2024-04")
def test_the_code_can_be_downloaded_as_it_was_uploaded(deploy):
    code = zipped({"app.py": ECHO})
    seen = deploy({}, Code={"ZipFile": code}).get_function()
    _, _, content = fetch(seen["Code"]["Location"])
    digest = base64.b64encode(hashlib.sha256(code).digest()).decode()

    assert content == code
    assert seen["Configuration"]["CodeSha256"] == digest
    assert seen["Configuration"]["CodeSize"] == len(code)


@pytest.mark.fact("LocalStack test_upload_lambda_from_s3, recorded 2025-11")
def test_code_may_come_from_s3(client_of, deploy):
    s3 = client_of("s3")
    bucket, region = f"{PREFIX}{uuid.uuid4().hex}", s3.meta.region_name
    where = {"LocationConstraint": region}
    placed = {} if region == "us-east-1" else {"CreateBucketConfiguration": where}
    s3.create_bucket(Bucket=bucket, **placed)
    try:
        key, code = "a/b c.zip", zipped({"app.py": ECHO})
        s3.put_object(Bucket=bucket, Key=key, Body=code)
        function = deploy({}, Code={"S3Bucket": bucket, "S3Key": key})
    finally:
        s3.delete_object(Bucket=bucket, Key=key)
        s3.delete_bucket(Bucket=bucket)

    assert function(1) == (1, None)


@pytest.mark.fact("LocalStack test_function_lifecycle, recorded 2024-04")
@pytest.mark.usefixtures("_slow_changes")
def test_an_update_is_in_progress_and_then_in_force(deploy):
    function = deploy(
        "import os\ndef run(e, c): return [c.memory_limit_in_mb, os.getenv('KEY')]\n",
        EphemeralStorage={"Size": 1024},
        Architectures=["arm64"],
    )
    before = function.shown()
    changed = function.update_function_configuration(
        MemorySize=512, Environment={"Variables": {"KEY": "v"}}
    )
    seen = function.waited().shown()

    assert (changed["State"], changed["LastUpdateStatus"]) == ("Active", "InProgress")
    assert changed["LastUpdateStatusReasonCode"] == "Creating"
    assert changed["LastUpdateStatusReason"] == "The function is being created."
    assert seen["LastUpdateStatus"] == "Successful"
    assert seen["EphemeralStorage"] == {"Size": 1024}
    assert seen["Architectures"] == ["arm64"]
    assert len({c["RevisionId"] for c in (before, changed, seen)}) == 3
    assert function() == (["512", "v"], None)


@pytest.mark.fact(
    "LocalStack test_function_revisions_basic, validated against AWS; "
    "test_redundant_updates, test_lambda_concurrent_config_updates, recorded 2024-04"
)
@pytest.mark.usefixtures("_slow_changes")
def test_what_the_caller_has_seen_is_changed_even_to_the_same_and_once_at_a_time(
    deploy, arn_of
):
    function = deploy(ECHO, Timeout=5)
    seen = function.shown()["RevisionId"]
    changed = function.update_function_configuration(RevisionId=seen, Timeout=5)
    refusal = function.refused("update_function_configuration", Timeout=6)
    later = function.waited().shown()["RevisionId"]
    code = zipped({"app.py": ECHO})
    recoded = function.update_function_code(RevisionId=later, ZipFile=code)
    text = (
        "The operation cannot be performed at this time. An update is in progress for "
        f"resource: {arn_of(function)}"
    )

    assert changed["LastUpdateStatus"] == recoded["LastUpdateStatus"] == "InProgress"
    assert refusal == (409, "ResourceConflictException", text)
    assert later != seen


@pytest.mark.fact("LocalStack test_function_update_during_invoke, recorded 2024-05")
def test_an_update_does_not_disturb_what_is_running(deploy, busy):
    function = deploy(GATE, Timeout=60)
    pid, _ = function(0)
    with busy(function) as running:
        function.recode(ECHO)
        new = eventually(lambda: function(0) == (0, None), within_s=30)

    assert new
    assert running.result() == (pid, None)  # the new code would answer with the event


@pytest.mark.fact("botocore lambda/2015-03-31, ListFunctions")
def test_functions_are_listed_in_pages(lambda_client, deploy):
    names = [deploy(ECHO) for _ in range(3)]
    pages = lambda_client.get_paginator("list_functions").paginate(
        PaginationConfig={"PageSize": 2}
    )
    listed = [f["FunctionName"] for page in pages for f in page["Functions"]]

    assert set(names) <= set(listed)


@pytest.mark.fact(
    "LocalStack test_recreate_function, recorded 2024-05; AWS docs "
    "configuration-versions: Lambda never reuses version numbers, even after you "
    "delete and recreate a function"
)
def test_a_deleted_function_is_gone_and_its_name_is_free_but_no_number(
    deploy, role_arn
):
    function = deploy(ECHO)
    function.publish_version()
    deleted = function.delete_function()
    gone = function.refused("get_function")
    function.client.create_function(**request_for(function, ECHO, Role=role_arn))

    assert deleted.status == 204
    assert gone[1] == "ResourceNotFoundException"
    assert function.waited(ACTIVE)(1) == (1, None)
    assert function.publish_version()["Version"] == "2"


@pytest.mark.fact("LocalStack test_delete_lambda_during_sync_invoke: what it asserts")
def test_a_running_call_survives_the_deletion(deploy, busy):
    function = deploy(GATE, Timeout=60)
    pid, _ = function(0)
    with busy(function) as running:
        function.delete_function()

    assert running.result() == (pid, None)


@pytest.mark.fact("LocalStack test_get_function_wrong_region, recorded 2024-04")
def test_a_function_lives_in_the_region_it_was_made_in(client_of, echo, arn_of):
    here = echo.client.meta.region_name
    there = "us-west-2" if here == "us-east-1" else "us-east-1"
    elsewhere = client_of("lambda", region=there)
    by_name = refused(elsewhere.get_function, FunctionName=echo)
    by_arn = refused(elsewhere.get_function, FunctionName=arn_of(echo))

    assert by_name[:2] == (404, "ResourceNotFoundException")
    assert by_arn == (
        404,
        "ResourceNotFoundException",
        f"Functions from '{here}' are not reachable in this region ('{there}')",
    )
