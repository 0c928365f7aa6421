"""A function's tags: how many, on what, and what they change."""

import pytest
from tests.support.lambda_api import refused
from tests.support.lambda_functions import ECHO


@pytest.mark.fact(
    "botocore lambda/2015-03-31, TagResource, ListTags; LocalStack's tag_resource and "
    "_store_tags: tags change the revision, and too many change nothing"
)
def test_tags_change_the_revision_and_too_many_change_nothing(
    lambda_client, deploy, arn_of
):
    function = deploy(ECHO, Tags={"first": ""})
    arn, revisions = arn_of(function), [function.shown()["RevisionId"]]
    lambda_client.tag_resource(Resource=arn, Tags={"x": "1", "y": "2"})
    revisions.append(function.shown()["RevisionId"])
    lambda_client.untag_resource(Resource=arn, TagKeys=["x", "first"])
    revisions.append(function.shown()["RevisionId"])
    too_many = {f"key{number}": "" for number in range(50)}
    refused(lambda_client.tag_resource, Resource=arn, Tags=too_many)

    assert len(set(revisions)) == 3
    assert function.shown()["RevisionId"] == revisions[-1]
    assert lambda_client.list_tags(Resource=arn)["Tags"] == {"y": "2"}
