"""IAM in front of the local endpoint: what a policy does not allow is refused."""

import json
import re
import threading
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import cache
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.session import get_session

ACCOUNT = "123456789012"

_KEY = re.compile(r"<Key>([^<]*)</Key>")  # of a DeleteObjects
_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/")
_S3_ACTIONS = {  # by method, and whether it is about an object
    ("PUT", False): "s3:CreateBucket",
    ("PUT", True): "s3:PutObject",
    ("DELETE", True): "s3:DeleteObject",
    ("DELETE", False): "s3:DeleteBucket",
    ("GET", False): "s3:ListBucket",
    ("HEAD", False): "s3:ListBucket",
    ("POST", False): "s3:DeleteObject",
}
_S3_ACTIONS_ON_UPLOADS = {
    ("GET", False): "s3:ListBucketMultipartUploads",
    ("DELETE", True): "s3:AbortMultipartUpload",
}
# The API's names are the actions', but for these.
_ACTIONS = {"Invoke": "InvokeFunction"}
_ASK_NOBODY = {"sts:GetCallerIdentity"}
_ERRORS = {400: "InvalidParameterValueException", 404: "ResourceNotFoundException"}
_ONLY_HIDES = {"lambda:ListTags"}  # GetFunction then answers without tags
_OF_A_VPC = ("ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups")


class Need(NamedTuple):
    """
    A permission that a request takes.

    Attributes:
        action: As in ``lambda:InvokeFunction``.

        resource: The ARN it is about; ``*``: none in particular.

        context: What conditions may ask for.
    """

    action: str
    resource: str
    context: dict = {}  # noqa: RUF012 - nobody writes to it


