"""
Authentication of requests to function URLs of AuthType AWS_IAM.

Any caller who signs for Lambda in the URL's region is admitted.
Signatures in the query string are refused: AWS documents none for function URLs.
"""

import hashlib

from local_aws.local_lambda import url_errors
from local_aws.local_lambda.requests import signature, signature_parsing
from local_aws.local_lambda.requests.access_keys import Caller, Identify
from local_aws.local_lambda.requests.signature_parsing import (
    Claim,
    Reason,
    SignatureError,
    SignedRequest,
)

_SERVICE = "lambda"


async def check(
    request: SignedRequest, body: bytes, region: str, identify: Identify
) -> Caller:
    """
    Return the caller that signed a request.

    Raises:
        LambdaError: 403, if the signature is missing, wrong or of an unknown key.
    """
    payload_hash = hashlib.sha256(body).hexdigest()
    try:
        claim = signature_parsing.read_claim(request)
        if claim.lifetime_s is not None:
            raise url_errors.forbidden()
        caller = await signature.find_caller(claim, identify)
        _check_scope(claim, region)
        signature.verify(request, claim, caller, payload_hash)
        _check_declared_hash(request, payload_hash)
    except SignatureError as error:
        raise url_errors.bad_signature(error) from None
    return caller


def _check_scope(claim: Claim, region: str) -> None:
    if claim.service != _SERVICE:
        text = f"Credential should be scoped to correct service: '{_SERVICE}'. "
        raise SignatureError(Reason.WRONG_SCOPE, text)
    if claim.region != region:
        text = "Credential should be scoped to a valid region. "
        raise SignatureError(Reason.WRONG_SCOPE, text)


def _check_declared_hash(request: SignedRequest, payload_hash: str) -> None:
    if request.headers.get("X-Amz-Content-SHA256", payload_hash) != payload_hash:
        raise SignatureError(Reason.MISMATCH)
