"""`POST /download`: files that arrive, and each that does not with the reason."""

import json

import pytest
from tests.support.deployed_service import service

from fetcher.contract.options import Options
from fetcher.contract.shard_messages import Shard
from fetcher.contract.template_source import Template
from fetcher.service import settings

PRIVATE = {settings.ALLOW_PRIVATE: "true"}


@pytest.fixture(scope="module")
def lenient(endpoint):
    """A service that downloads from this machine, too."""
    with service(endpoint.endpoint_url, "lenient", environment=PRIVATE) as one:
        yield one


@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded"]
)
def test_the_request_of_the_original_works_unchanged(lenient, origin, kind):
    """
    github.com/0xIbra/million-downloads, api.js: the list is the body, the answer has
    these names, and each error these four. Others send it as curl -d does, as a form.
    """
    listed = [
        {"url": origin.url("/bytes/5"), "destination": "a.jpg"},
        {"url": origin.url("/status/404"), "destination": "b.jpg"},
        {"url": origin.url("/bytes/6"), "destination": "/tmp/some-image.jpg"},
    ]
    answer = lenient.post("/download", listed, Content_Type=kind)
    (error,) = answer.content["errors"]

    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    counts = {name: answer.content[name] for name in ("totalSucceeded", "totalErrors")}
    assert counts == {"totalSucceeded": 2, "totalErrors": 1}
    assert error["error"] is True
    assert (error["url"], error["destination"]) == (listed[1]["url"], "b.jpg")
    assert error["errorMessage"] == "expected status 200, got 404"
    assert (error["outcome"], error["status"]) == ("http_status", 404)


def test_an_error_does_not_repeat_what_is_secret_in_a_url(lenient, origin):
    listed = [{"url": origin.url("/status/404?n=1&sig=hunter2")}]
    answer = lenient.post("/download", listed)
    refused = lenient.post("/download", [listed[0]["url"]])

    assert answer.content["errors"][0]["url"].endswith("/status/404?n=1&sig=***")
    assert refused.status == 422
    assert "hunter2" not in json.dumps([answer.content, refused.content])


def test_every_url_of_a_request_ends_in_its_own_way(lenient, origin, silent_url):
    wrong = "0" * 64
    listed = [
        {"url": origin.url("/cut/10/5")},
        {"url": silent_url},
        {"url": "ftp://h/a"},
        {"url": "http://["},
        {"url": ""},
        {"url": origin.url("/bytes/3"), "sha256": wrong},
        {"url": origin.url("/to/http%3A%2F%2F169.254.169.254%2F")},
        {"url": origin.url("/loop"), "destination": "\ud800 ü"},
    ]
    answer = lenient.post("/download", listed)
    errors = answer.content["errors"]

    assert answer.content["totalSucceeded"] == 0
    assert [error["outcome"] for error in errors] == [
        *("cut", "connect", "bad_url", "bad_url", "bad_url"),
        *("checksum", "blocked", "too_many_redirects"),
    ]
    assert [error["url"] for error in errors] == [one["url"] for one in listed]
    assert errors[-1]["destination"] == "\ud800 ü"
    assert all(error["errorMessage"] for error in errors)


def test_what_is_listed_twice_counts_twice_and_is_fetched_once(lenient, origin):
    one = {"url": origin.url("/bytes/5/twice"), "destination": "a"}
    answer = lenient.post("/download", [one, one, one])

    assert answer.content == {"totalSucceeded": 3, "totalErrors": 0, "errors": []}
    assert len(origin.seen("/bytes/5/twice")) == 1


def test_of_two_urls_with_one_destination_the_second_is_an_error(lenient, origin):
    """
    Both cannot be kept, and which one was would be chance.
    """
    listed = [
        {"url": origin.url(f"/bytes/{size}"), "destination": "a"} for size in (5, 6)
    ]
    answer = lenient.post("/download", listed)
    (error,) = answer.content["errors"]

    assert answer.content["totalSucceeded"] == 1
    assert (error["url"], error["outcome"]) == (listed[1]["url"], "duplicate")
    assert "same name as body[0]" in error["errorMessage"]


def test_10_000_urls_fit_into_the_usual_five_minutes(lenient, endpoint):
    url = f"{endpoint.origin_url}/1000/"
    numbers = map(str, range(10_000))
    listed = [{"url": f"{url}{n}.jpg", "destination": n} for n in numbers]
    answer = lenient.post("/download", listed)

    assert answer.content == {"totalSucceeded": 10_000, "totalErrors": 0, "errors": []}


def test_a_bucket_keeps_what_was_downloaded(endpoint, target, origin):
    listed = [{"url": origin.url("/bytes/5"), "destination": "cats/1.jpg"}]
    with service(
        endpoint.endpoint_url, "kept", bucket="kept-files", environment=PRIVATE
    ) as one:
        answer = one.post("/download", listed)
    (kept,) = target.client("s3").list_objects_v2(Bucket="kept-files")["Contents"]

    assert answer.content == {"totalSucceeded": 1, "totalErrors": 0, "errors": []}
    assert kept["Key"].startswith("files/")
    assert kept["Key"].endswith("/cats/1.jpg")
    assert kept["Size"] == 5


def test_a_function_with_a_url_still_downloads_shards(lenient, target, origin):
    source = Template(origin.url("/bytes/5/{number}"), ((0, 3),))
    options = Options(allow_private=True)
    shard = Shard(run="r", index=0, source=source, options=options)
    client = target.client("lambda")
    answer = client.invoke(FunctionName=lenient.name, Payload=shard.to_json())

    assert json.load(answer["Payload"])["tally"]["counts"]["ok"] == 3
