"""`make lab`: its options have these names in the installed JupyterLab."""

import re
import sys
from pathlib import Path

from jupyter_server.services.kernels.kernelmanager import MappingKernelManager

from experiment.parameters.project_root import root

MAKEFILE = (root() / "Makefile").read_text()
SCRIPTS = Path(sys.prefix, "share", "jupyter", "lab", "static").glob("jlab_core.*.js")


def test_the_plugin_that_opens_lab_with_a_question_about_news_is_switched_off():
    (plugin,) = re.findall(r'"disabledExtensions": \{"(.+?)": true\}', MAKEFILE)

    assert any(f'id:"{plugin}"' in script.read_text() for script in SCRIPTS)


def test_kernels_get_keys_so_that_none_complains_about_plain_text():
    (name, value) = re.findall(r"--MappingKernelManager\.(\w+)=(\w+)", MAKEFILE)[0]

    assert value in MappingKernelManager.class_traits(config=True)[name].values
