"""
Who may call a function URL of AuthType AWS_IAM: whoever signs for Lambda in its region.

Signatures in the query string are refused: AWS documents none for function URLs.
"""

import hashlib

from local_aws.local_lambda import url_errors
from local_aws.local_lambda.errors import LambdaError
from local_aws.local_lambda.requests import claims, signature
from local_aws.local_lambda.requests.callers import Caller, Identify
from local_aws.local_lambda.requests.claims import Claim, Reason, SignatureError, Signed

_SERVICE = "lambda"


async def check(
    request: Signed, body: bytes, region: str, identify: Identify
) -> Caller:
    """
    Return who signed a request.

    Args:
        request: What came.

        body: Its body.

        region: The region it must be signed for.

        identify: Finds whose key it is.

    Raises:
        LambdaError: 403, if nobody signed it, somebody unknown, or another request.
    """
    payload_hash = hashlib.sha256(body).hexdigest()
    try:
        claim = claims.claim_of(request)
        if claim.lasts_s is not None:
            raise url_errors.forbidden()
        caller = await signature.caller_of(claim, identify)
        _check_scope(claim, region)
        signature.verify(request, claim, caller, payload_hash)
    except SignatureError as error:
        raise _refused(error) from None
    if request.headers.get("X-Amz-Content-SHA256", payload_hash) != payload_hash:
        raise url_errors.bad_signature()
    return caller


def _check_scope(claim: Claim, region: str) -> None:
    if claim.service != _SERVICE:
        text = f"Credential should be scoped to correct service: '{_SERVICE}'. "
        raise url_errors.bad_signature(text)
    if claim.region != region:
        text = "Credential should be scoped to a valid region. "
        raise url_errors.bad_signature(text)


def _refused(error: SignatureError) -> LambdaError:
    if error.reason in (Reason.MISSING, Reason.MALFORMED):
        return url_errors.forbidden()
    if error.reason in (Reason.UNKNOWN_KEY, Reason.OTHER_SESSION):
        return url_errors.unknown_credentials()
    if error.reason is Reason.SESSION_OVER:
        return url_errors.expired_credentials()
    return url_errors.bad_signature(str(error))
