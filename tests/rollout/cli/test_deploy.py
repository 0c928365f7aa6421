"""`rollout deploy`: options into the function that is wanted."""

import json
import os
import signal
import subprocess
import sys

import pytest
from tests.support.http_proxy import HttpProxy
from tests.support.waiting import WAIT_S

from aws_facts.prices import price
from rollout.__main__ import main
from rollout.cli import deploy as deploy_command
from rollout.deploy.deployment import Deployed, FunctionSpec, left
from rollout.target.connection import connect

POINT = (
    "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/"
    "fsap-0123456789abcdef0"
)


@pytest.fixture
def wanted(monkeypatch, endpoint):
    """Run the command up to deploying, and return what would be deployed."""
    asked = []

    def deploy(_, spec):
        asked.append(spec)
        return Deployed(name=spec.name)

    monkeypatch.setattr(deploy_command.deployment, "deploy", deploy)

    def run(*options):
        url = ("--endpoint-url", endpoint.endpoint_url)
        status = main(["deploy", *url, *options])
        return status, asked.pop() if asked else None

    return run


def test_without_options_the_defaults_are_deployed_and_printed_as_json(wanted, capsys):
    assert wanted() == (0, FunctionSpec())
    output = capsys.readouterr()
    assert json.loads(output.out)["name"] == FunctionSpec().name
    assert output.err == "nothing had to be changed\n"


def test_sizes_surroundings_and_tags_are_passed_on(wanted):
    _, spec = wanted(
        *("--name", "mine", "--memory-mb", "512", "--timeout-s", "30"),
        *("--tmp-mb", "1024", "--architecture", "x86_64", "--log-retention-days", "1"),
        *("--environment", "A=1", "--environment", "B=x=y", "--tag", "owner=me"),
        *("--bucket", "photos/2026", "--source", "others", "--source", "more/x"),
    )

    assert spec == FunctionSpec(
        name="mine",
        memory_mb=512,
        timeout_s=30,
        tmp_mb=1_024,
        architecture="x86_64",
        log_retention_days=1,
        environment={"A": "1", "B": "x=y"},
        tags={"owner": "me"},
        bucket="photos/2026",
        sources=("others", "more/x"),
    )


def test_a_url_is_for_signed_requests_and_makes_it_a_service(wanted):
    _, spec = wanted("--url")
    assert (spec.url, spec.handler) == ("AWS_IAM", "fetcher.service.api.handle")
    assert spec.environment == {}

    _, spec = wanted("--url", "NONE", "--bucket", "photos")
    assert spec.url == "NONE"
    assert spec.environment == {"FETCHER_BUCKET": "photos"}


def test_a_network_and_a_file_system_are_passed_on_and_what_a_nat_costs_is_told(
    wanted, capsys, monkeypatch
):
    monkeypatch.setattr(deploy_command, "price", lambda name, _: price(name, "x"))
    _, spec = wanted(
        *("--subnet", "subnet-1", "--subnet", "subnet-2"),
        *("--security-group", "sg-1", "--efs", POINT, "--efs-mount", "/mnt/photos"),
    )

    told = capsys.readouterr().err
    assert spec.vpc.subnets == ("subnet-1", "subnet-2")
    assert spec.vpc.security_groups == ("sg-1",)
    assert (spec.efs.access_point, spec.efs.mount) == (POINT, "/mnt/photos")
    assert "at $0.045 for every GB downloaded (assumed: us-east-1's price)" in told


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--environment", "A"), "'A' is not NAME=VALUE"),
        (("--tag", "=x"), "'=x' is not NAME=VALUE"),
        (("--url", "--bucket", "photos/x"), "'photos/x' has a prefix"),
        (("--subnet", "subnet-1"), "security groups are none"),
        (("--efs", POINT), "name subnets and security groups"),
    ],
)
def test_what_cannot_be_deployed_is_refused_in_one_line(
    wanted, capsys, options, sentence
):
    assert wanted(*options) == (2, None)
    output = capsys.readouterr().err
    assert sentence in output
    assert output.count("\n") == 1


class Signalling(HttpProxy):
    """Sends a process a signal once it has created a function."""

    created = False

    def handle(self, request, body):
        if self.created:
            os.kill(self.pid, self.number)
            self.created = False
        self.pass_on(request, body)
        self.created = request.path.endswith("/functions") or self.created


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_undoes_a_deployment(endpoint, function_name, number):
    """Batch systems send SIGTERM, people Ctrl-C."""
    with Signalling(endpoint.endpoint_url) as proxy:
        command = [sys.executable, "-m", "rollout", "deploy", "--name", function_name]
        with subprocess.Popen(
            [*command, "--endpoint-url", proxy.url], stderr=subprocess.PIPE, text=True
        ) as process:
            proxy.pid, proxy.number = process.pid, number
            _, said = process.communicate(timeout=WAIT_S)

    assert said == (
        "Undoing the deployment; this can take a minute.\n"
        "rollout: interrupted: the deployment was undone.\n"
    )
    assert process.returncode == 130
    assert left(connect("local", endpoint.endpoint_url), function_name) == []
