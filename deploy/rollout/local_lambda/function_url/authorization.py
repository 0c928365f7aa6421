"""
Who may call a function URL of AuthType AWS_IAM: whoever signs for Lambda in its region.

Signatures in the query string are refused: AWS documents none for function URLs.
"""

import hashlib

from rollout.local_lambda import claims, signature
from rollout.local_lambda.callers import Caller, Identify
from rollout.local_lambda.claims import Claim, Reason, SignatureError, Signed
from rollout.local_lambda.errors import LambdaError
from rollout.local_lambda.function_url import errors

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
            raise errors.forbidden()
        caller = await signature.caller_of(claim, identify)
        _check_scope(claim, region)
        signature.verify(request, claim, caller, payload_hash)
    except SignatureError as error:
        raise _refused(error) from None
    if request.headers.get("X-Amz-Content-SHA256", payload_hash) != payload_hash:
        raise errors.bad_signature()
    return caller


def _check_scope(claim: Claim, region: str) -> None:
    if claim.service != _SERVICE:
        text = f"Credential should be scoped to correct service: '{_SERVICE}'. "
        raise errors.bad_signature(text)
    if claim.region != region:
        text = "Credential should be scoped to a valid region. "
        raise errors.bad_signature(text)


def _refused(error: SignatureError) -> LambdaError:
    if error.reason in (Reason.MISSING, Reason.MALFORMED):
        return errors.forbidden()
    if error.reason in (Reason.UNKNOWN_KEY, Reason.OTHER_SESSION):
        return errors.unknown_credentials()
    if error.reason is Reason.SESSION_OVER:
        return errors.expired_credentials()
    return errors.bad_signature(str(error))
