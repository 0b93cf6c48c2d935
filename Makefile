# The two commands of the README are `make up` and `make test`. Both make what they need first.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: up down test coverage check bench lock clean

up: $(READY)
	$(BIN)/underpass up examples/notes

down: $(READY)
	$(BIN)/underpass down examples/notes

# Units first, in seconds; then parts against their neighbours; then regions, most of which wait for something.
test: $(READY)
	$(BIN)/python -m pytest tests/unit -n 2
	$(BIN)/python -m pytest tests/functional -n 2 --dist loadfile
	$(BIN)/python -m pytest examples/notes/tests -n 2 --dist loadfile
	$(BIN)/python -m pytest tests/twin tests/e2e -n 4 --dist loadfile

coverage: $(READY)
	$(BIN)/coverage run -m pytest tests/unit tests/functional
	$(BIN)/coverage report

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python benchmarks/start.py

# Rewrites the pinned versions; the registry's address stays out of the file.
lock: $(READY)
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
		--no-emit-find-links --no-annotate --no-header --extra twin --extra dev pyproject.toml -o requirements.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "underpass needs Python 3.11 or newer; name one with PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
