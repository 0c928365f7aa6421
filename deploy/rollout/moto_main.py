"""
moto's server in a process of its own: run with ``-m``, it serves until stdin closes.

So it cannot outlive its parent however that ends, SIGKILL included. A line on its stdin
is the id of an access key; it answers whose that is, secret included, which is why this
is no request that anybody could make.

Nothing of ours is imported: an endpoint's start waits for this process.
"""

import json
import logging
import sys
from datetime import UTC
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.server import ThreadedMotoServer
from moto.sts.models import sts_backends

# The pair that functions find in their environment, and `rollout.target` signs with.
_LOCAL = "local"


def main() -> None:
    """Serve, and answer questions, until stdin closes."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # not every request
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    sys.stdout.write(f"http://{host}:{port}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_caller(json.loads(line))) + "\n")
        sys.stdout.flush()


def _caller(access_key: str) -> dict[str, Any] | None:
    """Say who has an access key; None if nobody has."""
    iam, sts = (
        iam_backends[DEFAULT_ACCOUNT_ID]["aws"],
        sts_backends[DEFAULT_ACCOUNT_ID]["aws"],
    )
    who: dict[str, Any] = {"access_key": access_key}
    if access_key == _LOCAL:
        user_id, arn, _ = sts.get_caller_identity(access_key, "us-east-1")
        who |= {"arn": arn, "user_id": user_id}
        return who | {"secret": _LOCAL, "tokens": ["", _LOCAL]}
    for user in iam.users.values():
        for key in user.access_keys:
            if key.access_key_id == access_key and key.status == "Active":
                who |= {"arn": user.arn, "user_id": user.id}
                return who | {"secret": key.secret_access_key, "tokens": [""]}
    role = sts.get_assumed_role_from_access_key(access_key)
    if role is None:
        return None
    who |= {"arn": role.arn, "user_id": role.user_id, "tokens": [role.session_token]}
    expires_at = role.expiration.replace(tzinfo=UTC).timestamp()
    return who | {"secret": role.secret_access_key, "expires_at": expires_at}


if __name__ == "__main__":
    main()
