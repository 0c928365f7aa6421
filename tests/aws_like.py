"""
`make aws-like`: the zips that go to AWS, in a root like Lambda's, with its own client.

For each architecture: the zip is built as for AWS, looked at, and run by Debian 13's
Python 3.13 with AWS's runtime client, as a user who may write to /tmp only. It
downloads with every engine into every sink, over HTTPS too, and is a service. What
cannot be had here is skipped, and the reason printed. It takes some minutes; root, and
Debian's packages mmdebstrap and qemu-user-static.
"""

import argparse
import itertools
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.support import libraries
from tests.support.certificates import Authority
from tests.support.lambda_root import LambdaRoot, NotHereError
from tests.support.misbehaving_origin import Origin
from tests.support.runtime_api import RuntimeApi

from fetcher.contract.options import ENGINES, SINKS, Options, SinkSpec
from fetcher.contract.shard_messages import Report, Shard
from fetcher.contract.template_source import Template
from fetcher.service import settings
from rollout.bundle.archive import files_in
from rollout.bundle.build import build
from rollout.target.connection import connect
from rollout.target.local_endpoint import local_endpoint
from rollout.target.runtime_platform import ARCHITECTURES, LAMBDA

HANDLER = "fetcher.service.api.handle"  # takes shards, too
BUCKET = "aws-like"
FILES = 20
ANSWERS_WITHIN_S = 240  # under qemu, with other work beside it


class Machine:
    """
    What functions are tried against: a local endpoint, and two origins.

    Attributes:
        url, https_url: Templates of files of 10 kB.

        environ: For functions.

        authority: The certificate that HTTPS here stands on.
    """

    def __enter__(self):
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            authority = Authority(Path(folder))
            self.authority = authority.path.read_bytes()
            endpoint = stack.enter_context(local_endpoint())
            secure = stack.enter_context(Origin(authority.context()))
            self.url = f"{endpoint.origin_url}/10000/{{number}}.jpg"
            self.https_url = secure.url("/bytes/10000/{number}")
            self.environ = endpoint.keys.environ() | {
                "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": endpoint.endpoint_url,
                settings.BUCKET: BUCKET,
                settings.ALLOW_PRIVATE: "true",
            }
            target = connect("local", endpoint.endpoint_url, keys=endpoint.keys)
            self.s3 = target.client("s3")
            self.s3.create_bucket(Bucket=BUCKET)
            self._held = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._held.close()

    def objects(self, prefix):
        """Return how many objects there are below a prefix."""
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return found["KeyCount"]


def shards(machine, architecture):
    """Yield what to try: its name, an event, and what to check of the report."""
    schemes = {"http": machine.url, "https": machine.https_url}
    for engine, sink, scheme in itertools.product(ENGINES, SINKS, schemes):
        if scheme == "https" and sink != "discard":
            continue
        name = f"{architecture}-{engine}-{sink}-{scheme}"
        path = f"s3://{BUCKET}/{name}" if sink.startswith("s3") else ""
        shard = Shard(
            run=name,
            index=0,
            source=Template(text=schemes[scheme], ranges=((0, FILES),)),
            sink=SinkSpec(kind=sink, path=path),
            options=Options(
                engine=engine, connections=8, allow_private=True, attempts=1
            ),
            deadline_s=120,
        )
        yield f"{engine}, {sink}, {scheme}", json.loads(shard.to_json())


def request(method, path, body=None):
    """Return the event of a request to the function's URL."""
    return {
        "requestContext": {"http": {"method": method}},
        "rawPath": path,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(body) if body else "",
        "isBase64Encoded": False,
    }


def try_shards(machine, invoke, architecture):
    """Yield the problems of downloads."""
    for name, event in shards(machine, architecture):
        began = time.monotonic()
        report = Report.from_dict(invoke(event))
        ok = report.tally.counts["ok"]
        took_s = time.monotonic() - began
        print(f"aws-like: {architecture}: {name}: {ok} of {FILES} ok, {took_s:.1f} s")
        if ok != FILES:
            yield f"{name}: {report.tally}"
        kept = {"s3-objects": FILES, "s3-tar": 2}.get(event["sink"]["kind"], 0)
        if kept and machine.objects(f"{event['run']}/") < kept:
            yield f"{name}: fewer than {kept} objects in S3"


def try_service(machine, invoke, architecture):
    """Yield the problems of the service."""
    described = invoke(request("GET", "/openapi.json"))
    if described["statusCode"] != 200:
        yield f"openapi.json: {described}"
    urls = [machine.url.format(number=number) for number in range(FILES)]
    body = [{"url": url} for url in urls]
    answer = invoke(request("POST", "/download", body))
    print(f"aws-like: {architecture}: POST /download: {answer['body'][:200]}")
    if json.loads(answer["body"]).get("totalSucceeded") != FILES:
        yield f"POST /download: {answer}"


def try_architecture(architecture, machine, folder):
    """Return the problems of one architecture's zip; the folder is for roots."""
    zipped = build(LAMBDA.runtime, architecture, installed=False)
    files = files_in(zipped)
    lacking = list(libraries.problems(files, architecture))
    print(f"aws-like: {architecture}: {len(zipped):,} bytes, {len(files):,} files")
    root = LambdaRoot(folder, architecture)
    print(f"aws-like: {root}")
    root.trusts(machine.authority)
    root.deploy(files)
    root.compile()
    with RuntimeApi() as api:
        environ = {"AWS_LAMBDA_RUNTIME_API": api.address} | machine.environ
        process = root.start(HANDLER, environ)
        invoke = partial(api.invoke, process=process, within_s=ANSWERS_WITHIN_S)
        try:
            return [
                *lacking,
                *try_shards(machine, invoke, architecture),
                *try_service(machine, invoke, architecture),
            ]
        except RuntimeError as error:
            process.kill()
            said = process.stdout.read()
            return [f"{error}; it said: {said[-2_000:]}"]
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def main():
    parser = argparse.ArgumentParser(
        prog="python -m tests.aws_like",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--architecture", choices=ARCHITECTURES, action="append")
    wanted = parser.parse_args().architecture or ARCHITECTURES
    problems, tried = [], 0
    with Machine() as machine:
        for architecture in wanted:
            try:
                with tempfile.TemporaryDirectory("-aws-like", dir="/var/tmp") as folder:
                    found = try_architecture(architecture, machine, Path(folder))
            except NotHereError as reason:
                print(f"aws-like: {architecture}: skipped: {reason}")
                continue
            except OSError as error:
                found = [str(error)]
            tried += 1
            problems += [f"{architecture}: {one}" for one in found]
            print(f"aws-like: {architecture}: {'failed' if found else 'passed'}")
    if not tried:
        problems.append("nothing was tried")
    for one in problems:
        print(f"aws-like: {one}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
