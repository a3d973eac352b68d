# The project's tasks; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
PYTHON := $(VENV)/bin/python
METRO ?= zhengzhou
SOURCE ?= auto
OSM ?=
SCHEDULER ?=
PYTHONS ?= 3.11 3.12 3.13 3.14

RUN = $(PYTHON) -m pipeline run $(METRO) --source $(SOURCE) \
	$(if $(OSM),--osm $(OSM)) $(if $(SCHEDULER),--scheduler $(SCHEDULER))

.PHONY: help install all compiled test test-slow test-full test-lowest test-pythons test-wheel check format docs bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## make .venv with the package and what it needs

$(VENV)/.installed: EXTRAS = test,check
$(VENV)/.installed-bench: EXTRAS = test,check,bench

# uv where it is there and reaches the packages (pip's settings it does not read), else pip,
# which would compile on one core.
$(VENV)/.installed $(VENV)/.installed-bench: pyproject.toml
	@if command -v uv >/dev/null && uv venv --quiet --allow-existing $(VENV) && \
		uv pip install --quiet --compile-bytecode --python $(PYTHON) -e '.[$(EXTRAS)]'; then :; \
	else \
		python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "needs Python 3.11 or later")' && \
		python3 -m venv $(VENV) && \
		$(PYTHON) -m pip install --quiet --no-compile -e '.[$(EXTRAS)]' && \
		{ $(PYTHON) -m compileall -q -j 0 $(VENV)/lib || true; }; \
	fi
	@touch $@

all: install ## build the maps of METRO (default zhengzhou): METRO= SOURCE= OSM= SCHEDULER=
	$(RUN)

# Files of tests share the cores; the longest stand first, so that none is left for last.
# Tests start hundreds of processes. What these would compile, each for itself, is compiled before:
# the package where the environment forbids to keep its bytecode, and the loops left to numba.
PYTEST = $(PYTHON) -m pytest -n auto --dist loadfile --no-loadscope-reorder --durations=20
SETS = tests/integration tests/browser tests/unit tests/fuzz

compiled: install
	@$(PYTHON) -m compileall -q pipeline
	@$(PYTHON) -c 'from pipeline.flow.warm import compile_ahead; compile_ahead()'

test: compiled ## run the tests
	$(PYTEST) -m "not slow and not sweep" $(SETS)

# EXAMPLES=all: every property on as many examples as its test names (tests/properties.py).
test-slow: compiled ## run the slow tests: whole runs, clusters, stores, properties on all examples
	EXAMPLES=all $(PYTEST) -m "(slow or hypothesis) and not sweep" $(SETS)

test-full: compiled ## run all tests, the sweeps over seeds, sizes and mutations too
	EXAMPLES=all $(PYTEST) $(SETS)

test-lowest: ## run a quick part of the tests on the lowest versions that pyproject.toml declares (needs uv)
	.ci/versions lowest

test-pythons: ## the same with the newest versions on each Python that is here or uv can fetch
	@for each in $(PYTHONS); do .ci/versions highest $$each || exit 1; done

test-wheel: ## build the wheel and run it in an empty environment outside the project
	.ci/wheel

# The tools for the pages' JavaScript come from npm. No page needs them, nor does installing.
JS_TOOLS := tests/js/node_modules/.installed

$(JS_TOOLS): tests/js/package.json
	npm install --prefix tests/js --no-package-lock --no-audit --no-fund --silent
	@touch $@

define with_npm
	@if command -v npm >/dev/null; then \
		$(MAKE) --no-print-directory $(JS_TOOLS) && npm run --silent --prefix tests/js $(1); \
	else echo "skipped: the JavaScript of the pages (npm is not installed)"; fi
endef

check: install ## lint, format check and types, of Python and, where npm is there, of JavaScript
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(call with_npm,check)

format: install ## format and sort imports
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .
	$(call with_npm,format)

docs: install ## rewrite the pages that come from code
	$(PYTHON) docs/make_docs.py

bench: $(VENV)/.installed-bench ## run the benchmarks, their peers installed first
	@for each in benchmarks/*.py; do echo "== $$each"; $(PYTHON) $$each || exit 1; done

clean: ## remove what the pipeline made: layers, pages, sample, caches; never downloads
	rm -rf data/processed/*/ maps/*.html maps/*/ data/raw/*.sample.* data/raw/*.vector.* .pytest_cache .mypy_cache .ruff_cache
