"""
moto's server in a process of its own: run with ``-m``, it serves until stdin closes.

It cannot outlive its parent, even one that is killed. It checks no signatures, so it
listens on a UNIX socket in a folder that only its parent's user may enter. It serves
four services; others of moto's run code in containers.

A line on its stdin is the id of an access key; the answer is its owner and its secret,
which is why this is no request over the socket.

No package of ours is imported: an endpoint's start waits for this process.
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
_BACKLOG = 4096  # beyond it, a UNIX socket refuses at once


_logger = logging.getLogger(__name__)


class _Application(DomainDispatcherApplication):  # type: ignore[misc]
    """Serves the service that the endpoint names, whatever else a request says."""

    def get_application(self, environ: dict[str, Any]) -> Flask:
        service = environ.get(_SERVICE)
        if service not in _SERVICES:
            msg = f"moto is asked for {service!r}; here it has {_SERVICES}."
            raise ValueError(msg)
        with self.lock:
            if service not in self.app_instances:
                self.app_instances[service] = self.create_app(service)
            application: Flask = self.app_instances[service]
            return application


def main(name: str) -> None:
    """
    Serve, and answer the lines of stdin, until it closes.

    The first line on stdout tells who the account itself is, once it serves.

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
    sts = sts_backends[DEFAULT_ACCOUNT_ID]["aws"]
    user_id, arn, _ = sts.get_caller_identity("", "us-east-1")
    print(json.dumps({"arn": arn, "user_id": user_id}), flush=True)
    for line in sys.stdin:
        print(json.dumps(_answer(line)), flush=True)


def _answer(line: str) -> dict[str, Any] | None:
    try:
        return _caller(json.loads(line))
    except Exception:  # one question must not end the server
        _logger.exception("Who owns an access key cannot be told")
        return None


def _caller(access_key: str) -> dict[str, Any] | None:
    """
    Return the owner of an access key; None if it is unknown.

    Requests change what is looked through, in threads of their own: hence the copies.
    Roles, and what is done with their keys, may be another account's.
    """
    owner: dict[str, Any] = {"access_key": access_key}
    for account in list(iam_backends.values()):
        for user in list(account["aws"].users.values()):
            for key in list(user.access_keys):
                if key.access_key_id == access_key and key.status == "Active":
                    owner |= {"arn": user.arn, "user_id": user.id}
                    return owner | {"secret": key.secret_access_key, "tokens": [""]}
    for sts_account in list(sts_backends.values()):
        role = sts_account["aws"].get_assumed_role_from_access_key(access_key)
        if role is not None:
            expires_at = role.expiration.replace(tzinfo=UTC).timestamp()
            owner |= {"arn": role.arn, "user_id": role.user_id}
            owner |= {"tokens": [role.session_token], "expires_at": expires_at}
            return owner | {"secret": role.secret_access_key}
    return None


if __name__ == "__main__":
    main(sys.argv[1])
