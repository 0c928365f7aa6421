"""Examples in docstrings hold."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import aws_facts
import experiment
import fetcher
import local_aws
import origin
import rollout

PACKAGES = (fetcher, aws_facts, origin, local_aws, rollout, experiment)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_the_examples_of_a_package_hold(package):
    tried = 0
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if found.name.endswith("__main__"):
            continue
        module = importlib.import_module(found.name)
        # To look for examples in a module takes longer than to try them.
        if ">>>" in inspect.getsource(module):
            failed, examples = doctest.testmod(module)
            assert failed == 0, found.name
            tried += examples

    assert tried > 0
