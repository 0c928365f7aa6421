"""A function's tags: how many, on what, and what they change."""

import pytest
from tests.support.lambda_api import ECHO, refused


@pytest.mark.fact("LocalStack's tag_resource and _store_tags: the texts")
def test_tags_that_are_too_many_change_nothing(lambda_client, deploy, arn_of):
    name = deploy(ECHO, Tags={"first": ""})
    tags = {f"key{number}": "" for number in range(50)}
    refused(lambda_client.tag_resource, Resource=arn_of(name), Tags=tags)

    assert lambda_client.list_tags(Resource=arn_of(name))["Tags"] == {"first": ""}


@pytest.mark.fact("LocalStack's _store_tags: tags change the revision")
def test_tags_change_the_revision(lambda_client, deploy, arn_of):
    function = deploy(ECHO)
    arn, revisions = arn_of(function), {function.shown()["RevisionId"]}
    lambda_client.tag_resource(Resource=arn, Tags={"a": "b"})
    revisions.add(function.shown()["RevisionId"])
    lambda_client.untag_resource(Resource=arn, TagKeys=["a"])
    revisions.add(function.shown()["RevisionId"])

    assert len(revisions) == 3
