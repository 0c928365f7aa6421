"""Examples in docstrings hold."""

import doctest
import importlib
import pkgutil

import pytest

import aws_facts
import experiment
import fetcher
import local_aws
import origin
import rollout

NAMES = [
    module.name
    for package in (fetcher, aws_facts, origin, local_aws, rollout, experiment)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_module_hold(name):
    failed, _ = doctest.testmod(importlib.import_module(name))

    assert failed == 0
