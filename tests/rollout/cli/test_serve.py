"""Local endpoints: how they start, why they do not, and that they go."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

import psutil
import pytest
from tests.support.child_processes import child_with, family_of, kill

from local_aws.endpoint_process import local_endpoint
from local_aws.errors import EndpointError
from local_aws.local_lambda.requests.access_keys import KeyPair
from rollout.__main__ import main
from rollout.deploy.deploy import FunctionSpec, deploy
from rollout.target.target import connect

SERVE = [sys.executable, "-m", "rollout", "serve"]


def test_serve_announces_itself_and_ends_with_ctrl_c(tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [*SERVE, "--origin"], stdout=subprocess.PIPE, env=environment
    ) as process:
        addresses = json.loads(process.stdout.readline())
        family = family_of(process.pid)
        with urllib.request.urlopen(f"{addresses['origin_url']}/1000/1.jpg") as answer:
            body = answer.read()
        keys = KeyPair(addresses["access_key_id"], addresses["secret_access_key"])
        target = connect("local", addresses["endpoint_url"], keys=keys)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()

    assert process.returncode == 0
    assert len(body) == 1_000
    assert target.account
    assert rest == b""
    assert not [one for one in family if one.is_running()]
    assert list(tmp_path.iterdir()) == []


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
        "from local_aws.endpoint_process import local_endpoint\n"
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


def test_an_endpoint_that_dies_in_use_is_not_passed_over():
    """Otherwise all one sees is "connection refused" on the notebook's next line."""
    before = psutil.Process().children()

    def use_one_that_dies():
        with local_endpoint(origin=False):
            (child,) = set(psutil.Process().children()) - set(before)
            family.extend(child.children(recursive=True))
            child.kill()
            child.wait(10)

    family = []
    with pytest.raises(EndpointError, match="ended by itself"):
        use_one_that_dies()

    _, alive = psutil.wait_procs(family, timeout=20)
    assert family
    assert alive == []


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


def test_a_serve_whose_moto_dies_ends_and_says_so():
    """
    Every call of S3 would fail, one by one.
    """
    with subprocess.Popen(
        SERVE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        kill(child_with(process.pid, "local_aws.moto_main"))
        _, said = process.communicate(timeout=30)
    *_, last = said.splitlines()

    assert process.returncode == 2
    assert last == (
        "rollout: moto's server, which stands for S3, IAM, STS and CloudWatch Logs, "
        "ended by itself (signal 9). What was stored is gone; start the endpoint again."
    )


def test_a_serve_whose_origin_dies_ends_and_says_so():
    """Every download from it would fail, one by one, and look like the files' fault."""
    with subprocess.Popen(
        [*SERVE, "--origin"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        origin_url = json.loads(process.stdout.readline())["origin_url"]
        kill(child_with(process.pid, "origin"))
        _, message = process.communicate()

    assert process.returncode == 2
    assert message.splitlines()[-1] == (
        f"rollout: The origin at {origin_url} ended by itself (signal 9)."
    )
