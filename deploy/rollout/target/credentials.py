"""Sessions that sign calls: as the AWS CLI would, or for a local endpoint."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import (
    BotoCoreError,
    LoginError,
    MissingDependencyException,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.loaders import Loader
from botocore.session import Session as CoreSession

from local_aws.local_lambda.requests.access_keys import KeyPair
from rollout.errors import TargetError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_models = cache(Loader)  # each service's description is read once a process
_LOCAL_REGION = "us-east-1"
_NOBODY = "nobody"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
_TEMPORARY = "ASIA"
NO_CREDENTIALS = (
    "There are no AWS credentials. Run `aws login` (AWS CLI 2.32 or later) or `aws sso "
    "login`, or set AWS_PROFILE."
)
# https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_UNKNOWN = {"InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"}
_WRONG = {"SignatureDoesNotMatch", "IncompleteSignature"}


def local_session(keys: KeyPair | None) -> boto3.Session:
    """Return a session for a local endpoint; without keys, with the environment's."""
    pair = keys or KeyPair(
        os.environ.get("AWS_ACCESS_KEY_ID") or _NOBODY,
        os.environ.get("AWS_SECRET_ACCESS_KEY") or _NOBODY,
    )
    # Beside another key, a token may be of another account.
    is_of_a_role = not keys and pair.access_key_id.startswith(_TEMPORARY)
    token = os.environ.get("AWS_SESSION_TOKEN") if is_of_a_role else None
    # Read nothing else of the user's AWS set-up: no variable, no file.
    variables = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in CoreSession.SESSION_VARIABLES.items()
    }
    nowhere = (None, None, os.devnull, None)
    core = CoreSession(
        variables | {"config_file": nowhere, "credentials_file": nowhere}
    )
    core.register_component("data_loader", _models())
    return boto3.Session(
        pair.access_key_id, pair.secret_access_key, token, _LOCAL_REGION, core
    )


def aws_session(profile: str, region: str) -> boto3.Session:
    """
    Return the session the AWS CLI would have; empty texts stand for its defaults.

    Raises:
        TargetError: If there is no such profile, or no region.
    """
    session = _as_set_up(profile, region)
    if not session.region_name:
        msg = (
            "There is no AWS region. Set AWS_REGION, as in us-east-1, or one for the "
            "profile: `aws configure set region us-east-1`."
        )
        raise TargetError(msg)
    return session


def aws_region() -> str:
    """Return the region of `aws_session`; empty: no AWS set-up names any."""
    try:
        return str(_as_set_up().region_name or "")
    except TargetError:
        return ""


def _as_set_up(profile: str = "", region: str = "") -> boto3.Session:
    # The AWS CLI reads AWS_REGION first; boto3 ignores it.
    region = region or os.environ.get("AWS_REGION", "")
    try:
        return boto3.Session(profile_name=profile or None, region_name=region or None)
    except ProfileNotFound as error:
        msg = f"{error}. `aws configure list-profiles` lists those there are."
        raise TargetError(msg) from error
    except BotoCoreError as error:
        msg = f"The AWS set-up cannot be read. {error}."
        raise TargetError(msg) from error


_LOCAL_REMEDY = (
    "A local endpoint accepts its own key pair only. Paste the `export` lines that "
    "`rollout serve` printed, which set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
)


def local_remedy(error: ClientError) -> str:
    """Say what heals credentials that a local endpoint does not take; else nothing."""
    code = error.response["Error"]["Code"]
    return _LOCAL_REMEDY if code in _EXPIRED | _UNKNOWN | _WRONG else ""


def remedy(error: ClientError, profile: str) -> str:
    """Return the next step for credentials that AWS refuses."""
    code = error.response["Error"]["Code"]
    option = f" --profile {profile}" if profile else ""
    if code in _EXPIRED:
        return (
            f"The credentials have expired: run `aws login{option}` or `aws sso login"
            f"{option}`, or renew them where they came from. Is the clock right?"
        )
    if code in _UNKNOWN:
        return (
            "AWS does not know this access key: it was deleted, or is for another "
            f"partition. `aws configure list{option}` shows where it came from."
        )
    if code in _WRONG:
        return (
            "The secret does not match the access key. `aws configure list"
            f"{option}` shows where both came from."
        )
    return "Check your credentials."


def sign_in_remedy(error: BotoCoreError, profile: str) -> str:
    """Return the next step for a sign-in that gives no credentials; else nothing."""
    option = f" --profile {profile}" if profile else ""
    if isinstance(error, MissingDependencyException):  # of `aws login`
        return f'Run: {sys.executable} -m pip install "botocore[crt]"'
    if isinstance(error, LoginError):
        return f"Sign in: aws login{option}"
    if isinstance(error, SSOError | TokenRetrievalError):
        return f"Sign in: aws sso login{option}"
    return ""
