"""What Lambda refuses of a function's code, and in which words."""

import io
import zipfile

import pytest
from tests.support.lambda_api import ECHO, refused, zipped

from aws_facts import limits

EXCEPTIONS = "LocalStack test_create_lambda_exceptions, recorded 2026-01"
SIZES = "LocalStack TestLambdaSizeLimits, recorded 2024-04"

INVALID = (400, "InvalidParameterValueException")


@pytest.mark.fact(EXCEPTIONS)
def test_code_is_a_zip(refusal_of):
    assert refusal_of(Code={"ZipFile": b"no zip"}) == (
        *INVALID,
        (
            "Could not unzip uploaded file. Please check your file, then try to upload "
            "again."
        ),
    )


@pytest.mark.fact("dumrauf/serverless_static_website_with_basic_auth#17: the text")
def test_a_zip_is_not_empty(refusal_of):
    message = "Uploaded file must be a non-empty zip"

    assert refusal_of(Code={"ZipFile": zipped({})}) == (*INVALID, message)


@pytest.mark.fact("aws/aws-sdk-php#580: the text")
def test_code_comes_from_somewhere(refusal_of):
    message = "Please provide a source for function code."

    assert refusal_of(Code={}) == (*INVALID, message)


@pytest.mark.fact("nationalarchives/ds-caselaw-data-enrichment-service#337: the text")
def test_a_function_of_zips_takes_no_image(lambda_client, deploy):
    name = deploy(ECHO)
    refusal = refused(
        lambda_client.update_function_code, FunctionName=name, ImageUri="image"
    )

    assert refusal == (
        *INVALID,
        "Please don't provide ImageUri when updating a function with packageType Zip.",
    )


@pytest.mark.fact("LocalStack test_lambda_code_location_s3_errors, recorded 2024-10")
def test_code_in_s3_exists(refusal_of):
    bucket = "no-such-bucket-of-conformance-3f1c"

    assert refusal_of(Code={"S3Bucket": bucket, "S3Key": "k"}) == (
        *INVALID,
        (
            "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error "
            "Message: The specified bucket does not exist"
        ),
    )


@pytest.mark.fact(SIZES)
def test_code_is_at_most_50_mib_zipped(refusal_of):
    most = limits.limit("zip_bytes").most

    assert refusal_of(Code={"ZipFile": b"\0" * (most + 1)}) == (
        413,
        "RequestEntityTooLargeException",
        "Zipped size must be smaller than 52428800 bytes",
    )


@pytest.mark.fact(SIZES)
def test_code_is_at_most_250_mib_unzipped(refusal_of):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * (limits.limit("unzipped_bytes").most + 1))

    assert refusal_of(Code={"ZipFile": buffer.getvalue()}) == (
        *INVALID,
        "Unzipped size must be smaller than 262144000 bytes",
    )
