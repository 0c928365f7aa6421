"""A deployment package on disk: always unpacked from its own zip, compiled once."""

import compileall
import shutil

from local_aws.local_lambda.runtime.code_package import _unpack


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
