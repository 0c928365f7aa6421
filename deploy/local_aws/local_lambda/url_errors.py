"""
How function URLs refuse: their five operations, and requests to the URLs themselves.

Recorded from AWS by LocalStack, test_lambda_api ``test_url_config_exceptions``
(2023-11) and test_lambda ``TestLambdaURL`` (2025-11), unless a line says otherwise.
"""

from local_aws.local_lambda import errors
from local_aws.local_lambda.errors import LambdaError, NotFoundError

_HELP = "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"


def exists(arn: str) -> LambdaError:
    """Answer for a second URL."""
    text = (
        f"Failed to create function url config for [functionArn = {arn}]. Error "
        "message:  FunctionUrlConfig exists for this Lambda function"
    )
    return errors.conflict(text)


def no_function() -> NotFoundError:
    """Answer for a function or alias that does not exist, from most operations."""
    return NotFoundError("Function does not exist")


def no_url() -> NotFoundError:
    """Answer for a URL that does not exist."""
    return NotFoundError("The resource you requested does not exist.")


def gone() -> LambdaError:
    """Answer at an address that is no function's any more."""
    return _refused("AccessDeniedException", None, key="Message")


def forbidden() -> LambdaError:
    """
    Answer for a request that nobody lets in, or to a deleted alias.

    Whole, with its header, in awsdocs/aws-lambda-developer-guide#494 (2026-05).
    """
    text = (
        "Forbidden. For troubleshooting Function URL authorization issues, see: "
        f"{_HELP}"
    )
    return _refused("AccessDeniedException", text, key="Message")


def unknown_credentials() -> LambdaError:
    """Answer for credentials AWS never gave out (jamesmbourne/aws4-axios#1553)."""
    text = "The security token included in the request is invalid."
    return _refused("UnrecognizedClientException", text)


def expired_credentials() -> LambdaError:
    """Answer for temporary credentials whose time is over (text: AWS STS)."""
    text = "The security token included in the request is expired"
    return _refused("ExpiredTokenException", text)


def bad_signature(why: str = "") -> LambdaError:
    """
    Answer for a signature that does not hold.

    Args:
        why: AWS's text, if it is not the usual one
            (RJPearson94/terraform-aws-open-next#48).
    """
    text = why or (
        "The request signature we calculated does not match the signature you "
        "provided. Check your AWS Secret Access Key and signing method. Consult the "
        "service documentation for details."
    )
    return _refused("InvalidSignatureException", text)


def too_large(most: int) -> LambdaError:
    """Answer for too large a request (nextauthjs/next-auth#7215)."""
    text = f"Request must be smaller than {most} bytes for the InvokeFunction operation"
    error = LambdaError(413, "RequestEntityTooLargeException", text, key="Message")
    del error.body["Type"]
    return error


def _refused(code: str, text: str | None, *, key: str = "message") -> LambdaError:
    error = LambdaError(403, code, text or "", key=key)
    error.body = {key: text}
    return error
