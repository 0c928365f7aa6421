"""The endpoint under requests that are broken, unknown, huge or anything at all."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.impatient_endpoint import CREATE, HOST, impatient_endpoint, parsed
from tests.support.lambda_api import refused
from tests.support.waiting import WAIT_S


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    """One that gives each request all the time that it may need on a busy machine."""
    with impatient_endpoint(tmp_path_factory.mktemp("tmp"), WAIT_S) as endpoint:
        yield endpoint


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),
        b"GET\r\n\r\n",
        b"FOO / HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /2015-03-31/functions/ HTTP/1.1\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"no colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 1_000 + b"\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        CREATE + b"Content-Length: -1\r\n\r\n",
        CREATE + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        CREATE + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CREATE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=[
        *("bytes", "TLS", "no-target", "method", "version", "HTTP/2", "no-host"),
        *("bad-url", "no-colon", "null", "long-field", "many-fields", "long-line"),
        *("negative-length", "two-lengths", "length-and-chunks", "chunk-size"),
    ],
)
def test_what_is_not_http_is_refused_and_the_connection_closed(endpoint, sent):
    status, headers, body = parsed(endpoint.talk(sent))

    assert status == 400
    assert headers["x-amzn-errortype"] == "badrequestexception"
    assert body["message"].startswith("Malformed request: ")
    assert "b'" not in body["message"]


@pytest.mark.parametrize(
    "line",
    [
        b"GET /2015-03-31/no-such-thing",
        b"DELETE /2015-03-31/functions",
        b"CONNECT example.org:443",
        b"OPTIONS *",
    ],
)
def test_unknown_operations_are_refused_in_lambdas_way(endpoint, line):
    sent = line + b" HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n"
    status, headers, _ = parsed(endpoint.talk(sent))

    assert status == 404
    assert headers["x-amzn-errortype"] == "unknownoperationexception"


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("logs", "describe_log_groups"),
        ("sts", "get_caller_identity"),
        ("iam", "list_users"),
    ],
)
def test_unknown_operations_of_other_services_are_errors_boto3_understands(
    client, service, operation
):
    """moto's own answer is a page of HTML, at which boto3 breaks."""

    def rename(params, **_):
        if isinstance(params["body"], dict):
            params["body"]["Action"] = "NoSuchThing"
        else:
            params["headers"]["X-Amz-Target"] = "Logs_20140328.NoSuchThing"

    caller = client(service)
    caller.meta.events.register("before-call", rename)
    status, code, message = refused(getattr(caller, operation))

    assert (status, code) == (501, "NotImplementedException")
    assert "moto's server" in message


@pytest.mark.parametrize(
    ("place", "told", "message"),
    [
        ("", {"Code": {"ZipFile": "é"}}, "code.zipFile must be base64"),
        (
            "/f/aliases",
            {"RoutingConfig": {"AdditionalVersionWeights": {"2": 10**400}}},
            "Member must have value less than or equal to 1.0",
        ),
    ],
    ids=["no ASCII", "no double"],
)
def test_values_that_no_client_of_aws_sends_are_refused(endpoint, place, told, message):
    body = json.dumps(told).encode()
    line = CREATE.replace(b"functions", f"functions{place}".encode())
    length = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    status, _, answer = parsed(endpoint.talk(line + length + body))

    assert status == 400
    assert message in answer["message"]


def test_a_body_that_is_declared_too_large_is_refused_before_it_comes(endpoint):
    head = CREATE + b"Content-Length: 70167212\r\nConnection: close\r\n\r\n"
    status, headers, body = parsed(endpoint.talk(head))

    assert status == 413
    assert headers["x-amzn-errortype"] == "requestentitytoolargeexception"
    assert body["message"] == (
        "Request must be smaller than 70167211 bytes for the CreateFunction operation"
    )


def test_a_body_without_a_length_is_refused_when_it_becomes_too_large(endpoint):
    chunk = b"100000\r\n" + bytes(0x100000) + b"\r\n"
    head = CREATE + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    status, _, _ = parsed(endpoint.talk(head, *[chunk] * 68, b"0\r\n\r\n"))

    assert status == 413


def test_compressed_objects_are_stored_as_they_are(client):
    s3 = client("s3")
    packed = gzip.compress(b"text" * 1_000)
    s3.create_bucket(Bucket="packed")
    s3.put_object(Bucket="packed", Key="a", Body=packed, ContentEncoding="gzip")
    got = s3.get_object(Bucket="packed", Key="a")

    assert got["Body"].read() == packed
    assert got["ContentEncoding"] == "gzip"


@given(
    st.one_of(
        st.binary(max_size=300),
        st.builds(
            b"".join,
            st.lists(
                st.sampled_from(
                    [
                        *(b"GET ", b"POST ", b"/2015-03-31/functions", b"/%zz"),
                        *(b"?a=&", b" HTTP/1.1\r\n", b"\r\n", HOST, b"{}"),
                        *(b"Content-Length: 3\r\n", b"3\r\nabc\r\n", b"0\r\n\r\n"),
                        *(b"Transfer-Encoding: chunked\r\n", b"Upgrade: h2c\r\n"),
                        *(b"Connection: Upgrade\r\n", b"Expect: 100-continue\r\n"),
                        b"Authorization: AWS4 \xff\r\n",
                    ]
                ),
                max_size=20,
            ),
        ),
    )
)
def test_whatever_is_sent_the_connection_ends_and_every_answer_is_http(endpoint, sent):
    answer = endpoint.talk(sent, half_close=True)

    assert answer == b"" or answer.startswith(b"HTTP/1.")
    assert b" 500 " not in answer
