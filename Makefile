# `make demo` runs the main job, `make test` proves it. Each sets up .venv first: with uv when it is there, with
# venv and pip otherwise. Set-up is repeated only when pyproject.toml changes; edited code needs none.

PYTHON ?= python3
UV     ?= $(shell command -v uv 2>/dev/null)
JOBS   ?= 2
ARGS   ?=

VENV := .venv
BIN  := $(VENV)/bin
LINK := .typing/tilth

ifeq ($(UV),)
  install = $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable
else
  install = $(UV) pip install --quiet --python $(BIN)/python --editable
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test slow check format-check lint types layers docs-check bench screenshots fix dev clean

help:           ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.stamp-core   ## curate a made-up messy dataset from end to end
	$(BIN)/tilth demo $(ARGS)

test: $(VENV)/.stamp-dev    ## the tests, but for the slow ones
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not slow" $(ARGS)

slow: $(VENV)/.stamp-dev    ## the tests that take longer: crashes, whole stories, the README's own commands
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m slow $(ARGS)

check: format-check lint types layers docs-check    ## format, lint, types, layers, generated docs; changes nothing

format-check: $(VENV)/.stamp-dev
	$(BIN)/ruff format --check .

lint: $(VENV)/.stamp-dev
	$(BIN)/ruff check .

types: $(VENV)/.stamp-dev $(LINK)
	$(BIN)/mypy -p tilth

layers: $(VENV)/.stamp-dev
	$(BIN)/lint-imports

# Generated pages (docs/, README) against the code.
DOCS ?= $(BIN)/tilth docs --check
docs-check: $(VENV)/.stamp-dev
	$(DOCS)

bench: $(VENV)/.stamp-dev   ## speed and memory, as ratios; see benchmarks/
	$(BIN)/python benchmarks $(ARGS)

screenshots: $(VENV)/.stamp-core    ## docs/screenshots/*.svg, from the real app on made-up data
	$(BIN)/python -m tilth.tui.screenshots

fix: $(VENV)/.stamp-dev     ## format and apply the safe lint fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dev: $(VENV)/.stamp-dev $(LINK)     ## set up only

clean:          ## remove .venv, caches and build leftovers
	rm -rf $(VENV) .typing build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# --- set-up -----------------------------------------------------------------------------------------------------

$(VENV)/.stamp-venv:
ifeq ($(UV),)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "tilth needs Python 3.11 or later and $(PYTHON) is not that. Name one: make PYTHON=python3.12 …" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
else
	$(UV) venv --quiet --seed --allow-existing --python '>=3.11' $(VENV)
endif
	@touch $@

$(VENV)/.stamp-core: pyproject.toml | $(VENV)/.stamp-venv
	$(install) .
	@touch $@

$(VENV)/.stamp-dev: pyproject.toml | $(VENV)/.stamp-venv
	$(install) '.[dev]'
	@touch $@ $(VENV)/.stamp-core

$(LINK):
	@mkdir -p .typing && ln -sfn .. $@
