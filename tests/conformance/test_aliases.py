"""Aliases: names for versions, shared between two of them if wanted."""

import pytest

WHO = "def run(event, c): return [c.function_version, c.invoked_function_arn]\n"
ALIASES = "LocalStack test_alias_lifecycle, recorded 2023-11"
SHARED = {"AdditionalVersionWeights": {"2": 0.2}}


@pytest.fixture(scope="module")
def function(deploy_for_all):
    """A function with the versions 1 and 2."""
    function = deploy_for_all(WHO)
    function.publish_version()
    function.update(Timeout=9)
    function.publish_version()
    return function


@pytest.fixture(autouse=True)
def _no_alias_stays(function):
    yield
    for alias in function.list_aliases()["Aliases"]:
        function.delete_alias(Name=alias["Name"])


@pytest.mark.fact(ALIASES)
def test_an_alias_is_created_shown_and_deleted(function, lambda_client, arn_of):
    described = {"Description": "what callers get", "RoutingConfig": SHARED}
    created = function.alias("live", "1", **described)
    shown = function.get_alias(Name="live")
    plain = function.alias("plain", "2")
    arn = arn_of(function, "live")
    configuration = function.get_function(Qualifier="live")["Configuration"]
    by_arn = lambda_client.get_function(FunctionName=arn)["Configuration"]
    deleted = function.delete_alias(Name="live")
    listed = function.list_aliases()["Aliases"]

    assert created.status == 201
    assert plain["Description"] == ""
    assert "RoutingConfig" not in plain
    assert shown == created
    wanted = {"AliasArn": arn, "Name": "live", "FunctionVersion": "1", **described}
    assert created.items() >= wanted.items()
    assert configuration == by_arn
    assert (configuration["FunctionArn"], configuration["Version"]) == (arn, "1")
    assert configuration["RevisionId"] == function.shown(Qualifier="1")["RevisionId"]
    assert deleted.status == 204
    assert listed == [plain]


@pytest.mark.fact(ALIASES)
def test_aliases_are_listed_in_pages_and_by_version(function):
    for alias, version in (("b", "1"), ("a", "1"), ("c", "2")):
        function.alias(alias, version)
    first, second = function.pages("list_aliases", "Aliases")
    of_one = function.list_aliases(FunctionVersion="1")["Aliases"]

    assert (len(first), len(second)) == (2, 1)
    assert {alias["Name"] for alias in [*first, *second]} == {"a", "b", "c"}
    assert {alias["Name"] for alias in of_one} == {"a", "b"}


@pytest.mark.fact(
    "LocalStack test_function_revisions_version_and_alias, validated against AWS; "
    "test_alias_lifecycle, recorded 2023-11"
)
def test_an_alias_moves_under_another_revision(function):
    created = function.alias("live", "1", Description="kept", RoutingConfig=SHARED)
    stale = function.refused("update_alias", Name="live", RevisionId="another")
    straight = function.update_alias(
        Name="live", RoutingConfig={}, RevisionId=created["RevisionId"]
    )
    moved = function.update_alias(Name="live", FunctionVersion="2")

    assert stale[:2] == (412, "PreconditionFailedException")
    assert stale[2].startswith("The Revision Id provided does not match the latest")
    assert "RoutingConfig" not in straight
    assert (straight["FunctionVersion"], straight["Description"]) == ("1", "kept")
    assert (moved["FunctionVersion"], moved["Description"]) == ("2", "kept")
    assert len({a["RevisionId"] for a in (created, straight, moved)}) == 3
    assert function.call(Qualifier="live")["ExecutedVersion"] == "2"


@pytest.mark.fact(
    "LocalStack test_introspection_invoke, recorded 2026-01: the ARN as invoked"
)
def test_an_alias_runs_its_version_and_the_function_sees_both(function, arn_of):
    function.alias("live", "1")
    function.alias("newest", "$LATEST")
    answer = function.call(Qualifier="live")
    newest, _ = function.at("newest")()

    assert answer["ExecutedVersion"] == "1"
    assert answer["Payload"].decode() == f'["1", "{arn_of(function, "live")}"]'
    assert newest == ["$LATEST", arn_of(function, "newest")]


@pytest.mark.fact("AWS docs configuring-alias-routing: each version gets its share")
def test_invocations_are_shared_between_two_versions(function):
    half = {"AdditionalVersionWeights": {"2": 0.5}}
    function.alias("canary", "1", RoutingConfig=half)
    ran = [function.call(Qualifier="canary")["ExecutedVersion"] for _ in range(60)]

    assert set(ran) == {"1", "2"}  # one of 10**17 runs of this sees only one
