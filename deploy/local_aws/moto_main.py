"""
moto's server in a process of its own: run with ``-m``, it serves until stdin closes.

So it cannot outlive its parent however that ends, SIGKILL included. It listens on a
UNIX socket in a folder that is its parent's alone, since it lets in everybody, and
serves four services. Other services of moto run code in containers.

A line on its stdin is the id of an access key; it answers whose that is, secret
included, which is why this is no request that anybody could make.

Nothing of ours is imported: an endpoint's start waits for this process.
"""

import json
import logging
import os
import socket
import sys
from datetime import UTC
from threading import Thread
from typing import Any

# Before moto is imported: none of it can reach Docker, and no page gets an answer.
sys.modules["docker"] = None  # type: ignore[assignment]
os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"

from flask import Flask  # noqa: E402
from moto.core.models import DEFAULT_ACCOUNT_ID  # noqa: E402
from moto.iam.models import iam_backends  # noqa: E402
from moto.moto_server.werkzeug_app import (  # noqa: E402
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.sts.models import sts_backends  # noqa: E402
from werkzeug.serving import ThreadedWSGIServer  # noqa: E402

_SERVICES = ("s3", "iam", "sts", "logs")
_SERVICE = "HTTP_X_SIGNED_FOR"
_BACKLOG = 4096  # who comes when it is full is not let wait, as with TCP


class _Application(DomainDispatcherApplication):
    """Serves what our side says a request was signed for, and looks no further."""

    def get_application(self, environ: dict[str, Any]) -> Flask:
        service = environ.get(_SERVICE)
        if service not in _SERVICES:
            msg = f"moto is asked for {service!r}; here it has {_SERVICES}."
            raise ValueError(msg)
        with self.lock:
            if service not in self.app_instances:
                self.app_instances[service] = self.create_app(service)
            return self.app_instances[service]


def main(name: str) -> None:
    """
    Serve, and answer questions, until stdin closes.

    Args:
        name: Of the socket to make in the working directory.
    """
    os.umask(0o077)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # not every request
    application = _Application(create_backend_app)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(name)  # werkzeug would make it absolute, and so too long perhaps
    listener.listen(_BACKLOG)
    server = ThreadedWSGIServer(
        "unix://", 0, application, MotoRequestHandler, fd=listener.fileno()
    )
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write("ready\n")
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
    if access_key == "":
        user_id, arn, _ = sts.get_caller_identity(access_key, "us-east-1")
        return who | {"arn": arn, "user_id": user_id, "secret": ""}
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
    main(sys.argv[1])
