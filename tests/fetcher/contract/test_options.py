"""How a worker is to download, and where bodies go: what is refused by its name."""

import pytest

from fetcher.contract.options import Options, SinkSpec


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"connections": -1}, "connections is -1; it must be from 1 to 8,160, or 0"),
        ({"connections": 8_161}, "connections is 8,161; it must be from 1 to 8,160"),
        ({"attempts": 0}, "attempts is 0; it must be at least 1"),
        ({"max_bytes": -1}, "max_bytes is -1; it must be at least 1"),
        ({"read_timeout_s": 0.0}, "read_timeout_s is 0.0; it must be more than 0 s"),
        ({"total_timeout_s": float("nan")}, "total_timeout_s is nan"),
        ({"connect_timeout_s": float("inf")}, "connect_timeout_s is inf"),
        ({"engine": "wget"}, "engine is 'wget'; it must be one of: .*aiohttp"),
        ({"expect_type": "jpg"}, "it must be a type, as in image/png, or what a type"),
        ({"contact": "a\r\nX-Injected: b"}, "must be one line of plain text"),
        ({"contact": "José <j@x.org>"}, "contact is 'José .*; it must be .* in ASCII"),
    ],
)
def test_options_nothing_could_work_with_are_refused_by_name(wrong, said):
    with pytest.raises(ValueError, match=said):
        Options(**wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"connections": "100"},
            "connections is '100', of type str; it must be of type int",
        ),
        ({"connections": True}, "connections is True, of type bool"),
        ({"allow_private": 1}, "allow_private is 1, of type int"),
        ({"attempts": 2.0}, "attempts is 2.0, of type float"),
    ],
)
def test_options_of_another_type_are_refused_by_name(wrong, said):
    with pytest.raises(TypeError, match=said):
        Options(**wrong)


@pytest.mark.parametrize(
    ("kind", "path", "said"),
    [
        ("tape", "", "sink is 'tape'; it must be one of"),
        ("s3-tar", "", "'' is no place in S3: write s3://bucket/prefix"),
        ("s3-objects", "/tmp/x", "'/tmp/x' is no place in S3"),
        ("s3-tar", "s3://B", "The bucket is 'B'"),
        ("directory", "s3://photos/a", "use the sink s3-tar or s3-objects"),
    ],
)
def test_a_sink_that_cannot_be_is_refused(kind, path, said):
    with pytest.raises(ValueError, match=said):
        SinkSpec(kind=kind, path=path)
