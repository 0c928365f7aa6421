"""What Lambda refuses of versions, and in which words."""

import pytest
from tests.support.lambda_api import ECHO, refused, zipped


@pytest.mark.fact(
    "LocalStack test_publish_with_wrong_sha256, recorded 2023-11; "
    "test_publish_with_wrong_revisionid, recorded 2022-09"
)
def test_what_the_caller_has_not_seen_is_not_published(lambda_client, deploy):
    name = deploy(ECHO)
    latest = lambda_client.get_function_configuration(FunctionName=name)
    other_code = refused(
        lambda_client.publish_version, FunctionName=name, CodeSha256="another"
    )
    other_revision = refused(
        lambda_client.publish_version, FunctionName=name, RevisionId="another"
    )
    listed = lambda_client.list_versions_by_function(FunctionName=name)["Versions"]
    published = lambda_client.publish_version(
        FunctionName=name,
        CodeSha256=latest["CodeSha256"],
        RevisionId=latest["RevisionId"],
    )

    assert other_code == (
        400,
        "InvalidParameterValueException",
        (
            "CodeSHA256 (another) is different from current CodeSHA256 in $LATEST "
            f"({latest['CodeSha256']}). Please try again with the CodeSHA256 in "
            "$LATEST."
        ),
    )
    assert other_revision == (
        412,
        "PreconditionFailedException",
        (
            "The Revision Id provided does not match the latest Revision Id. Call the "
            "GetFunction/GetAlias API to retrieve the latest Revision Id"
        ),
    )
    assert len(listed) == 1
    assert published["Version"] == "1"


@pytest.mark.fact(
    "LocalStack test_ops_on_nonexisting_version and test_alias_lifecycle, recorded "
    "2023-11; lambda_service.py for Invoke"
)
@pytest.mark.parametrize(
    "operation", ["get_function", "get_function_configuration", "invoke"]
)
@pytest.mark.parametrize("qualifier", ["1221", "nobody"])
def test_an_unknown_version_or_alias_is_not_found(
    lambda_client, deploy, arn_of, operation, qualifier
):
    name = deploy(ECHO)
    refusal = refused(
        getattr(lambda_client, operation), FunctionName=name, Qualifier=qualifier
    )

    assert refusal == (
        404,
        "ResourceNotFoundException",
        f"Function not found: {arn_of(name, qualifier)}",
    )


@pytest.mark.fact(
    "LocalStack test_lambda_eventinvokeconfig_exceptions, recorded 2023-11"
)
def test_two_qualifiers_must_agree(lambda_client, deploy):
    name = deploy(ECHO)
    status, code, message = refused(
        lambda_client.get_function, FunctionName=f"{name}:$LATEST", Qualifier="1"
    )
    agreed = lambda_client.get_function(
        FunctionName=f"{name}:$LATEST", Qualifier="$LATEST"
    )

    assert (status, code) == (400, "InvalidParameterValueException")
    assert message == (
        "The derived qualifier from the function name does not match the specified "
        "qualifier."
    )
    assert agreed["Configuration"]["Version"] == "$LATEST"


@pytest.mark.fact("appleboy/lambda-action#6: the text")
def test_a_version_cannot_be_changed(lambda_client, deploy):
    name = deploy(ECHO)
    lambda_client.publish_version(FunctionName=name)
    status, code, message = refused(
        lambda_client.update_function_code,
        FunctionName=f"{name}:1",
        ZipFile=zipped({"app.py": ECHO}),
    )

    assert (status, code) == (400, "InvalidParameterValueException")
    assert message == "Current operation does not support versions other than $LATEST"
