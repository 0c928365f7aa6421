"""Aliases: names for versions, shared between two of them if wanted."""

import pytest
from tests.support.lambda_api import call, invoke, refused

WHO = "def run(event, c): return [c.function_version, c.invoked_function_arn]\n"
ALIASES = "LocalStack test_alias_lifecycle, recorded 2023-11"


@pytest.fixture
def name(lambda_client, deploy):
    """A function with the versions 1 and 2."""
    name = deploy(WHO)
    lambda_client.publish_version(FunctionName=name)
    lambda_client.update_function_configuration(FunctionName=name, Timeout=9)
    lambda_client.get_waiter("function_updated_v2").wait(FunctionName=name)
    lambda_client.publish_version(FunctionName=name)
    return name


@pytest.mark.fact(ALIASES)
def test_an_alias_is_created_shown_and_deleted(lambda_client, name, arn_of):
    created = lambda_client.create_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion="1",
        Description="what callers get",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.2}},
    )
    shown = lambda_client.get_alias(FunctionName=name, Name="live")
    plain = lambda_client.create_alias(
        FunctionName=name, Name="plain", FunctionVersion="2"
    )
    deleted = lambda_client.delete_alias(FunctionName=name, Name="live")
    listed = lambda_client.list_aliases(FunctionName=name)["Aliases"]

    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert plain["Description"] == ""
    assert "RoutingConfig" not in plain
    for answer in (created, shown, plain):
        del answer["ResponseMetadata"]
    assert shown == created
    assert (
        created.items()
        >= {
            "AliasArn": arn_of(name, "live"),
            "Name": "live",
            "FunctionVersion": "1",
            "Description": "what callers get",
            "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.2}},
        }.items()
    )
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert listed == [plain]


@pytest.mark.fact(ALIASES)
def test_a_function_is_shown_under_its_alias(lambda_client, name, arn_of):
    lambda_client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    by_qualifier = lambda_client.get_function(FunctionName=name, Qualifier="live")
    by_arn = lambda_client.get_function(FunctionName=arn_of(name, "live"))
    version = lambda_client.get_function(FunctionName=name, Qualifier="1")
    configuration = by_qualifier["Configuration"]

    assert configuration == by_arn["Configuration"]
    assert configuration["FunctionArn"] == arn_of(name, "live")
    assert configuration["Version"] == "1"
    assert configuration["RevisionId"] == version["Configuration"]["RevisionId"]


@pytest.mark.fact(ALIASES)
def test_aliases_are_listed_in_pages_and_by_version(lambda_client, name):
    for alias, version in (("b", "1"), ("a", "1"), ("c", "2")):
        lambda_client.create_alias(
            FunctionName=name, Name=alias, FunctionVersion=version
        )
    pages = list(
        lambda_client.get_paginator("list_aliases").paginate(
            FunctionName=name, PaginationConfig={"PageSize": 2}
        )
    )
    first = lambda_client.list_aliases(FunctionName=name, FunctionVersion="1")

    assert [len(page["Aliases"]) for page in pages] == [2, 1]
    assert {a["Name"] for page in pages for a in page["Aliases"]} == {"a", "b", "c"}
    assert {alias["Name"] for alias in first["Aliases"]} == {"a", "b"}


@pytest.mark.fact(
    "LocalStack test_function_revisions_version_and_alias, validated against AWS; "
    "test_alias_lifecycle, recorded 2023-11"
)
def test_an_alias_moves_under_another_revision(lambda_client, name):
    created = lambda_client.create_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion="1",
        Description="kept",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.2}},
    )
    stale = refused(
        lambda_client.update_alias, FunctionName=name, Name="live", RevisionId="another"
    )
    straight = lambda_client.update_alias(
        FunctionName=name,
        Name="live",
        RoutingConfig={},
        RevisionId=created["RevisionId"],
    )
    moved = lambda_client.update_alias(
        FunctionName=name, Name="live", FunctionVersion="2"
    )

    assert stale[:2] == (412, "PreconditionFailedException")
    assert stale[2].startswith("The Revision Id provided does not match the latest")
    assert "RoutingConfig" not in straight
    assert (straight["FunctionVersion"], straight["Description"]) == ("1", "kept")
    assert (moved["FunctionVersion"], moved["Description"]) == ("2", "kept")
    assert len({a["RevisionId"] for a in (created, straight, moved)}) == 3
    assert call(lambda_client, name, Qualifier="live")["ExecutedVersion"] == "2"


@pytest.mark.fact(
    "LocalStack test_introspection_invoke, recorded 2026-01: the ARN as invoked"
)
def test_an_alias_runs_its_version_and_the_function_sees_both(
    lambda_client, name, arn_of
):
    lambda_client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    lambda_client.create_alias(
        FunctionName=name, Name="newest", FunctionVersion="$LATEST"
    )
    answer = call(lambda_client, name, Qualifier="live")
    newest, _ = invoke(lambda_client, f"{name}:newest")

    assert answer["ExecutedVersion"] == "1"
    assert answer["Payload"].decode() == f'["1", "{arn_of(name, "live")}"]'
    assert newest == ["$LATEST", arn_of(name, "newest")]


@pytest.mark.fact("AWS docs configuring-alias-routing: each version gets its share")
def test_invocations_are_shared_between_two_versions(lambda_client, name):
    lambda_client.create_alias(
        FunctionName=name,
        Name="canary",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )
    ran = [
        call(lambda_client, name, Qualifier="canary")["ExecutedVersion"]
        for _ in range(60)
    ]

    assert set(ran) == {"1", "2"}  # one of 10**17 runs of this sees only one


# Refused
