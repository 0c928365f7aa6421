import subprocess
import zipfile

import pytest
from tests.support import wheelhouse
from tests.support.wheelhouse import ARM

from rollout.bundle import build, wheels
from rollout.bundle.archive import files_in
from rollout.bundle.requirements import closure
from rollout.bundle.wheels import fetched
from rollout.errors import BundleError

pytestmark = pytest.mark.usefixtures("whole_zips")


def fail(*_, **__):
    pytest.fail("pip was started")


def test_wheels_are_fetched_for_lambdas_python_and_machine(monkeypatch, wheels_folder):
    """
    What is installed here would not even be found there: modules carry the version.
    """
    wheelhouse.offer(monkeypatch, wheels_folder)

    files = files_in(build.build(*ARM))
    extensions = [name for name in files if ".cpython-" in name]

    assert "pycurl/_pycurl.cpython-313-aarch64-linux-gnu.so" in files
    assert all("-313-aarch64-" in name for name in extensions)
    assert "fetcher/handler.py" in files
    assert not [name for name in files if name.endswith(("RECORD", "INSTALLER"))]


def test_the_same_versions_are_fetched_once_and_others_anew(monkeypatch, wheels_folder):
    """A grid deploys for every setting, and pip takes seconds."""
    wheelhouse.offer(monkeypatch, wheels_folder)
    first = build.build(*ARM)
    monkeypatch.setattr(subprocess, "run", fail)

    assert build.build(*ARM) == first
    with pytest.raises(pytest.fail.Exception, match="pip was started"):
        fetched(closure(ARM.environment())[1:], ARM)


def test_what_was_kept_and_is_damaged_is_fetched_again(monkeypatch, tmp_path):
    kept = wheelhouse.offer(monkeypatch, tmp_path)
    first = fetched(["pycurl"], ARM)
    (path,) = kept.iterdir()
    path.write_bytes(b"no zip")

    assert fetched(["pycurl"], ARM) == first
    assert zipfile.is_zipfile(path)


def test_where_nothing_can_be_kept_wheels_are_fetched_all_the_same(
    monkeypatch, tmp_path
):
    wheelhouse.offer(monkeypatch, tmp_path)
    tmp_path.joinpath("file").touch()
    monkeypatch.setattr(wheels, "CACHE", tmp_path / "file" / "kept")

    assert "pycurl/__init__.py" in fetched(["pycurl"], ARM)


def test_a_wheel_that_is_not_the_locked_one_is_refused(monkeypatch, tmp_path):
    wheelhouse.offer(monkeypatch, tmp_path)
    (wheel,) = tmp_path.glob("pycurl-*.whl")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("pycurl/more.py", "")

    with pytest.raises(BundleError, match="DO NOT MATCH THE HASHES"):
        fetched(["pycurl"], ARM)


def test_wheels_that_lambda_could_not_import_are_refused(monkeypatch, tmp_path):
    """There they would fail in the first invocation: `invalid ELF header`."""
    tag = "cp313-cp313-musllinux_1_2_aarch64"
    kept = wheelhouse.offer(monkeypatch, tmp_path, tag=tag)

    with pytest.raises(BundleError, match="built for cp313-cp313-musl"):
        fetched(["pycurl"], ARM)
    assert not kept.exists()


FOREIGN = wheelhouse.LIBRARY.replace(b"\xb7", b"\x3e")


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (
            {f"{n}.so": FOREIGN for n in range(9)},
            "python3.13 on arm64: .* which is for another machine; and [0-9]+ more",
        ),
        (
            {"x.so": wheelhouse.LIBRARY + b"\x00GLIBC_2.17\x00GLIBC_2.38\x00"},
            "which needs glibc 2.38",
        ),
        (
            {"a/b.cpython-312-aarch64-linux-gnu.so": wheelhouse.LIBRARY},
            r"b\.cpython-312.* for another Python",
        ),
    ],
)
def test_libraries_for_another_system_are_noticed(files, sentence):
    with pytest.raises(BundleError, match=sentence):
        ARM.check(files)


def test_a_library_at_the_oldest_glibc_passes():
    ARM.check({"libx.so.1": wheelhouse.LIBRARY + b"GLIBC_2.34"})


def test_what_is_installed_here_may_be_of_no_use_there(monkeypatch, wheels_folder):
    """Somebody compiled it, against libraries that Lambda has not."""
    wheelhouse.offer(monkeypatch, wheels_folder)
    monkeypatch.setattr(build, "machine", lambda: (*ARM, "linux"))
    library = "pycurl/_pycurl.cpython-313-aarch64-linux-gnu.so"

    assert files_in(build.build(*ARM, installed=False))[library] == wheelhouse.LIBRARY
    monkeypatch.setattr(subprocess, "run", fail)
    assert wheelhouse.LIBRARY not in files_in(build.build(*ARM)).values()
