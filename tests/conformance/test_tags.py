"""A function's tags: how many, on what, and what they change."""

import pytest
from tests.support.lambda_api import ECHO, refused

INVALID = (400, "InvalidParameterValueException")


@pytest.mark.fact("LocalStack's tag_resource and _store_tags: the texts")
def test_fifty_tags_at_most_and_on_functions_only(lambda_client, deploy, arn_of):
    name = deploy(ECHO, Tags={"first": ""})
    many = {f"key{number}": "" for number in range(50)}
    none = refused(lambda_client.tag_resource, Resource=arn_of(name), Tags={})
    too_many = refused(lambda_client.tag_resource, Resource=arn_of(name), Tags=many)
    version = refused(
        lambda_client.tag_resource, Resource=arn_of(name, "$LATEST"), Tags={"a": "b"}
    )

    assert none == (
        *INVALID,
        "An error occurred and the request cannot be processed.",
    )
    assert too_many == (*INVALID, "Number of tags exceeds resource tag limit.")
    assert version == (
        *INVALID,
        (
            "Tags on function aliases and versions are not supported. Please specify a "
            "function ARN."
        ),
    )
    assert lambda_client.list_tags(Resource=arn_of(name))["Tags"] == {"first": ""}


@pytest.mark.fact("LocalStack's _store_tags: tags change the revision")
def test_tags_change_the_revision(lambda_client, deploy, arn_of):
    name = deploy(ECHO)
    revisions = set()
    for change in (
        lambda: None,
        lambda: lambda_client.tag_resource(Resource=arn_of(name), Tags={"a": "b"}),
        lambda: lambda_client.untag_resource(Resource=arn_of(name), TagKeys=["a"]),
    ):
        change()
        shown = lambda_client.get_function_configuration(FunctionName=name)
        revisions.add(shown["RevisionId"])

    assert len(revisions) == 3


@pytest.mark.fact("LocalStack test_tag_nonexisting_resource, recorded 2023-11")
def test_what_does_not_exist_has_no_tags(lambda_client, arn_of):
    arn = arn_of("no-such-function")
    refusals = {
        refused(lambda_client.list_tags, Resource=arn),
        refused(lambda_client.tag_resource, Resource=arn, Tags={"a": "b"}),
        refused(lambda_client.untag_resource, Resource=arn, TagKeys=["a"]),
    }

    assert refusals == {
        (404, "ResourceNotFoundException", f"Function not found: {arn}")
    }
