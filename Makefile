# Everything a person runs by hand. Each target sets up .venv first; the second time that costs nothing.
# Needs: Python 3.11 or newer with venv, git, make.

PORT ?= 3000
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)

# Dagster sends usage figures home unless told not to; dagster.yaml says so too.
export DAGSTER_DISABLE_TELEMETRY := 1
# A shell that forbids compiled files would make each process that a test starts compile the whole product.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo dev test tenants proofs everything pictures lint format bench docs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with the locked dependencies

$(READY): pyproject.toml requirements.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with its venv module is needed (Debian: apt-get install python3 python3-venv); if it has another name: make PYTHON=/path/to/python3.12"; exit 1; }
	@echo "Setting up $(VENV) (once; a minute or two)"
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || "$(PYTHON)" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## the daily sync on the built-in sandbox: what changed, what was held back, the money
	@$(BIN)/pax8-pipeline demo $(ARGS)

proofs: $(READY) ## the long tests whole: 50 kills, three months in auto mode, a usage month read daily, 10,000 steps
	@PAX8_PROOFS=1 $(BIN)/python -m pytest -n 2 -q -m "proof or whole" $(ARGS)

everything: $(READY) ## all tests and proofs in one go: half an hour on two cores
	@PAX8_PROOFS=1 $(BIN)/python -m pytest -n 3 --timeout 900 -m "not tenants" $(ARGS)

dev: $(READY) ## the Dagster UI on http://localhost:3000 (PORT=), on the sandbox unless credentials are set
	@$(BIN)/pax8-pipeline dev --port $(PORT) $(ARGS)

test: $(READY) ## all tests (ARGS="-k name" for some)
	@$(BIN)/python -m pytest -n 3 $(ARGS)

tenants: $(READY) ## tenants on PostgreSQL, Redis and Celery workers, one of them killed (needs postgresql, redis-server)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r deploy/tenants/requirements.lock
	@$(BIN)/python -m pytest -q --timeout 1800 -m tenants $(ARGS)

lint: $(READY) ## ruff, mypy, import rules, retired words
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pax8_pipeline_tests.retired_words

format: $(READY) ## let ruff put the code in order
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY) ## measure it beside dlt, a plain loop, pandas and empty Dagster: an hour (ARGS="--only planning")
	@$(BIN)/python -m pax8_pipeline_tests.bench $(ARGS)

docs: $(READY) ## write docs/reference again from the code
	@$(BIN)/python -m pax8_pipeline_tests.make_reference

pictures: $(READY) ## take the documents' pictures again, from the browser tests (needs Chromium)
	@PAX8_PICTURES=docs/pictures $(BIN)/python -m pytest -q -m "proof or not proof" pax8_pipeline_tests/e2e/test_browser_*.py $(ARGS)

clean: ## remove .venv and caches; the data folder stays
	rm -rf $(VENV) .bench-venv *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .tmp_dagster_home_*
	find pax8_pipeline pax8_pipeline_tests -name __pycache__ -type d -prune -exec rm -rf {} +