class Gate:
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
    """

    def __init__(self, behind, policy):
        self.policy = policy
        self.behind = behind
        self.needed = []
        self.answers = {}
        self.asked = []
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # or headers and body would travel apart, and wait

            def do_GET(self):
                gate._handle(self, behind)

            do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def actions(self):
        """The actions that were needed."""
        return {need.action for need in self.needed}

    def without(self, action):
        """Return the policy in force without an action."""
        return {
            "Statement": [
                one | {"Action": [a for a in _list(one["Action"]) if a != action]}
                for one in self.policy["Statement"]
            ]
        }

    def _handle(self, request, behind):
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        region, service = _SCOPE.search(request.headers["Authorization"]).groups()
        needs = list(_needs(request, body, region, service))
        self.needed += needs
        for need in needs:
            if need.action not in _ONLY_HIDES and not allows(self.policy, need):
                _refuse(request, service, need)
                return
        operation = needs[0].action.partition(":")[2] if needs else ""
        if operation not in self.answers:
            _pass_on(request, body, behind)
            return
        answer = self.answers[operation]
        asked = _asked(service, body)
        self.asked.append((operation, asked))
        status, content = answer(asked) if callable(answer) else answer
        text = content if isinstance(content, str) else json.dumps(content)
        _answer(
            request,
            status,
            [("x-amzn-ErrorType", _ERRORS.get(status, ""))],
            text.encode(),
        )


@contextmanager
def guarding(behind, policy):
    """Run a gate in front of an endpoint."""
    gate = Gate(behind, policy)
    thread = threading.Thread(target=gate._server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield gate
    finally:
        gate._server.shutdown()
        thread.join()
        gate._server.server_close()


def allows(policy, need):
    """
    Tell whether a policy allows something.
    """
    return any(
        one.get("Effect", "Allow") == "Allow"
        and any(fnmatchcase(need.action, action) for action in _list(one["Action"]))
        and any(
            fnmatchcase(need.resource, pattern) for pattern in _list(one["Resource"])
        )
        and all(
            need.context.get(key) == value
            for key, value in one.get("Condition", {}).get("StringEquals", {}).items()
        )
        for one in policy["Statement"]
    )


def _list(one_or_more):
    return [one_or_more] if isinstance(one_or_more, str) else one_or_more


def _needs(request, body, region, service):
    if service == "lambda":
        yield from _needs_of_lambda(request, body, region)
    elif service in ("iam", "sts"):
        asked = _asked(service, body)
        action = f"{service}:{asked['Action']}"
        if action == "iam:ListRoles":
            yield Need(action, "*")
        elif action not in _ASK_NOBODY:
            role = f"arn:aws:iam::{ACCOUNT}:role{_path(asked)}{asked['RoleName']}"
            yield Need(action, role)
            if "Tags.member.1.Key" in asked:
                yield Need("iam:TagRole", role)
    elif service == "ec2":
        yield Need(f"ec2:{_asked(service, body)['Action']}", "*")
    elif service == "logs":
        yield from _needs_of_logs(request, json.loads(body), region)
    elif service == "s3":
        yield from _needs_of_s3(request, body)
    else:
        raise AssertionError(service, request.path)


def _asked(service, body):
    if service in ("iam", "sts", "ec2"):
        return {name: values[0] for name, values in parse_qs(body.decode()).items()}
    if service == "s3":
        return body.decode()
    return json.loads(body or b"{}")


def _path(asked):
    # Until there is such a role, IAM does not know its path.
    return asked.get("Path", "/")


def _needs_of_lambda(request, body, region):
    operation, name = _operation(request.command, urlsplit(request.path).path)
    action = f"lambda:{_ACTIONS.get(operation, operation)}"
    asked = json.loads(body) if body and operation != "Invoke" else {}
    if operation in {"GetAccountSettings", "ListFunctions"}:
        yield Need(action, "*")
        return
    name = (name or asked["FunctionName"]).rpartition(":function:")[2]
    function = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}"
    yield Need(action, function)
    if operation == "GetFunction":  # answers without tags, otherwise
        yield Need("lambda:ListTags", function)
    if asked.get("Tags") and operation == "CreateFunction":
        yield Need("lambda:TagResource", function)
    if asked.get("VpcConfig", {}).get("SubnetIds"):
        yield from (Need(action, "*") for action in _OF_A_VPC)
    if "Role" in asked:
        to_lambda = {"iam:PassedToService": "lambda.amazonaws.com"}
        yield Need("iam:PassRole", asked["Role"], to_lambda)


def _needs_of_s3(request, body):
    asked = urlsplit(request.path)
    bucket, _, key = asked.path.strip("/").partition("/")
    is_about_uploads = "upload" in asked.query
    actions = _S3_ACTIONS_ON_UPLOADS if is_about_uploads else _S3_ACTIONS
    action = actions[request.command, bool(key)]
    for about in _KEY.findall(body.decode()) if asked.query == "delete" else [key]:
        yield Need(action, f"arn:aws:s3:::{bucket}{about and '/'}{about}")
    if source := request.headers.get("x-amz-copy-source"):
        yield Need("s3:GetObject", f"arn:aws:s3:::{unquote(source)}")


def _needs_of_logs(request, asked, region):
    operation = request.headers["X-Amz-Target"].rpartition(".")[2]
    group = asked.get("logGroupName") or asked.get("logGroupNamePrefix")
    here = f"arn:aws:logs:{region}:{ACCOUNT}:log-group:"
    resource = asked.get("resourceArn") or f"{here}{group}"
    if operation == "DescribeLogGroups":
        resource = f"{here}*"
    yield Need(f"logs:{operation}", resource)
    if asked.get("tags") and operation == "CreateLogGroup":
        yield Need("logs:TagResource", resource)


def _operation(method, path):
    """
    Find the operation of Lambda's service model, and what its path names.
    """
    for name, wanted, pattern in _operations():
        found = pattern.fullmatch(path.rstrip("/"))
        if found and wanted == method:
            return name, unquote(found[1]) if found.groups() else ""
    raise AssertionError(method, path)


@cache
def _operations():
    model = get_session().get_service_model("lambda")
    operations = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        template = re.escape(http["requestUri"].partition("?")[0].rstrip("/"))
        pattern = re.compile(re.sub(r"\\\{\w+\\\}", "([^/]+)", template))
        operations.append((name, http["method"], pattern))
    return operations


def _pass_on(request, body, behind):
    connection = HTTPConnection(urlsplit(behind).netloc, timeout=60)
    try:
        connection.request(request.command, request.path, body, dict(request.headers))
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    kept = {"content-length", "connection", "transfer-encoding"}
    headers = [(n, v) for n, v in answer.getheaders() if n.lower() not in kept]
    _answer(request, answer.status, headers, content)


def _refuse(request, service, need):
    text = (
        f"User: arn:aws:iam::{ACCOUNT}:user/tester is not authorized to perform: "
        f"{need.action} on resource: {need.resource}"
    )
    if service in ("iam", "s3"):
        error = f"<Error><Code>AccessDenied</Code><Message>{text}</Message></Error>"
        whole = error if service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
        content = whole.encode() if request.command != "HEAD" else b""
        headers = [("Content-Type", "text/xml")]
    else:
        code = "AccessDeniedException"
        content = json.dumps(
            {"__type": code, "message": text, "Message": text}
        ).encode()
        headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)]
    _answer(request, 403, headers, content)


def _answer(request, status, headers, content):
    request.send_response(status)
    for name, value in headers:
        request.send_header(name, value)
    if status != 204:
        request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)
