"""Layers: published in versions, found by functions, kept by those that have them."""

import asyncio
import contextlib
import io
import zipfile

import pytest
from tests.support.lambda_api import connect, layers_of, refused
from tests.support.lambda_functions import ECHO, request_for, zipped

from local_aws.local_lambda.runtime import code_package

LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:words"
ASKS = (
    "import os, words\n"
    "def run(event, context): return [words.WORD, os.popen('say').read().strip()]\n"
)


def content(word):
    """Return a layer with a module and a program that know a word."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("python/words.py", f"WORD = {word!r}\n")
        program = zipfile.ZipInfo("bin/say")
        program.external_attr = 0o755 << 16
        archive.writestr(program, f"#!/bin/sh\necho {word}\n")
    return buffer.getvalue()


@pytest.fixture
def publish(client):
    """Publish a layer that knows a word; it is removed afterwards."""
    with layers_of(client) as publish:
        details = {"CompatibleRuntimes": ["python3.13"]}
        yield lambda word: publish("words", content(word), **details)


def test_a_function_finds_modules_and_programs_in_its_layers(client, publish, deploy):
    """
    lithops and others put what functions have in common there, as do teams.
    """
    first, second = publish("one"), publish("two")
    function = deploy(ASKS, Layers=[first["LayerVersionArn"]])
    shown = function.shown()["Layers"]
    assert function() == (["one", "one"], None)

    function.update(Layers=[second["LayerVersionArn"]])
    client.delete_layer_version(LayerName="words", VersionNumber=second["Version"])
    assert function() == (["two", "two"], None)
    function.update(MemorySize=256)
    assert function() == (["two", "two"], None)

    sizes = {"CodeSize": first["Content"]["CodeSize"]}
    assert shown == [{"Arn": first["LayerVersionArn"]} | sizes]
    assert [one["Version"] for one in _versions(client)] == [first["Version"]]
    (listed,) = client.list_layers(CompatibleRuntime="python3.13")["Layers"]
    assert listed["LayerArn"] == LAYER
    assert listed["LatestMatchingVersion"]["Version"] == first["Version"]
    assert client.list_layers(CompatibleRuntime="python3.11")["Layers"] == []
    found = client.get_layer_version(LayerName=LAYER, VersionNumber=first["Version"])
    assert found["Content"]["CodeSha256"] == first["Content"]["CodeSha256"]


def test_two_versions_of_one_layer_are_refused(client, publish):
    both = [publish(word)["LayerVersionArn"] for word in ("one", "two")]
    answer = refused(client.create_function, **request_for("no", ASKS, Layers=both))

    assert "Two different versions of the same layer" in str(answer)


def test_a_layer_that_is_not_there_is_refused(client):
    gone = f"{LAYER}:99"
    status, code, message = refused(
        client.create_function, **request_for("no", ASKS, Layers=[gone])
    )

    assert (status, code) == (400, "InvalidParameterValueException")
    assert message == f"Layer version {gone} does not exist."
    assert refused(client.get_layer_version_by_arn, Arn=gone)[0] == 404


def test_layers_of_other_accounts_and_regions_are_not_ours(aws, client, publish):
    number = publish("one")["Version"]
    account = LAYER.replace("123456789012", "999999999999")
    region = LAYER.replace("us-east-1", "eu-west-1")
    for arn, status in ((account, 403), (region, 404)):
        named = {"LayerName": arn, "VersionNumber": number}
        by_arn = {"Arn": f"{arn}:{number}"}
        assert refused(client.get_layer_version, **named)[0] == status
        assert refused(client.delete_layer_version, **named)[0] == status
        assert refused(client.get_layer_version_by_arn, **by_arn)[0] == status
    with contextlib.closing(connect(aws, region="eu-west-1")) as elsewhere:
        wanted = request_for("no", ECHO, Layers=[f"{LAYER}:{number}"])
        answer = refused(elsewhere.create_function, **wanted)

    assert answer[:2] == (400, "InvalidParameterValueException")
    assert answer[2].startswith("Layers are not in the same region as the function.")
    assert [one["Version"] for one in _versions(client)] == [number]


def test_code_is_refused_if_other_layers_came_while_it_was_unpacked(
    publish, deploy, monkeypatch
):
    """
    It was checked beside those from before; with these it may be too large.
    """
    function, layers = deploy(ECHO), [publish("one")["LayerVersionArn"]]
    before, store, stored = function.shown(), code_package.store, []

    async def store_slowly(*args):
        stored.append(await store(*args))
        await asyncio.to_thread(function.update, Layers=layers)
        return stored[-1]

    monkeypatch.setattr(code_package, "store", store_slowly)
    other = zipped({"app.py": ASKS})
    status, code, _ = function.refused("update_function_code", ZipFile=other)
    (package,) = stored

    assert (status, code) == (409, "ResourceConflictException")
    assert function.shown()["CodeSha256"] == before["CodeSha256"]
    assert not package.folder.exists()


def _versions(client):
    return client.list_layer_versions(LayerName="words")["LayerVersions"]
