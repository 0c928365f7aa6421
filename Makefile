# All commands. Each sets up .venv when needed: at first, and when the lock has changed.

PYTHON ?= python3
PY := .venv/bin/python
READY := .venv/.ready
NO_NEWS := .venv/etc/jupyter/labconfig/page_config.json
# Otherwise each kernel warns, in red, that connections on this machine are not encrypted, and
# forgets the charts that it displays, so that a page made in JupyterLab lacks some.
KERNEL := .venv/etc/ipython
UV := uv==0.13.9
# Jupyter refuses to run as root without it.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

# A stale kernel in the user's folder must not replace this environment's.
export JUPYTER_PREFER_ENV_PATH := 1
export PYTHONDONTWRITEBYTECODE :=
export MPLBACKEND :=

.DEFAULT_GOAL := help
.PHONY: help setup run million bench test test-bare soak aws-like aws-check report lint lock lab clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## install everything into .venv, as locked in requirements.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed. Choose one: make PYTHON=python3.12"; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv .venv \
	  || { echo "python3 has no venv module. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Setting up .venv (about a minute, once)"
	@{ $(PY) -m pip install -q --disable-pip-version-check $(UV) \
	  && $(PY) -m uv pip sync -q --python $(PY) --require-hashes --compile-bytecode requirements.lock; } \
	  || { echo "uv failed; trying pip"; $(PY) -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements.lock; }
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@mkdir -p $(KERNEL) && echo '{"IPKernelApp": {"log_level": "ERROR"},' \
	  '"ZMQDisplayPublisher": {"store_display_history": true}}' > $(KERNEL)/ipython_kernel_config.json
	@touch $@

run: $(READY) ## the experiment on this machine: a grid, its charts, the verdict
	@$(PY) -m experiment 30_grid

million: $(READY) ## a million files of 10 kB on this machine, each reported: a minute or two
	@$(PY) -m experiment 40_million -f notebooks/settings/40_million-local.yaml

bench: $(READY) ## fetcher beside curl, wget2, aria2c and img2dataset, where installed: up to half an hour
	@$(PY) -m experiment.bench

# Four processes even on two cores, since many tests wait. None needs nbval's plugin, which
# takes a second in each, but the one that starts another pytest.
test: $(READY) lint ## every check: lint, types, tests, notebooks
	@$(PY) -m pytest -p no:nbval -n 4 --dist loadfile --no-loadscope-reorder $(ORDER)

test-bare: ## `run` and `test` as on a new machine: no git, nginx or curl; each Python here
	@$(PYTHON) tests/bare.py

soak: $(READY) $(NO_NEWS) ## the long trials, with figures; run nothing else meanwhile
	@$(PY) -m pytest -m soak -s

aws-like: $(READY) ## the zips for AWS in a root like Lambda's, with AWS's own client: minutes; root
	@$(PY) -m tests.aws_like

aws-check: $(READY) ## a few cents in your AWS account: does all of it work there? Not yet run
	@$(PY) -m experiment.command.aws_check

report: $(READY) ## one page over all runs in results/
	@$(PY) -m experiment report

lint: $(READY) ## style and types
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check
	@$(PY) -m mypy

lock: $(READY) ## renew requirements.lock from pyproject.toml
	@$(PY) -m pip install -q --disable-pip-version-check $(UV)
	@$(PY) -m uv pip compile -q --universal --python-version 3.11 --extra test \
	  --generate-hashes --no-header --no-annotate --upgrade pyproject.toml -o requirements.lock

# Otherwise JupyterLab opens with a question about news, and fetches them.
$(NO_NEWS): $(READY)
	@mkdir -p $(@D)
	@echo '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}' > $@

lab: $(READY) $(NO_NEWS) ## the notebooks in JupyterLab; prints the link to the first
	@$(PY) -m jupyter lab $(AS_ROOT) --MappingKernelManager.transport_encryption=auto --log-level=WARN \
	  --LabApp.default_url=/lab/tree/00_start_here.ipynb --notebook-dir=notebooks

clean: ## remove .venv, caches, and all results but the published ones
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	@find results -mindepth 1 -maxdepth 1 ! -name README.md ! -name published -exec rm -rf {} +
	@find . -name __pycache__ -prune -exec rm -rf {} +
