# make demo = set up and run the main job; make test = set up and run the tests; make help = all.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= cpu,dev
# Address of an extra package index, for example one with CPU builds of torch.
TORCH_INDEX ?=
# YAML of `make demo`; empty means config/config.yaml, as plain `snakemake` takes it.
CONFIG ?=
PYTEST_ARGS ?=
# Processes of `make test`; the slow tests measure, and run alone.
WORKERS ?= 2

comma := ,
BIN := $(VENV)/bin
# The set-up is done once per content of these two files and set of extras.
DIGEST := $(shell cat pyproject.toml constraints.txt | cksum | tr -d ' ')
STAMP := $(VENV)/.installed-$(subst $(comma),-,$(EXTRAS))-$(DIGEST)
PACKAGES := -c constraints.txt -e ".[$(EXTRAS)]"

.PHONY: help setup demo test slow lint docs format clean clean-results

help: ## Show this text
	@echo 'Targets:'
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 24
	@echo
	@echo 'The same without make:'
	@echo '  $(PYTHON) -m venv $(VENV) && . $(VENV)/bin/activate'
	@echo '  pip install -c constraints.txt -e ".[$(EXTRAS)]"     # set-up'
	@echo '  snakemake                                           # demo: the study of config/config.yaml'
	@echo '  pytest --cov                                        # test'
	@echo '  pytest -m slow                                      # slow'
	@echo 'CPU builds of torch from another index:  make TORCH_INDEX=<address> demo'
	@echo '  (pip: --extra-index-url <address>; uv: the same plus --index-strategy unsafe-best-match)'

setup: $(STAMP) ## Make .venv and install into it (uv if on PATH, else pip); nothing the second time

$(STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo 'ETHPredict needs Python 3.11 or newer; $(PYTHON) is' \
	    "$$($(PYTHON) --version 2>/dev/null || echo missing). Name another: make PYTHON=python3.11 ..." >&2; \
	  exit 1; }; \
	echo 'Installing into $(VENV) (some minutes the first time) ...'; \
	if command -v uv >/dev/null; then \
	  [ -x $(BIN)/python ] || uv venv --quiet --python "$$(command -v $(PYTHON))" $(VENV); \
	  VIRTUAL_ENV=$(abspath $(VENV)) uv pip install $(PACKAGES) \
	    $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX) --index-strategy unsafe-best-match); \
	else \
	  $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || { \
	    echo 'On Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check $(PACKAGES) \
	    $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)); \
	fi; \
	rm -f $(VENV)/.installed-*; \
	touch $@

demo: setup ## Set up, run the main job, say where its report is
	$(BIN)/snakemake $(if $(CONFIG),--configfile $(CONFIG))
	@$(BIN)/python -c 'import sys; from ethpredict.config.load import load; \
	print("Report: results/{}/report/index.html".format(load(sys.argv[1:]).values["study.name"]))' \
	  $(or $(CONFIG),config/config.yaml)

test: setup ## Set up, run the default tests; coverage of the package must reach 90 %
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term $(PYTEST_ARGS)

slow: setup ## Run the tests that take minutes
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS)

lint: setup ## Check style, types, the workflow, and that the docs are in step
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint
	$(BIN)/mypy
	$(BIN)/python -m ethpredict.config.document | diff -u docs/configuration.md -

docs: setup ## Write docs/configuration.md from the schema
	$(BIN)/python -m ethpredict.config.document > docs/configuration.md

format: setup ## Bring the sources into their form
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

clean: ## Remove caches and .venv; results stay
	rm -rf $(VENV) .cache .snakemake .coverage

clean-results: ## Remove every result
	find results -mindepth 1 -not -name README.md -delete
