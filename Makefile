# The two commands of the README are `make up` and `make test`. Both make what they need first.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
# What the twin needs, and what the tests and checks need besides; and the example's own packages.
READY := .venv/.ready
TOOLS := .venv/.tools
EXAMPLE := examples/notes/.venv/.ready
SHOP := examples/shop/.venv/.ready
# checkov and parliament pin libraries of their own age, so they live apart.
CHECKOV := .venv-checkov/.ready
INSTALL = PYTHON="$(PYTHON)" tools/install.sh $(@D)
# uv leaves compiling to the first import, which is a fifth of what lies there; so let that be kept.
unexport PYTHONDONTWRITEBYTECODE
LOCK := $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header

.PHONY: up down shop test test-all test-mariadb mariadb test-cdk cdk soak coverage check tables bench lock clean

up: $(READY) $(EXAMPLE)
	$(BIN)/underpass up examples/notes

down: $(READY)
	$(BIN)/underpass down examples/notes

# The larger example: a worker, a job, a sidecar, a release, a queue of its own.
shop: $(READY) $(SHOP)
	$(BIN)/underpass up examples/shop

# Units first, in seconds; then parts against their neighbours; then regions, most of which wait for something.
test: $(TOOLS)
	$(BIN)/python -m pytest tests/unit -n 2
	$(BIN)/python -m pytest tests/templates/curated -n 2 --dist loadgroup
	$(BIN)/python -m pytest tests/functional -n 2 --dist loadfile
	$(BIN)/python -m pytest examples/notes/tests -n 2 --dist loadfile
	$(BIN)/python -m pytest tests/twin tests/e2e --ignore tests/e2e/variants -n 4 --dist loadfile

# What is too long for every save, and runs after `test`: the scanners, deployments of the whole matrix, drawn
# configurations, and whole paths of several kinds.
test-all: $(TOOLS) $(CHECKOV)
	$(BIN)/python -m pytest tests/templates/thorough tests/templates/drawn -n 2 --dist loadgroup
	$(BIN)/python -m pytest tests/templates/running tests/e2e/variants tests/wheel -n 3 --dist loadfile

# What logs in to MariaDB, against MariaDB: Debian's, unpacked here and installed nowhere.
test-mariadb: $(TOOLS) mariadb
	MARIADB=$(CURDIR)/.mariadb $(BIN)/python -m pytest tests/mariadb

mariadb: .mariadb/usr/sbin/mariadbd

.mariadb/usr/sbin/mariadbd:
	tools/mariadb.sh .mariadb

# What the CDK CLI does, by the CLI itself: of a pinned version, unpacked here by npm and installed nowhere.
test-cdk: $(TOOLS) cdk
	CDK=$(CURDIR)/.cdk $(BIN)/python -m pytest tests/cdk

cdk: .cdk/.ready

.cdk/.ready: tools/cdk.sh
	tools/cdk.sh .cdk
	@touch $@

# Kills workers and processes of a region in use, and tries all that `test-all` draws from; SEED repeats another run's.
soak: $(TOOLS)
	KILLS=100 WITHIN_S=5 $(BIN)/python -m pytest tests/e2e/test_kills.py -s
	WHOLE=1 $(BIN)/python -m pytest tests/templates/thorough/test_deploys.py tests/templates/drawn -n 2

# Two runs: the functional tests change moto for their whole process.
coverage: $(TOOLS)
	$(BIN)/coverage run --parallel-mode -m pytest tests/unit
	$(BIN)/coverage run --parallel-mode -m pytest tests/functional
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

check: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Writes what is generated anew: pages of docs/reference, and the functions' code as templates carry it.
tables: $(TOOLS)
	$(BIN)/python -m tools.tables

bench: $(TOOLS)
	$(BIN)/python benchmarks/start.py
	$(BIN)/python benchmarks/template.py
	$(BIN)/python benchmarks/path.py

# Rewrites the pinned versions, one for each package; the registry's address stays out of the files.
lock: $(TOOLS)
	$(LOCK) --extra twin --extra dev --group build pyproject.toml examples/notes/requirements.txt \
		-o requirements-dev.lock
	$(LOCK) --extra twin --group build pyproject.toml -c requirements-dev.lock -o requirements.lock
	$(LOCK) --group installer -c requirements-dev.lock -o requirements-uv.lock
	$(LOCK) examples/notes/requirements.txt -c requirements-dev.lock -o examples/notes/requirements.lock
	$(LOCK) examples/shop/requirements.txt -c requirements-dev.lock -o examples/shop/requirements.lock
	$(LOCK) --group checkov -o requirements-checkov.lock

$(READY): requirements.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "underpass needs Python 3.11 or newer; name one with PYTHON=python3.12")'
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(TOOLS): requirements-dev.lock $(READY)
	$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

# Compiled at once: its tasks see it read-only.
examples/%/.venv/.ready: examples/%/requirements.lock | $(READY)
	UV_COMPILE_BYTECODE=1 $(INSTALL) --require-hashes -r $<
	@touch $@

$(CHECKOV): requirements-checkov.lock | $(READY)
	$(INSTALL) --require-hashes -r requirements-checkov.lock
	@touch $@

clean:
	rm -rf .venv $(dir $(EXAMPLE) $(SHOP) $(CHECKOV)) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
