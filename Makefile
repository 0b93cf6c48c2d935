# The two commands of the README are `make up` and `make test`. Both make what they need first.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# checkov and parliament pin libraries of their own age, so they live apart.
CHECKOV := .venv-checkov
CHECKOV_READY := $(CHECKOV)/.ready
LOCK := $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header

.PHONY: up down test test-all coverage check tables bench lock clean

up: $(READY)
	$(BIN)/underpass up examples/notes

down: $(READY)
	$(BIN)/underpass down examples/notes

# Units first, in seconds; then parts against their neighbours; then regions, most of which wait for something.
test: $(READY)
	$(BIN)/python -m pytest tests/unit -n 2
	$(BIN)/python -m pytest tests/templates/curated -n 2 --dist loadgroup
	$(BIN)/python -m pytest tests/functional -n 2 --dist loadfile
	$(BIN)/python -m pytest examples/notes/tests -n 2 --dist loadfile
	$(BIN)/python -m pytest tests/twin tests/e2e --ignore tests/e2e/variants -n 4 --dist loadfile

# What is too long for every save, and runs after `test`: the scanners, deployments of the whole matrix, drawn
# configurations, and whole paths of several kinds.
test-all: $(READY) $(CHECKOV_READY)
	$(BIN)/python -m pytest tests/templates/thorough tests/templates/drawn -n 2 --dist loadgroup
	$(BIN)/python -m pytest tests/templates/running tests/e2e/variants -n 2 --dist loadfile

# Two runs: the functional tests change moto for their whole process.
coverage: $(READY)
	$(BIN)/coverage run --parallel-mode -m pytest tests/unit
	$(BIN)/coverage run --parallel-mode -m pytest tests/functional
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Writes the generated pages of docs/reference anew.
tables: $(READY)
	$(BIN)/python -m tools.tables

bench: $(READY)
	$(BIN)/python benchmarks/start.py
	$(BIN)/python benchmarks/template.py

# Rewrites the pinned versions; the registry's address stays out of the files.
lock: $(READY)
	$(LOCK) --extra twin --extra dev pyproject.toml -o requirements.lock
	$(LOCK) --group pyproject.toml:checkov -o requirements-checkov.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "underpass needs Python 3.11 or newer; name one with PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(CHECKOV_READY): requirements-checkov.lock
	$(PYTHON) -m venv $(CHECKOV)
	$(CHECKOV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-checkov.lock
	@touch $@

clean:
	rm -rf $(VENV) $(CHECKOV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
