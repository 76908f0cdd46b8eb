# The doors of the repository. Each does the set-up it needs by itself and is quick when nothing changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

RUN_ENV := $(VENV)/.run-stamp
DEV_ENV := $(VENV)/.dev-stamp
NODE_ENV := frontend/node_modules/.stamp
PAGE := frontend/dist/index.html
PAGE_SOURCES := $(shell find frontend \( -name node_modules -o -name dist -o -name e2e \) -prune -o -type f -print)

.PHONY: help setup run test check oracles fixtures bench fidelity format lock reference test-system
.DELETE_ON_ERROR:

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

setup: $(DEV_ENV) $(PAGE) ## environments, pinned dependencies, the page

run: $(RUN_ENV) $(PAGE) ## everything on this machine, until Ctrl-C
	@exec $(BIN)/python manage.py up --with-parent $(ARGS)

check: $(DEV_ENV) $(NODE_ENV) ## formatters, linters, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright
	npm --prefix frontend run --silent check

test: check $(PAGE) test-system ## check, then every test: Python, page, browser
	$(BIN)/pytest -n 2
	npm --prefix frontend run --silent test
	npm --prefix frontend run --silent e2e

test-system:
	@scripts/need.sh chromium redis-server postgresql

oracles: $(DEV_ENV) ## differential tests against the vendor's tools and Triton's interpreter
	$(BIN)/pytest -n 2 tests/oracles

fixtures: $(DEV_ENV) ## record again what the oracles computed
	$(BIN)/python -m tests.oracles.record
	$(BIN)/python -m tests.oracles.record_vendor
	$(BIN)/python -m tests.oracles.record_text

bench: $(DEV_ENV) ## benchmarks, each ending in one line with its ratio
	$(BIN)/python benchmarks/ir.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/emulator.py

fidelity: $(DEV_ENV) ## emulated times of kernels and instructions beside published ones
	$(BIN)/python benchmarks/fidelity.py

format: $(DEV_ENV) $(NODE_ENV) ## rewrite the files as the formatters want them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	npm --prefix frontend run --silent format

reference: $(DEV_ENV) ## write docs/*/reference.md from what the code declares
	$(BIN)/python -m scripts.reference

lock: ## resolve pyproject.toml again into requirements/
	@scripts/need.sh python
	$(PYTHON) scripts/lock.py

$(BIN)/python:
	@PYTHON=$(PYTHON) scripts/need.sh python
	$(PYTHON) -m venv $(VENV)

$(RUN_ENV): requirements/run.txt pyproject.toml | $(BIN)/python
	$(PIP) install -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_ENV): requirements/dev.txt $(RUN_ENV)
	$(PIP) install -r requirements/dev.txt
	@touch $@

$(NODE_ENV): frontend/package.json frontend/package-lock.json
	@scripts/need.sh node
	npm --prefix frontend ci --no-audit --no-fund --loglevel=error
	@touch $@

$(PAGE): $(NODE_ENV) $(PAGE_SOURCES)
	npm --prefix frontend run --silent build
	@touch $@
