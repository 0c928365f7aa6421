"""Refusals that are waited out, and what is undone when one is not."""

from contextlib import suppress

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from rollout.deploy import expected_errors
from rollout.deploy.rollback import Changes
from rollout.errors import DeployError

UNKNOWN_TO_KMS = (
    "Lambda was unable to configure access to your environment variables because the "
    "KMS key is invalid for CreateGrant. Please check your KMS key settings. KMS "
    "Exception: InvalidArnException KMS Message: ARN does not refer to a valid "
    "principal: arn:aws:sts::123456789012:assumed-role/t-us-east-1/t"
)
THROTTLED = (
    "Your request has been throttled by EC2, please make sure you have enough API rate "
    "limit. EC2 Error Code: RequestLimitExceeded."
)
_UNSURE = "AWS does not show the role r: destroy later, to be sure."


def refusal(code, status, attempts=0):
    metadata = {"HTTPStatusCode": status, "RetryAttempts": attempts}
    answer = {"Error": {"Code": code}, "ResponseMetadata": metadata}
    return ClientError(answer, "CreateRole")


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("The role defined for the function cannot be assumed by Lambda.", 3),
        (UNKNOWN_TO_KMS, 3),
        (THROTTLED, 3),
        ("The role with name t cannot be found. (NoSuchEntity)", 3),
        ("User is not authorized", 1),
    ],
)
def test_only_a_refusal_that_passes_is_waited_out(monkeypatch, text, calls):
    """For some seconds after its creation neither Lambda nor KMS knows a role."""
    error = {"Code": "InvalidParameterValueException", "Message": text}
    refusals = [ClientError({"Error": error}, "Create")] * 2
    made = []

    def call():
        made.append(1)
        if refusals:
            raise refusals.pop()

    monkeypatch.setattr(expected_errors, "_PAUSE_S", 0)
    with suppress(ClientError):
        expected_errors.retry_while_transient(call)

    assert len(made) == calls


@pytest.mark.parametrize(
    ("patience_s", "notes"),
    [
        (60, []),
        (0, [_UNSURE, "So these stay, too, until you destroy them: log group g."]),
    ],
)
def test_what_was_just_created_is_removed_once_aws_shows_it(
    monkeypatch, patience_s, notes
):
    """For some seconds GetRole may not know a new role, which would stay unseen."""
    monkeypatch.setattr(expected_errors, "_SHOWN_WITHIN_S", patience_s)
    monkeypatch.setattr(expected_errors, "_PAUSE_S", 0)
    shown = iter([False, False, True])
    changes, removed = Changes(), []
    changes.create("log group g", lambda: None, lambda: removed.append("g") or True)
    changes.create("role r", lambda: None, lambda: next(shown))
    with pytest.raises(DeployError) as caught, changes:
        raise DeployError

    assert getattr(caught.value, "__notes__", []) == notes
    assert removed == ([] if notes else ["g"])  # by it the doctor finds the role


@pytest.mark.parametrize(
    ("error", "notes"),
    [
        (refusal("AccessDenied", 403), []),
        (refusal("ServiceFailure", 500), [_UNSURE]),
        (refusal("AccessDenied", 403, attempts=1), [_UNSURE]),
        (ReadTimeoutError(endpoint_url="https://iam"), [_UNSURE]),
    ],
    ids=["refused", "failed", "refused when repeated", "unanswered"],
)
def test_what_may_have_been_created_is_named_but_not_waited_for(error, notes):
    """What was not created by us may be somebody else's, and is not touched."""
    asked = []

    def refuse():
        raise error

    def remove():
        asked.append("whether it is there")
        return False

    with pytest.raises(type(error)) as caught, Changes() as changes:
        changes.create("role r", refuse, remove)

    assert len(asked) == len(notes)
    assert getattr(caught.value, "__notes__", []) == notes
