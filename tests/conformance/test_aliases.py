"""Aliases: names for versions, shared between two of them if wanted."""

import pytest
from tests.support.lambda_api import call, invoke, refused

WHO = "def run(event, c): return [c.function_version, c.invoked_function_arn]\n"
ROUTING = "LocalStack test_notfound_and_invalid_routingconfigs, recorded 2023-11"
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


def refused_alias(client, name, version, weights):
    """Return how an alias that is shared so is refused."""
    return refused(
        client.create_alias,
        FunctionName=name,
        Name="live",
        FunctionVersion=version,
        RoutingConfig={"AdditionalVersionWeights": weights},
    )


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


@pytest.mark.fact(ROUTING)
@pytest.mark.parametrize(
    ("version", "weights", "message"),
    [
        (
            "1",
            {"1": 0.8, "2": 0.2},
            "Number of items in AdditionalVersionWeights cannot be greater than 1",
        ),
        (
            "1",
            {"1": 0.5},
            (
                "Invalid function version 1. Function version 1 is already included in "
                "routing configuration."
            ),
        ),
        (
            "$LATEST",
            {"1": 0.5},
            "$LATEST is not supported for an alias pointing to more than 1 version",
        ),
    ],
)
def test_invocations_cannot_be_shared_otherwise(
    lambda_client, name, version, weights, message
):
    refusal = refused_alias(lambda_client, name, version, weights)

    assert refusal == (400, "InvalidParameterValueException", message)


@pytest.mark.fact(ROUTING)
@pytest.mark.parametrize(
    ("weights", "shown", "constraint"),
    [
        ({"2": 2.0}, "{2=2.0}", "Map value must satisfy constraint: [Member must have"),
        ({"2": -1.0}, "{2=-1.0}", "Map value must satisfy constraint: [Member must"),
        ({"$LATEST": 0.5}, "{$LATEST=0.5}", "Map keys must satisfy constraint: [Mem"),
    ],
)
def test_a_share_is_between_nothing_and_all_of_a_numbered_version(
    unchecked_client, name, weights, shown, constraint
):
    status, code, message = refused_alias(unchecked_client, name, "1", weights)

    assert (status, code) == (400, "ValidationException")
    assert message.startswith(
        f"1 validation error detected: Value '{shown}' at "
        "'routingConfig.additionalVersionWeights' failed to satisfy constraint: "
        f"{constraint}"
    )


@pytest.mark.fact(ROUTING)
def test_an_alias_needs_versions_that_exist(lambda_client, name, arn_of):
    target = refused_alias(lambda_client, name, "10", {"2": 0.5})
    other = refused_alias(lambda_client, name, "1", {"10": 0.5})
    function = refused(
        lambda_client.create_alias,
        FunctionName="no-such-function",
        Name="live",
        FunctionVersion="1",
    )
    missing = f"Function not found: {arn_of(name, '10')}"

    assert target == other == (404, "ResourceNotFoundException", missing)
    assert function[2] == f"Function not found: {arn_of('no-such-function', '1')}"


@pytest.mark.fact(ROUTING)
def test_a_taken_alias_is_refused_and_a_missing_one_not_found(
    lambda_client, name, arn_of
):
    lambda_client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    taken = refused(
        lambda_client.create_alias, FunctionName=name, Name="live", FunctionVersion="2"
    )
    missing = refused(lambda_client.get_alias, FunctionName=name, Name="nobody")

    assert taken == (
        409,
        "ResourceConflictException",
        f"Alias already exists: {arn_of(name, 'live')}",
    )
    assert missing == (
        404,
        "ResourceNotFoundException",
        f"Cannot find alias arn: {arn_of(name, 'nobody')}",
    )


@pytest.mark.fact("apex/up#606: the text")
def test_a_missing_alias_cannot_be_changed(lambda_client, name, arn_of):
    refusal = refused(
        lambda_client.update_alias, FunctionName=name, Name="nobody", Description="d"
    )

    assert refusal == (
        404,
        "ResourceNotFoundException",
        f"Alias not found: {arn_of(name, 'nobody')}",
    )


@pytest.mark.fact("botocore lambda/2015-03-31: the pattern of Alias")
def test_an_alias_is_no_number(lambda_client, name):
    status, code, message = refused(
        lambda_client.create_alias, FunctionName=name, Name="12", FunctionVersion="1"
    )

    assert (status, code) == (400, "ValidationException")
    assert message.startswith("1 validation error detected: Value '12' at 'name'")
