"""Which permissions a request to AWS takes, as far as this project's requests go."""

import json
import re
from functools import cache
from operator import itemgetter
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.session import get_session

ACCOUNT = "123456789012"

_KEY = re.compile(r"<Key>([^<]*)</Key>")  # of a DeleteObjects
_S3_ACTIONS = {  # by method, and whether it is about an object
    ("PUT", False): "s3:CreateBucket",
    ("PUT", True): "s3:PutObject",
    ("DELETE", True): "s3:DeleteObject",
    ("DELETE", False): "s3:DeleteBucket",
    ("GET", False): "s3:ListBucket",
    ("HEAD", False): "s3:ListBucket",
    ("POST", False): "s3:DeleteObject",
    ("GET", True): "s3:GetObject",
    ("HEAD", True): "s3:GetObject",
}
_S3_ACTIONS_ON_UPLOADS = {
    ("POST", True): "s3:PutObject",
    ("PUT", True): "s3:PutObject",
    ("GET", False): "s3:ListBucketMultipartUploads",
    ("DELETE", True): "s3:AbortMultipartUpload",
}
# The API's names are the actions', but for these.
_ACTIONS = {"Invoke": "InvokeFunction"}
_ASK_NOBODY = {"sts:GetCallerIdentity"}
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


def permissions_for(request, body, region, service):
    if service == "lambda":
        yield from _needs_of_lambda(request, body, region)
    elif service in ("iam", "sts"):
        asked = asked_of(service, body)
        action = f"{service}:{asked['Action']}"
        if action == "iam:ListRoles":
            yield Need(action, "*")
        elif action == "iam:SimulatePrincipalPolicy":
            yield Need(action, asked["PolicySourceArn"])
        elif action not in _ASK_NOBODY:
            role = f"arn:aws:iam::{ACCOUNT}:role{_path(asked)}{asked['RoleName']}"
            yield Need(action, role)
            if "Tags.member.1.Key" in asked:
                yield Need("iam:TagRole", role)
    elif service in ("servicequotas", "ec2"):
        target = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        yield Need(f"{service}:{target or asked_of(service, body)['Action']}", "*")
    elif service == "logs":
        yield from _needs_of_logs(request, json.loads(body), region)
    elif service == "s3":
        yield from _needs_of_s3(request, body)
    else:
        raise AssertionError(service, request.path)


def action_of(operation):
    """Return the action that an operation of Lambda's takes."""
    return f"lambda:{_ACTIONS.get(operation, operation)}"


def operation_names():
    """Return what Lambda's operations are called."""
    return [name for name, *_ in _operations()]


def asked_of(service, body):
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
    action = action_of(operation)
    asked = json.loads(body) if body and operation != "Invoke" else {}
    if operation in {"GetAccountSettings", "ListFunctions", "ListLayers"}:
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
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-filesystem.html
    if asked.get("FileSystemConfigs"):
        yield Need("elasticfilesystem:DescribeMountTargets", "*")
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
        resource = "*"
    yield Need(f"logs:{operation}", resource)
    if asked.get("tags") and operation == "CreateLogGroup":
        yield Need("logs:TagResource", resource)


def _operation(method, path):
    """Find the operation of Lambda's service model, and what its path names."""
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
        is_rarer = "?" in http["requestUri"]  # GetLayerVersionByArn beside ListLayers
        operations.append((is_rarer, name, http["method"], pattern))
    return [operation for _, *operation in sorted(operations, key=itemgetter(0))]
