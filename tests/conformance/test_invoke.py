"""Invoke: what goes in, what comes back, and what is refused."""

import base64
import json
import re

import pytest
from tests.support.lambda_api import invoke

WHO = (
    "def run(event, c):\n"
    "    return {\n"
    "        'id': c.aws_request_id, 'name': c.function_name,\n"
    "        'version': c.function_version, 'arn': c.invoked_function_arn,\n"
    "        'memory': c.memory_limit_in_mb, 'group': c.log_group_name,\n"
    "        'stream': c.log_stream_name, 'tenant': c.tenant_id,\n"
    "        'left': c.get_remaining_time_in_millis(),\n"
    "        'client': c.client_context and c.client_context.custom,\n"
    "    }\n"
)


@pytest.fixture(scope="module")
def who(deploy_for_all):
    return deploy_for_all(WHO, MemorySize=256, Timeout=7)


@pytest.mark.fact("LocalStack test_invocation_type_request_response, recorded 2025-11")
def test_an_answer_is_the_functions_json_and_the_version_that_ran(echo):
    answer = echo.call(Payload=b'{"a": 1}')

    assert answer["StatusCode"] == 200
    assert json.loads(answer["Payload"]) == {"a": 1}
    assert answer["ExecutedVersion"] == "$LATEST"
    assert not {"FunctionError", "LogResult"} & answer.keys()


@pytest.mark.fact("LocalStack test_lambda_common test_echo_invoke, recorded 2026-01")
@pytest.mark.parametrize(
    "event",
    [None, True, False, 1, 1.5, "ü\u2028", [1, {"a": []}], {}, "x" * 5_000_000],
    ids=lambda event: str(event)[:8],
)
def test_events_arrive_and_answers_return_unchanged(echo, event):
    assert echo(event) == (event, None)


@pytest.mark.fact("LocalStack test_lambda_common test_echo_invoke, recorded 2026-01")
def test_an_invocation_without_payload_gets_an_empty_object(echo):
    assert echo.call()["Payload"] == b"{}"


@pytest.mark.fact("LocalStack test_invocation_type_no_return_payload, recorded 2024-10")
def test_a_function_that_returns_nothing_answers_null(deploy):
    assert deploy("def run(event, context): pass\n").call()["Payload"] == b"null"


@pytest.mark.fact("awslambdaric 4.2.2, lambda_runtime_marshaller.py")
def test_an_answer_may_be_bytes_and_text_beyond_ascii_is_not_escaped(deploy):
    """Escaping stopped with python3.12."""
    answers = "[b'\\x00raw', ['ü', float('nan')]]"
    function = deploy(f"def run(event, context): return {answers}[event]\n")

    assert function.call(Payload=b"0")["Payload"] == b"\x00raw"
    assert function.call(Payload=b"1")["Payload"] == '["ü", NaN]'.encode()


EVENT = pytest.mark.fact(
    "LocalStack test_invocation_type_event, test_invocation_type_event_error, recorded "
    "2025-11"
)
DRY_RUN = pytest.mark.fact("LocalStack test_invocation_type_dry_run, recorded 2023-04")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        pytest.param("Event", 202, marks=EVENT),
        pytest.param("DryRun", 204, marks=DRY_RUN),
    ],
)
def test_an_event_is_accepted_though_it_will_fail_and_a_dry_run_runs_nothing(
    deploy, kind, status
):
    function = deploy("def run(event, context): raise ValueError('it ran')\n")
    answer = function.call(InvocationType=kind)

    assert (answer["StatusCode"], answer["Payload"]) == (status, b"")
    assert not {"ExecutedVersion", "FunctionError"} & answer.keys()


@pytest.mark.fact(
    "LocalStack test_lambda_common test_introspection_invoke, recorded 2026-01; "
    "test_request_id_invoke, recorded 2024-04; awslambdaric 4.2.2, lambda_context.py"
)
def test_the_context_has_names_memory_remaining_time_and_the_callers_request_id(who):
    context = base64.b64encode(b'{"custom": {"k": "v"}}').decode()
    answer = who.call(ClientContext=context)
    seen = json.loads(answer["Payload"])
    without, _ = who()

    assert seen["id"] == answer.request_id
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", seen["id"])
    assert (seen["name"], seen["version"]) == (who, "$LATEST")
    assert seen["memory"] == "256"
    assert 0 < seen["left"] <= 7000
    assert seen["group"] == f"/aws/lambda/{who}"
    assert re.fullmatch(
        r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", seen["stream"], re.ASCII
    )
    assert seen["tenant"] is None
    assert seen["client"] == {"k": "v"}
    assert without["client"] is None


@pytest.mark.fact(
    "LocalStack test_lambda_common test_introspection_invoke, recorded 2026-01; "
    "LocalStack test_invocation_with_qualifier, recorded 2025-11"
)
def test_a_function_sees_its_arn_as_it_was_invoked(who, arn_of):
    answers = [who()[0], who.at("$LATEST")()[0]]
    answers.append(json.loads(who.call(Qualifier="$LATEST")["Payload"]))
    latest = arn_of(who, "$LATEST")

    assert [seen["arn"] for seen in answers] == [arn_of(who), latest, latest]


@pytest.mark.fact("botocore lambda/2015-03-31: the pattern of FunctionName")
def test_a_function_can_be_spelled_in_many_ways(echo, account, arn_of):
    spellings = [
        *(echo, f"{echo}:$LATEST", arn_of(echo), arn_of(echo, "$LATEST")),
        *(f"{account}:function:{echo}", f"{account}:function:{echo}:$LATEST"),
    ]
    answers = [invoke(echo.client, spelling, 1) for spelling in spellings]
    twice = echo.at("$LATEST").get_function(Qualifier="$LATEST")

    assert answers == [(1, None)] * len(spellings)
    assert twice["Configuration"]["Version"] == "$LATEST"


# Refused


@pytest.mark.fact(
    "awslabs/aws-athena-query-federation#793: status; pelmers/streetwarp-web#14: text"
)
def test_a_request_over_six_megabytes_is_refused(deploy):
    function = deploy("def run(event, context): return len(event)\n")
    text = b'"%s"' % (b"x" * (6_291_456 - 2))
    refusal = function.refused("invoke", Payload=text + b" ")

    assert refusal == (
        413,
        "RequestEntityTooLargeException",
        "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
    )
    assert function.call(Payload=text)["Payload"] == b"6291454"


@pytest.mark.fact("botocore lambda/2015-03-31, Invoke: 3,583 bytes of ClientContext")
def test_a_client_context_of_more_than_3_5_kilobytes_is_refused(echo):
    def context(size):
        return base64.b64encode(b'{"custom": "%s"}' % (b"x" * (size - 14))).decode()

    assert len(context(2_685)) == 3_580
    assert echo.call(ClientContext=context(2_685))["StatusCode"] == 200
    assert echo.refused("invoke", ClientContext=context(2_686))[0] in (400, 413)


@pytest.mark.fact("botocore lambda/2015-03-31, Invoke: 1 MB for asynchronous requests")
def test_an_event_over_one_megabyte_is_refused(echo):
    event = {"InvocationType": "Event"}
    text = b'"%s"' % (b"x" * (1_048_576 - 2))
    status, code, message = echo.refused("invoke", Payload=text + b" ", **event)

    assert (status, code) == (413, "RequestEntityTooLargeException")
    assert message == (
        "1048577 byte payload is too large for the Event invocation type (limit "
        "1048576 bytes)"
    )
    assert echo.call(Payload=text, **event)["StatusCode"] == 202
