"""Local endpoints: how they start, why they do not, and that they go."""

import http.client
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

import psutil
import pytest
from tests.support.child_processes import alive, child_with, family_of, kill
from tests.support.served_endpoint import serving
from tests.support.urllib_http import fetch
from tests.support.waiting import eventually

from local_aws.endpoint_error import EndpointError
from rollout.__main__ import main
from rollout.deploy.deployment import FunctionSpec, deploy
from rollout.target.connection import connect
from rollout.target.local_endpoint import local_endpoint


def test_an_endpoint_that_does_not_answer_is_one_line(capsys, silent_url):
    assert main(["status", "--endpoint-url", silent_url]) == 2
    assert silent_url in capsys.readouterr().err


def test_a_port_that_is_taken_is_one_line(capsys, silent_socket):
    port = str(silent_socket.getsockname()[1])

    assert main(["serve", "--port", port]) == 2
    err = capsys.readouterr().err
    assert err.startswith("rollout: ")
    assert err.count("\n") == 1
    assert f"port {port} of 127.0.0.1: Address already in use. Choose another" in err
    assert err.count("127.0.0.1") == 1


@pytest.mark.parametrize("port", ["99999", "-1"])
@pytest.mark.parametrize("more", [[], ["--origin"]])
def test_a_port_that_cannot_be_is_one_line(capsys, port, more):
    assert main(["serve", "--port", port, *more]) == 2
    assert capsys.readouterr().err == (
        f"rollout: The local endpoint cannot listen on port {port}: ports are 1 to "
        "65,535, and 0 is any free one.\n"
    )


def test_a_killed_parent_takes_its_endpoint_along(tmp_path):
    """A notebook's kernel that is killed leaves no server, no executions, no zygote."""
    script = (
        "from rollout.target.local_endpoint import local_endpoint\n"
        "with local_endpoint() as endpoint:\n"
        "    print(endpoint.endpoint_url, flush=True)\n"
        "    input()\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    ) as parent:
        assert parent.stdout.readline()
        _, *children = family_of(parent.pid)
        parent.kill()

    _, alive = psutil.wait_procs(children, timeout=20)
    assert children
    assert alive == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.soak
def test_an_endpoint_none_of_whose_processes_ends_by_itself_has_time_to_kill_them(
    tmp_path, monkeypatch, zip_of
):
    """One that is killed first leaves its folder, and processes that hang."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with local_endpoint() as endpoint:
        target = connect("local", endpoint.endpoint_url, keys=endpoint.keys)
        spec = FunctionSpec(name="t-hangs", handler="main.handler")
        deploy(target, spec, code=zip_of("def handler(*_): pass\n"))
        (folder,) = tmp_path.iterdir()
        pid = psutil.Process().children()[-1].pid
        _, *children = family_of(pid)
        for child in children:
            child.suspend()
    left = [child for child in children if alive(child)]
    for child in left:
        child.kill()

    assert len(children) == 3  # moto, the origin, a zygote
    assert (left, folder.exists()) == ([], False)


def test_an_endpoint_that_dies_at_once_is_not_called_slow(monkeypatch, tmp_path):
    stand_in = tmp_path / "python"
    stand_in.write_text("#!/bin/sh\necho No module named moto. >&2\nexit 3\n")
    stand_in.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    with pytest.raises(EndpointError) as caught, local_endpoint():
        pass

    assert str(caught.value) == (
        "The local endpoint ended at its start (exit status 3). Its last words: No "
        "module named moto. `rollout serve` starts one in the foreground."
    )


def test_an_endpoint_that_dies_in_use_is_not_passed_over(monkeypatch, tmp_path):
    """Otherwise all one sees is "connection refused" on the notebook's next line."""
    told = ("endpoint_url", "origin_url", "access_key_id", "secret_access_key")
    stand_in = tmp_path / "python"
    said = json.dumps(dict.fromkeys(told, ""))
    stand_in.write_text(f"#!/bin/sh\necho '{said}'\nread line\n")
    stand_in.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    before = psutil.Process().children()

    def use_one_that_dies():
        with local_endpoint():
            (child,) = set(psutil.Process().children()) - set(before)
            kill(child)

    with pytest.raises(EndpointError, match="ended by itself"):
        use_one_that_dies()


def test_an_endpoint_that_dies_is_named_by_whatever_fails_for_it():
    """ "Connection refused" tells nobody what to look for."""
    before = psutil.Process().children()

    def deploy_to_one_that_dies():
        with local_endpoint(origin=False) as endpoint:
            url, check = endpoint.endpoint_url, endpoint.check
            target = connect("local", url, keys=endpoint.keys, check_alive=check)
            (child,) = set(psutil.Process().children()) - set(before)
            kill(child)
            with pytest.raises(EndpointError, match=message):
                deploy(target, FunctionSpec(name="t-nobody"), code=b"")
            raise OSError

    message = r"The local endpoint ended by itself \(signal 9\)"
    with pytest.raises(EndpointError, match=message):
        deploy_to_one_that_dies()


def test_a_serve_whose_moto_dies_ends_and_says_so(tmp_path):
    """Every call of S3 would fail, one by one. This one is under way."""
    with serving("--any-credentials", tmpdir=tmp_path) as served:
        moto = child_with(served.process.pid, "local_aws.moto_main")
        moto.suspend()
        with ThreadPoolExecutor(1) as thread:
            call = thread.submit(fetch, served.endpoint_url)
            port = urlsplit(served.endpoint_url).port
            eventually(lambda: port in ports_of_callers(served.process.pid))
            kill(moto)
            _, said = served.process.communicate(timeout=30)
            with suppress(OSError, http.client.HTTPException):
                assert b"is gone" in call.result()[2]
    *_, last = said.splitlines()

    assert served.process.returncode == 2
    assert last == (
        "rollout: moto's server, which stands for S3, IAM, STS and CloudWatch Logs, "
        "ended by itself (signal 9). What was stored is gone; start the endpoint again."
    )
    assert not any(tmp_path.iterdir())


def ports_of_callers(pid):
    """Return at which ports somebody is connected to a process."""
    found = psutil.Process(pid).net_connections("tcp")
    return {one.laddr.port for one in found if one.status == psutil.CONN_ESTABLISHED}


def test_a_serve_whose_origin_dies_ends_and_says_so():
    """Every download from it would fail, one by one, and look like the files' fault."""
    with serving("--origin") as served:
        kill(child_with(served.process.pid, "origin"))
        _, said = served.process.communicate(timeout=30)

    assert served.process.returncode == 2
    where = f"The origin at {served.told['origin_url']}"
    assert said.splitlines()[-1] == f"rollout: {where} ended by itself (signal 9)."
