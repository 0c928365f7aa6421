"""The endpoint as a process: all its doors are locked, and its owner has the key."""

import contextlib
import stat
import subprocess
import sys
from pathlib import Path

import boto3
import psutil
import pytest
from tests.support.lambda_api import connect, create
from tests.support.lambda_functions import ECHO
from tests.support.served_endpoint import serving
from tests.support.urllib_http import fetch

from local_aws.local_lambda.requests import access_keys
from rollout.__main__ import main
from rollout.errors import TargetError
from rollout.target.connection import connect as connect_target


@pytest.mark.usefixtures("aws")
def test_moto_listens_on_a_private_socket_only():
    """It checks no signatures."""
    motos = [
        child
        for child in psutil.Process().children()
        if "local_aws.moto_main" in child.cmdline()
    ]

    assert motos  # more than one if another module's endpoint is still here
    for moto in motos:
        path = Path(moto.cwd(), moto.cmdline()[-1])
        sockets = moto.net_connections("inet")
        assert not [one for one in sockets if one.status == psutil.CONN_LISTEN]
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        assert "-P" in moto.cmdline()


def test_a_module_in_the_working_directory_is_not_ours(tmp_path):
    """A file called flask.py or docker.py was run by the endpoint."""
    names = ("flask", "docker", "org", "moto", "werkzeug", "boto3", "rollout")
    for name in names:
        tmp_path.joinpath(f"{name}.py").write_text("open('ran', 'w').close()\n")
    script = (
        "from rollout.target.local_endpoint import local_endpoint\n"
        "with local_endpoint():\n"
        "    pass\n"
    )
    command = [sys.executable, "-P", "-c", script]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)

    assert not tmp_path.joinpath("ran").exists()


def open_to_others(folder):
    """Yield what others may look at; what is below a folder of ours is out of reach."""
    for path in folder.iterdir():
        if stat.S_IMODE(path.lstat().st_mode) & 0o077:
            yield path
            if path.is_dir():
                yield from open_to_others(path)


def test_serve_prints_lines_to_paste_and_every_port_refuses_who_does_not_sign(tmp_path):
    """They are the endpoint's, the Runtime API's and the function URL's."""
    with serving(tmpdir=tmp_path) as served:
        lines = [served.process.stderr.readline() for _ in range(5)]
        pasted = dict(
            line.removeprefix("export ").strip().split("=", 1) for line in lines
        )
        with contextlib.closing(connect(served)) as client:
            function = create(client, "private", ECHO)
            url = function.url("AWS_IAM")
            function()
        files = {path.name for path in tmp_path.rglob("*")}
        open_ = list(open_to_others(tmp_path))
        server = psutil.Process(served.process.pid)
        addresses = {
            f"http://{one.laddr.ip}:{one.laddr.port}"
            for each in (server, *server.children(recursive=True))
            for one in each.net_connections("tcp")
            if one.status == psutil.CONN_LISTEN
        }
        statuses = [fetch(f"{address}/")[0] for address in addresses]
        session = boto3.Session(
            *(pasted[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")),
            *(pasted[f"AWS_{name}"] for name in ("SESSION_TOKEN", "DEFAULT_REGION")),
        )
        with contextlib.closing(
            session.client("sts", endpoint_url=pasted["AWS_ENDPOINT_URL"])
        ) as sts:
            account = sts.get_caller_identity()["Account"]

    for name in ("access_key_id", "secret_access_key"):
        assert pasted[f"AWS_{name.upper()}"] == served.told[name]
    assert account == "123456789012"
    assert {"code.zip", "app.py"} < files
    assert open_ == []
    assert {served.endpoint_url, url.rstrip("/")} < addresses
    assert statuses == [403, 403, 403]


def test_any_credentials_admits_all_but_web_pages():
    with serving("--any-credentials") as served:
        url = f"{served.endpoint_url}/2015-03-31/functions/"
        warning = served.process.stderr.readline()
        anybody = fetch(url)[0]
        page = fetch(url, Origin="https://example.org")[0]
        image = fetch(url, Sec_Fetch_Site="cross-site")[0]
        strangers = connect_target(
            "local", served.endpoint_url, keys=access_keys.KeyPair("x", "y")
        )
        buckets = strangers.client("s3").list_buckets()["Buckets"]

    assert warning.startswith(
        "rollout: warning: --any-credentials accepts every request"
    )
    assert (anybody, page, image) == (200, 403, 403)
    assert buckets == []


def test_without_the_pair_the_error_says_to_paste_it(aws, monkeypatch, capsys):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(TargetError, match="Paste the `export` lines"):
        connect_target("local", aws.endpoint_url)

    assert main(["status", "--endpoint-url", aws.endpoint_url]) == 2
    assert "`rollout serve` printed" in capsys.readouterr().err


def test_a_secret_is_in_no_representation():
    keys = access_keys.KeyPair.random()

    assert keys.secret_access_key not in repr(keys)
    assert keys != access_keys.KeyPair.random()
