"""
A function's code before its first environment: libraries imported, the rest compiled.

Loaded by path from zygote_main.py.
"""

import gc
import importlib
import os
from pathlib import Path


def preload(root: Path) -> None:
    """Import the third-party libraries that the package carries."""
    for name in sorted(_libraries(root)):
        try:
            importlib.import_module(name)
        except (Exception, SystemExit):  # noqa: BLE001
            import traceback  # noqa: PLC0415 - rarely needed, and not small

            # The handler's own import will say so to the caller, if it needs it.
            traceback.print_exc()
    gc.collect()
    gc.freeze()  # keeps the collector from copying shared pages in every child


def compile_own(root: Path) -> None:
    """
    Compile the function's own modules: environments cannot write .pyc files.

    A child does it: what it leaves in its memory would be in every environment's.
    """
    child = os.fork()
    if child == 0:
        try:
            _compile_own(root)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def _compile_own(root: Path) -> None:
    import compileall  # noqa: PLC0415 - in the child only

    libraries = _libraries(root)
    for entry in root.iterdir():
        if entry.is_symlink() or entry.stem in libraries:
            continue
        if entry.is_dir():
            compileall.compile_dir(entry, quiet=2)
        elif entry.suffix == ".py":
            compileall.compile_file(entry, quiet=2)


def _libraries(root: Path) -> set[str]:
    """Name the importable packages of distributions other than the handler's own."""
    if not any(root.glob("*.*-info")):
        return set()
    import importlib.metadata  # noqa: PLC0415 - half of a start, for most for nothing

    handler = os.environ["_HANDLER"].replace("/", ".").partition(".")[0]
    found: set[str] = set()
    for distribution in importlib.metadata.distributions(path=[str(root)]):
        tops = {
            file.parts[0].partition(".")[0]
            for file in distribution.files or ()
            if file.suffix in {".py", ".so"}
        }
        names = {name for name in tops if name.isidentifier()}
        if handler not in names:
            found |= names
    return found
