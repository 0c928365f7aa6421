"""Signatures: those that AWS's own code makes."""

from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from fetcher.s3.credentials import Account
from fetcher.s3.urls import Place

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
VALUE = st.text("abc/+= ~%&é", max_size=9)
ACCOUNT = Account("AKID", "s3cret/+", "tok+/=", "eu-west-1")


def signed_by_botocore(method, url, query, headers, stamp):
    """
    Return the query of the same request, signed at the same second.
    """
    request = AWSRequest(method, url, headers=headers, params=query)
    signer = S3SigV4QueryAuth(
        Credentials("AKID", "s3cret/+", "tok+/="), "s3", "eu-west-1", 900
    )
    at = datetime.strptime(stamp, "%Y%m%dT%H%M%S%z")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda: at)
        signer.add_auth(request)
    return dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))


@given(
    st.sampled_from(["GET", "PUT", "POST", "DELETE"]),
    TEXT,
    st.dictionaries(st.sampled_from(["partNumber", "uploadId", "uploads"]), VALUE),
    st.dictionaries(
        st.sampled_from(["x-amz-meta-a", "x-amz-checksum-crc32"]), st.just("b=")
    ),
)
def test_requests_are_signed_as_botocore_signs_them(method, key, query, headers):
    place = Place("photos", key)
    ours = dict(
        parse_qsl(
            urlsplit(ACCOUNT.signed(method, place, query, headers)).query,
            keep_blank_values=True,
        )
    )
    url = ACCOUNT.address_of(place)

    assert ours == signed_by_botocore(method, url, query, headers, ours["X-Amz-Date"])


def test_credentials_region_and_endpoint_are_those_of_the_environment(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    plain = Account.from_environment()
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://a")
    stand_in = Account.from_environment()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://b")

    assert plain == Account("id", "secret", "", "eu-west-1")
    assert stand_in == Account("id", "secret", "token", "eu-west-1", "http://a")
    assert Account.from_environment().endpoint_url == "http://b"


@pytest.mark.parametrize(
    "name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"]
)
def test_what_is_missing_in_the_environment_is_said_with_a_remedy(monkeypatch, name):
    for one in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(one, "x")
    monkeypatch.delenv(name)

    with pytest.raises(OSError, match=f"{name}.*export-credentials"):
        Account.from_environment()


def test_an_account_does_not_show_its_secrets():
    assert "s3cret" not in repr(ACCOUNT)
    assert "tok" not in repr(ACCOUNT)
