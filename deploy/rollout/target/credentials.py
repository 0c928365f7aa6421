"""Whose calls these are: credentials as the AWS CLI finds them, or of nobody."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError
from botocore.session import Session as CoreSession

from local_aws.local_lambda.requests.callers import KeyPair
from rollout.errors import TargetError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_LOCAL_REGION = "us-east-1"
_NOBODY = "nobody"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
_TEMPORARY = "ASIA"
NO_CREDENTIALS = (
    "There are no AWS credentials. Run `aws configure` or `aws sso login`, or set "
    "AWS_PROFILE."
)
# https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_UNKNOWN = {"InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"}
_WRONG = {"SignatureDoesNotMatch", "IncompleteSignature"}


def local_session(keys: KeyPair | None) -> boto3.Session:
    """
    Return a session for a local endpoint.

    Args:
        keys: The endpoint's; None: those in the environment. Whether they are this
            endpoint's is for it to say.
    """
    pair = keys or KeyPair(
        os.environ.get("AWS_ACCESS_KEY_ID") or _NOBODY,
        os.environ.get("AWS_SECRET_ACCESS_KEY") or _NOBODY,
    )
    # Beside another key, a token may be of another account.
    is_of_a_role = not keys and pair.access_key_id.startswith(_TEMPORARY)
    token = os.environ.get("AWS_SESSION_TOKEN") if is_of_a_role else None
    # Nothing else of the user's AWS set-up is read: no variable, no file.
    known = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in CoreSession.SESSION_VARIABLES.items()
    }
    nowhere = (None, None, os.devnull, None)
    core = CoreSession(known | {"config_file": nowhere, "credentials_file": nowhere})
    return boto3.Session(
        pair.access_key_id, pair.secret_access_key, token, _LOCAL_REGION, core
    )


def aws_session(profile: str, region: str) -> boto3.Session:
    """
    Return the session the AWS CLI would have.

    Args:
        profile: Of the user's AWS set-up; empty: the one it names.

        region: Likewise.

    Raises:
        TargetError: If there is no such profile, or no region.
    """
    # The AWS CLI reads AWS_REGION first, and boto3 does not know it.
    wanted = region or os.environ.get("AWS_REGION")
    try:
        session = boto3.Session(profile_name=profile or None, region_name=wanted)
    except BotoCoreError as error:
        msg = f"The AWS set-up cannot be read. {error}."
        raise TargetError(msg) from error
    if not session.region_name:
        msg = (
            "There is no AWS region. Set AWS_REGION, as in us-east-1, or one for the "
            "profile: `aws configure set region us-east-1`."
        )
        raise TargetError(msg)
    return session


_LOCAL_REMEDY = (
    "A local endpoint lets in only who signs with its own key pair. Paste the `export` "
    "lines that `rollout serve` printed, so that AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY are this endpoint's."
)


def local_remedy(error: ClientError) -> str:
    """Say what heals credentials that a local endpoint does not take; else nothing."""
    code = error.response["Error"]["Code"]
    return _LOCAL_REMEDY if code in _EXPIRED | _UNKNOWN | _WRONG else ""


def remedy(error: ClientError, profile: str) -> str:
    """Say what heals credentials that AWS does not take."""
    code = error.response["Error"]["Code"]
    option = f" --profile {profile}" if profile else ""
    if code in _EXPIRED:
        return (
            f"The credentials have expired: run `aws sso login{option}`, or get new "
            "ones where these came from. Is the clock right?"
        )
    if code in _UNKNOWN:
        return (
            "AWS does not know this access key: it was deleted, or is of another "
            f"partition. `aws configure list{option}` shows where it came from."
        )
    if code in _WRONG:
        return (
            "The secret does not fit the access key. `aws configure list"
            f"{option}` shows where both came from."
        )
    return "Check your credentials."
