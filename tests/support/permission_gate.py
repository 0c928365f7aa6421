"""IAM in front of the local endpoint: what a policy does not allow is refused."""

import json
from fnmatch import fnmatchcase

from tests.support.http_proxy import HttpProxy, scope_of
from tests.support.permissions_needed import ACCOUNT, asked_of, permissions_for

_ERRORS = {
    400: "InvalidParameterValueException",
    404: "ResourceNotFoundException",
    409: "ResourceConflictException",
    429: "TooManyRequestsException",
    500: "ServiceException",
}
_ONLY_HIDES = {"lambda:ListTags"}  # GetFunction then answers without tags


class Gate(HttpProxy):
    """
    A server that passes on what the policy allows.

    Attributes:
        url: Where it is.

        behind: What it is in front of.

        policy: The policy in force.

        needed: Every permission that was needed so far, refused ones included.

        answers:
            By operation, status and body of an answer in place of the endpoint's, or
            a function that makes them of what is asked.

        asked: Operations answered so, each with what was asked.

        loses: Operations that are carried out, once, and get no answer.
    """

    def __init__(self, behind, policy):
        super().__init__(behind)
        self.policy = policy
        self.needed = []
        self.answers = {}
        self.asked = []
        self.loses = set()

    @property
    def actions(self):
        """The actions that were needed."""
        return {need.action for need in self.needed}

    def without(self, action):
        """Return the policy in force without an action."""
        return {
            "Statement": [
                one | {"Action": [a for a in as_list(one["Action"]) if a != action]}
                for one in self.policy["Statement"]
            ]
        }

    def handle(self, request, body):
        region, service = scope_of(request)
        needs = list(permissions_for(request, body, region, service))
        self.needed += needs
        for need in needs:
            if need.action not in _ONLY_HIDES and not allows(self.policy, need):
                said = (
                    f"User: arn:aws:iam::{ACCOUNT}:user/tester is not authorized to "
                    f"perform: {need.action} on resource: {need.resource}"
                )
                is_xml = service in ("iam", "s3", "sts")
                code = "AccessDenied" if is_xml else "AccessDeniedException"
                self.refuse(request, service, 403, code, said)
                return
        operation = needs[0].action.partition(":")[2] if needs else ""
        if operation in self.loses:
            self.loses.remove(operation)
            self.pass_on(request, body, answers=False)
            return
        if operation not in self.answers:
            self.pass_on(request, body)
            return
        answer = self.answers[operation]
        asked = asked_of(service, body)
        self.asked.append((operation, asked))
        status, content = answer(asked) if callable(answer) else answer
        text = content if isinstance(content, str) else json.dumps(content)
        error = [("x-amzn-ErrorType", _ERRORS.get(status, ""))]
        self.reply(request, status, error, text.encode())


def allows(policy, need):
    """Tell whether a policy allows something."""
    return any(
        one.get("Effect", "Allow") == "Allow"
        and any(fnmatchcase(need.action, action) for action in as_list(one["Action"]))
        and any(
            fnmatchcase(need.resource, pattern) for pattern in as_list(one["Resource"])
        )
        and all(
            need.context.get(key) == value
            for key, value in one.get("Condition", {}).get("StringEquals", {}).items()
        )
        for one in policy["Statement"]
    )


def as_list(one_or_more):
    """Return what a policy names: one, or several."""
    return [one_or_more] if isinstance(one_or_more, str) else one_or_more
