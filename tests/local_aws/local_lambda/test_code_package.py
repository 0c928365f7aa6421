"""A deployment package on disk: always unpacked from its own zip, compiled once."""

import asyncio
import compileall
import errno
import io
import os
import shutil
import stat
import zipfile
from dataclasses import replace

import pytest
from tests.support.full_disk import no_file_larger_than
from tests.support.lambda_api import refused
from tests.support.lambda_functions import ECHO, request_for, zipped

from aws_facts.limits import limit
from local_aws.local_lambda.errors import LambdaError
from local_aws.local_lambda.functions import registry
from local_aws.local_lambda.runtime import code_package
from local_aws.local_lambda.runtime.code_package import _unpack


def zip_with(links, files):
    buffer = io.BytesIO(zipped(files))
    with zipfile.ZipFile(buffer, "a") as archive:
        for name, target in links.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(member, target)
    return buffer.getvalue()


def test_a_zip_that_is_deployed_again_is_compiled_already(zip_of, tmp_path):
    def unpacked(text):
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        return _unpack(zip_of(text), folder, room=9_000).task_root

    def compiled(root):
        return {path.stat().st_ino for path in root.rglob("*.pyc")}

    first = unpacked("x = 1")
    compileall.compile_dir(first, quiet=2)
    again, other = unpacked("x = 1"), unpacked("x = 2")
    compileall.compile_dir(again, quiet=2)  # finds nothing to do

    assert compiled(again) == compiled(first) != set()
    assert compiled(other) == set()
    shutil.rmtree(again)
    assert (unpacked("x = 1") / "main.py").read_text() == "x = 1"


def test_symbolic_links_are_links(tmp_path):
    """Layers of shared libraries are zipped with theirs."""
    content = zip_with({"lib/a.so": "a.so.1", "tools": "bin"}, {"lib/a.so.1": "code"})
    root = _unpack(content, tmp_path / "code", room=9_000).task_root

    assert (root / "lib/a.so").readlink().name == "a.so.1"
    assert (root / "lib/a.so").read_text() == "code"
    assert (root / "tools").is_symlink()


def test_nothing_is_written_through_a_link(tmp_path):
    (tmp_path / "theirs").mkdir()
    content = zip_with({"out": str(tmp_path / "theirs")}, {})
    buffer = io.BytesIO(content)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("out/file", "text")
    with pytest.raises(LambdaError, match="Could not unzip"):
        _unpack(buffer.getvalue(), tmp_path / "code", room=9_000)

    assert list((tmp_path / "theirs").iterdir()) == []


def test_a_full_disk_is_not_the_zips_fault_and_keeps_nothing(tmp_path):
    content = zipped({"app.py": ECHO, "data": "x" * 200_000})
    with (
        no_file_larger_than(100_000),
        pytest.raises(OSError, match=os.strerror(errno.EFBIG)),
    ):
        asyncio.run(code_package.store(content, tmp_path))

    assert list(tmp_path.iterdir()) == []


def test_only_what_is_sent_with_the_call_may_not_be_large(
    client, client_of, deploy, monkeypatch
):
    """S3 is for what is larger."""
    few = replace(limit("zip_bytes"), most=10)
    monkeypatch.setattr(registry, "limit", lambda _: few)
    client_of("s3").create_bucket(Bucket="code")
    client_of("s3").put_object(Bucket="code", Key="a", Body=zipped({"app.py": ECHO}))
    function = deploy(ECHO, Code={"S3Bucket": "code", "S3Key": "a"})
    status, _, message = refused(client.create_function, **request_for("no", ECHO))

    assert function(1) == (1, None)
    assert (status, message) == (413, "Zipped size must be smaller than 10 bytes")
