"""Versions and aliases: when they settle, what they share, and when code goes."""

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.lambda_api import eventually, refused
from tests.support.lambda_functions import ECHO, GATE, zipped
from tests.support.waiting import WAIT_S

from local_aws.local_lambda.functions import version_state
from local_aws.local_lambda.functions.alias import Alias
from local_aws.local_lambda.requests.paging import page
from local_aws.local_lambda.requests.service_model import Call
from local_aws.local_lambda.runtime import code_package

WHERE = "import os\ndef run(event, context): return os.environ['LAMBDA_TASK_ROOT']\n"


def test_a_function_that_is_changing_is_not_published(deploy, monkeypatch):
    monkeypatch.setattr(version_state, "CHANGE_S", WAIT_S)
    function = deploy(ECHO)
    function.update_function_configuration(Timeout=9)
    status, code, message = function.refused("publish_version")

    assert (status, code) == (409, "ResourceConflictException")
    assert "An update is in progress" in message


def test_the_same_code_and_settings_are_the_same_version(deploy):
    function = deploy(ECHO)
    function.publish_version()
    for timeout in (9, 3):
        function.update(Timeout=timeout)
    function.recode(ECHO)

    assert function.publish_version()["Version"] == "1"


def test_code_goes_when_no_version_has_it_any_more(deploy):
    """A function that is deployed again and again must not fill the disk."""
    function = deploy(WHERE)
    replaced = Path(function()[0])
    function.recode(f"{WHERE}# 2\n")
    function.publish_version()
    published = Path(function.at("1")()[0])
    function.recode(f"{WHERE}# 3\n")
    latest = Path(function()[0])
    eventually(lambda: not replaced.exists())
    before = published.exists(), latest.exists()
    function.delete_function(Qualifier="1")
    eventually(lambda: not published.exists())

    assert before == (True, True)
    assert function() == (str(latest), None)


def test_code_for_a_function_that_is_deleted_meanwhile_is_refused(
    client, deploy, monkeypatch
):
    """Both remove what was unpacked: one after the other, or one would fail."""
    function = deploy(ECHO)
    store, rmtree = code_package.store, shutil.rmtree
    stored, deletions, is_removed = [], [], Event()
    other = zipped({"app.py": WHERE})

    def is_gone():
        listed = client.list_functions()["Functions"]
        return function not in [one["FunctionName"] for one in listed]

    async def store_slowly(*args):
        package = await store(*args)
        stored.append(package.folder)
        deletions.append(thread.submit(function.delete_function))
        await asyncio.to_thread(eventually, is_gone)
        return package

    def remove(folder, **options):
        if folder in stored:
            is_removed.wait(0.1)  # if the deletion does not wait for us
        rmtree(folder, **options)
        if stored and folder == stored[0].parent:
            is_removed.set()

    monkeypatch.setattr(code_package, "store", store_slowly)
    monkeypatch.setattr(shutil, "rmtree", remove)
    with ThreadPoolExecutor(1) as thread:
        status, code, _ = function.refused("update_function_code", ZipFile=other)

    assert (status, code) == (404, "ResourceNotFoundException")
    assert deletions[0].result()
    assert not stored[0].parent.exists()


def usage(client):
    return client.get_account_settings()["AccountUsage"]


def test_a_running_call_survives_the_deletion_of_its_version(
    client, deploy, shared_folder
):
    before = usage(client)["TotalCodeSize"]
    function = deploy(GATE, Timeout=30)
    function.publish_version()
    function.recode(ECHO)
    gate = shared_folder / "gate"
    function.at("1").send(gate)
    eventually(gate.with_suffix(".entered").exists)
    function.delete_function(Qualifier="1")
    gone = function.at("1").refused("invoke")
    left = usage(client)["TotalCodeSize"] - before
    gate.touch()

    assert gone[:2] == (404, "ResourceNotFoundException")
    assert left == len(zipped({"app.py": ECHO}))


def test_all_versions_count_for_the_account(client, deploy):
    before = usage(client)
    deploy(ECHO).publish_version()
    after = usage(client)
    size = after["TotalCodeSize"] - before["TotalCodeSize"]

    assert size == 2 * len(zipped({"app.py": ECHO}))
    assert after["FunctionCount"] - before["FunctionCount"] == 1


def test_reserved_concurrency_is_shared_by_all_versions(deploy, busy):
    function = deploy(GATE, Timeout=30)
    function.publish_version()
    function.reserve(1)
    with busy(function.at("1")):
        refusal = function.refused("invoke")

    assert refusal == (429, "TooManyRequestsException", "Rate Exceeded.")


def test_another_accounts_function_cannot_be_used(client, deploy):
    named = f"arn:aws:lambda:us-east-1:999999999999:function:{deploy(ECHO)}"
    status, code, message = refused(client.invoke, FunctionName=named)

    assert (status, code) == (403, "AccessDeniedException")
    assert "999999999999" in message


@given(st.sets(st.text("ab1:", min_size=1, max_size=4)), st.integers(1, 5))
def test_pages_together_are_the_whole_list_in_order(keys, size):
    shown, answer = [], {"NextMarker": ""}
    while "NextMarker" in answer:
        parameters = {"MaxItems": size, "Marker": answer["NextMarker"]}
        call = Call("ListAny", parameters, "us-east-1")
        answer = page(call, "Keys", {key: key for key in keys})
        shown += answer["Keys"]
        assert len(answer["Keys"]) == size or "NextMarker" not in answer

    assert shown == sorted(keys)


@pytest.mark.parametrize(("weight", "version"), [(0.0, "1"), (1.0, "2")])
def test_a_share_of_nothing_or_all_is_kept_exactly(weight, version):
    alias = Alias("canary", "1", "", {"2": weight})

    assert {alias.pick() for _ in range(1000)} == {version}
