"""Requests held against openapi.json: as any validator of JSON schemas would."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from fetcher.service.function_url_events import Refusal
from fetcher.service.schema_validation import check, document

SCHEMAS = document()["components"]["schemas"]
REQUESTS = ["Items", "JobRequest", "IdempotencyKey", "After", "Limit", "Id"]

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
ITEM = st.fixed_dictionaries(
    {"url": st.text() | ANYTHING},
    optional={
        "destination": st.text() | ANYTHING,
        "sha256": st.from_regex("[0-9a-f]{63,65}\n?") | ANYTHING,
    },
)
JOB = st.fixed_dictionaries(
    {},
    optional={
        "urls": st.lists(ITEM, max_size=2) | ANYTHING,
        "manifest": st.sampled_from(["s3://bucket/a", "s3://b/a", "s3://bucket/"]),
        "sink": st.fixed_dictionaries(
            {"kind": st.sampled_from(["s3-tar", "discard", "directory", "S3-TAR"])},
            optional={"prefix": st.sampled_from(["a", "a/b.c", "/a", "..", "a\n"])},
        )
        | ANYTHING,
        "options": st.dictionaries(
            st.sampled_from(["attempts", "host_rate", "compressed", "allow_private"]),
            st.sampled_from([0, 1, 1.0, 1.5, 20, 21, 1e5, True, "1"]),
        ),
        "more": ANYTHING,
    },
)
TEXT = st.from_regex("[0-9a-f!-~]{0,33}\n?") | st.from_regex("[0-9]{1,7}-[0-9]{1,7}")


def validator(name):
    """Return jsonschema's own; a $ of Python's would let a line feed follow."""
    strict = json.loads(json.dumps(document()).replace('$"', '\\\\Z"'))
    return Draft202012Validator(strict | {"$ref": f"#/components/schemas/{name}"})


VALIDATORS = {name: validator(name) for name in REQUESTS}


def is_let_through(value, name):
    try:
        check(value, name, "it")
    except Refusal:
        return False
    return True


@settings(max_examples=2 * settings().max_examples)
@given(
    st.tuples(st.just("JobRequest"), JOB)
    | st.tuples(st.sampled_from(REQUESTS), st.lists(ITEM) | TEXT | ANYTHING)
)
def test_what_is_refused_is_what_the_schema_does_not_allow(request_):
    """
    Half are nearly right requests, of which one in some is right.
    """
    name, value = request_
    value = json.loads(json.dumps(value))

    assert is_let_through(value, name) == VALIDATORS[name].is_valid(value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({}, "body is {}; it must be of type array."),
        ([{"url": "u"}, {}], "body[1] has no url."),
        (
            [{"url": "u" * 65_537}],
            "body[0].url is 65,537 characters long; at most 65,536",
        ),
        ([{"url": None}], "body[0].url is null; it must be of type string."),
        (
            [{"url": "u", "dest": ""}],
            'body[0] has "dest"; it may have: url, destination,',
        ),
        ([{"url": "u", "sha256": "0\n"}], 'body[0].sha256 is "0\\n"; it must match ^'),
    ],
)
def test_a_list_is_refused_with_what_is_where_and_what_it_must_be(value, said):
    with pytest.raises(Refusal, match=re.escape(said)):
        check(value, "Items", "body")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({}, "body must have one of these, and not several: urls, manifest."),
        ({"urls": []}, "body.urls has nothing in it."),
        ({"manifest": "http://h/a"}, 'body.manifest is "http://h/a"; it must match'),
        (
            {"sink": {"kind": "a"}},
            'body.sink.kind is "a"; it must be one of: s3-objects,',
        ),
        (
            {"sink": {"kind": "s3-tar", "prefix": "../j"}},
            'body.sink.prefix is "../j"; it',
        ),
        (
            {"options": {"allow_private": True}},
            'body.options has "allow_private"; it may',
        ),
        (
            {"options": {"connections": 481}},
            "connections is 481; it must be from 0 to 480",
        ),
    ],
)
def test_a_job_is_refused_with_what_is_where_and_what_it_must_be(value, said):
    listed = {"manifest": "s3://bucket/a"} if value.keys() & {"sink", "options"} else {}
    with pytest.raises(Refusal, match=re.escape(said)):
        check(listed | value, "JobRequest", "body")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_one(name):
    validator_for(SCHEMAS[name], Draft202012Validator).check_schema(SCHEMAS[name])
