"""Credentials for S3: read as AWS's own clients read them."""

import pytest

from fetcher.s3.credentials import S3Credentials


def test_credentials_region_and_endpoint_are_those_of_the_environment(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    plain = S3Credentials.from_environment()
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://a")
    stand_in = S3Credentials.from_environment()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://b")

    assert plain == S3Credentials("id", "secret", "", "eu-west-1")
    assert stand_in == S3Credentials("id", "secret", "token", "eu-west-1", "http://a")
    assert S3Credentials.from_environment().endpoint_url == "http://b"


@pytest.mark.parametrize(
    "name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"]
)
def test_what_is_missing_in_the_environment_is_said_with_a_remedy(monkeypatch, name):
    for one in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(one, "x")
    monkeypatch.delenv(name)

    with pytest.raises(OSError, match=f"{name}.*export-credentials"):
        S3Credentials.from_environment()


def test_an_account_does_not_show_its_secrets():
    shown = repr(S3Credentials("AKID", "s3cret/+", "tok+/=", "eu-west-1"))

    assert "s3cret" not in shown
    assert "tok+" not in shown
