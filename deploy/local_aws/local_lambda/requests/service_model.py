"""
Lambda's HTTP interface, read from the service model boto3 itself uses.

Paths and parameter places are botocore's, so none is typed by hand.
"""

import base64
import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from aiohttp import web
from botocore.loaders import create_loader
from botocore.model import ServiceModel, Shape
from multidict import MultiMapping

from local_aws.local_lambda import errors
from local_aws.local_lambda.requests import constraints


@dataclass(frozen=True, slots=True)
class Call:
    """
    A call that a request makes.

    Attributes:
        operation: Name of the operation in the service model, ``"Invoke"``.

        region: The region the request was signed for.

        payload: The raw body, for operations whose body is not JSON parameters.
    """

    operation: str
    parameters: Mapping[str, Any]
    region: str
    payload: bytes = b""


Answer = Mapping[str, Any]
"""The result of an operation, by boto3's names."""


@dataclass(frozen=True, slots=True)
class _Route:
    method: str
    path: re.Pattern[str]
    query: frozenset[tuple[str, str]]  # what tells it from one at the same path
    operation: str

    def takes(
        self, method: str, path: str, query: MultiMapping[str]
    ) -> re.Match[str] | None:
        is_meant = self.method == method and self.query <= set(query.items())
        return self.path.fullmatch(path) if is_meant else None


@functools.cache
def _service() -> ServiceModel:
    # A session would read the user's AWS set-up, and fail with it.
    description = create_loader().load_service_model("lambda", "service-2")
    return ServiceModel(description, "lambda")


@functools.cache
def _routes() -> tuple[_Route, ...]:
    routes = []
    for name in _service().operation_names:
        http = _service().operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        path = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path.rstrip("/"))
        wanted = frozenset(parse_qsl(query))
        routes.append(_Route(http["method"], re.compile(path + "/?"), wanted, name))
    # Invoke first: it is called a thousand times more often than the rest. Those that
    # are told by their query come before others at the same path.
    return tuple(sorted(routes, key=lambda r: (r.operation != "Invoke", not r.query)))


def is_lambda_path(path: str) -> bool:
    """
    Tell whether an unsigned request can only be meant for Lambda.

    >>> is_lambda_path("/2015-03-31/functions/f/invocations")
    True
    >>> is_lambda_path("/my-bucket/functions")
    False
    """
    return re.match(r"/20\d\d-\d\d-\d\d/", path) is not None


def parse(request: web.Request, body: bytes, region: str) -> Call:
    """
    Turn a request, its body and its region into the call that boto3 made.

    Raises:
        LambdaError: If it is not an operation of Lambda or breaks a constraint.
    """
    path = request.raw_path.partition("?")[0]
    for route in _routes():
        if match := route.takes(request.method, path, request.query):
            break
    else:
        raise errors.unknown_operation()
    shape = _service().operation_model(route.operation).input_shape
    if shape is None:
        return Call(route.operation, {}, region)
    parameters = dict(_outside_body(shape, match.groupdict(), request))
    if "payload" not in shape.serialization:
        parameters |= _json_body(shape, body)
        body = b""
    problems = list(constraints.problems(shape, parameters))
    if problems:
        raise errors.validation(problems)
    return Call(route.operation, parameters, region, body)


def runtimes() -> list[str]:
    """Return every runtime name boto3's model knows."""
    return list(_service().shape_for("Runtime").enum)


def pattern_of(shape: str) -> str:
    """Return the regular expression that values of a shape match."""
    return str(_service().shape_for(shape).metadata["pattern"])


def _outside_body(
    shape: Shape, in_path: Mapping[str, str], request: web.Request
) -> Iterator[tuple[str, Any]]:
    headers, query = request.headers, request.query
    for name, member in shape.members.items():
        place = member.serialization.get("location")
        wire = member.serialization.get("name", name)
        if place == "uri":
            yield name, _scalar(member, unquote(in_path[wire]))
        elif place == "header" and wire in headers:
            yield name, headers[wire]
        elif place == "querystring" and wire in query:
            values = query.getall(wire)
            is_list = member.type_name == "list"
            yield name, values if is_list else _scalar(member, values[0])


def _scalar(shape: Shape, text: str) -> object:
    if shape.type_name not in {"integer", "long"}:
        return text
    try:
        return int(text)
    except ValueError:
        problem = f"Value '{text}' is not an integer"
        raise errors.validation([problem]) from None


def _json_body(shape: Shape, body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise errors.invalid_content(str(error)) from None
    if not isinstance(document, dict):
        text = "the body must be an object"
        raise errors.invalid_content(text)
    return {
        name: value
        for name, value in _members(shape, document, "").items()
        if name in shape.members and "location" not in shape.members[name].serialization
    }


def _members(shape: Shape, value: Mapping[str, object], path: str) -> dict[str, object]:
    return {
        name: _typed(shape.members[name], item, constraints.join(path, name))
        for name, item in value.items()
        if item is not None and name in shape.members
    }


_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "blob": str,
    "integer": int,
    "long": int,
    "double": (int, float),
    "boolean": bool,
}


def _typed(shape: Shape, value: object, path: str) -> object:
    """Check a JSON value's type against its shape; decode base64 on the way."""
    expected = _PYTHON_TYPES.get(shape.type_name, object)
    misfit = isinstance(value, bool) and expected is not bool
    if misfit or not isinstance(value, expected):
        text = f"{path or 'body'} must be a {shape.type_name}"
        raise errors.invalid_content(text)
    if isinstance(value, dict) and shape.type_name == "structure":
        return _members(shape, value, path)
    if isinstance(value, dict):
        return {
            name: _typed(shape.value, item, constraints.join(path, name))
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_typed(shape.member, item, path) for item in value]
    if isinstance(value, str) and shape.type_name == "blob":
        try:
            return base64.b64decode(value, validate=True)
        except ValueError:
            text = f"{path} must be base64"
            raise errors.invalid_content(text) from None
    if isinstance(value, int | float) and shape.type_name == "double":
        return float(str(value))  # infinite, where float(10**400) raises
    return value
