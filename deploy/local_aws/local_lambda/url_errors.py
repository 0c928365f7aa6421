"""
Refusals of function URLs: by their five operations and by the URLs themselves.

Recorded from AWS by LocalStack, test_lambda_api ``test_url_config_exceptions``
(2023-11) and test_lambda ``TestLambdaURL`` (2025-11), unless a line says otherwise.
"""

from local_aws.local_lambda import errors
from local_aws.local_lambda.errors import LambdaError, NotFoundError
from local_aws.local_lambda.requests.signature_parsing import Reason, SignatureError

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


def gone() -> LambdaError:
    """Answer at the address of a deleted URL."""
    return _refused("AccessDeniedException", None, key="Message")


def forbidden() -> LambdaError:
    """
    Answer for a request that is not allowed, or for a deleted alias.

    Whole, with its header, in awsdocs/aws-lambda-developer-guide#494 (2026-05).
    """
    text = (
        "Forbidden. For troubleshooting Function URL authorization issues, see: "
        f"{_HELP}"
    )
    return _refused("AccessDeniedException", text, key="Message")


def bad_signature(error: SignatureError) -> LambdaError:
    """
    Answer for a signature that is refused.

    Unknown credentials: jamesmbourne/aws4-axios#1553; expired ones: AWS STS's text;
    all else: RJPearson94/terraform-aws-open-next#48.
    """
    if error.reason in (Reason.MISSING, Reason.MALFORMED):
        return forbidden()
    return _refused(error.reason.code, str(error))


def too_large(max_bytes: int) -> LambdaError:
    """Answer for too large a request (nextauthjs/next-auth#7215)."""
    code = "RequestEntityTooLargeException"
    text = errors.request_limit(max_bytes, "InvokeFunction")
    return LambdaError(413, code, text, key="Message", has_type=False)


def _refused(code: str, text: str | None, *, key: str = "message") -> LambdaError:
    return LambdaError(403, code, text, key=key, has_type=False)
