# Everything that is done with this checkout. Each target does its own set-up; second runs start in well under a second.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help set-up run test test-services lint bench lock clean
PY := .venv/bin/python
# more arguments for the program or the tests: make test ARGS="-k flares", make run ARGS="--theme dark"
ARGS ?=
# tests run side by side; make test ARGS="-n 0 …" runs them one after the other, as a debugger wants it
WORKERS := -n auto --maxprocesses=4 --dist=worksteal

help: ## this list
	@echo 'make TARGET [ARGS="…"]'; echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1	\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name text; do printf '  %-13s %s\n' "$$name" "$$text"; done

set-up: ## virtual environment .venv, locked packages, system libraries that Qt needs
	@packaging/set_up.sh

run: set-up ## the program on the practice sky; without a display the same journey offscreen, pictures in practice-tour/
	@packaging/run.sh $(ARGS)

test: set-up ## all tests, among them the style, type and import checks (what .ci/run calls)
	@packaging/test_tools.sh
	@QT_QPA_PLATFORM=offscreen $(PY) -m pytest $(WORKERS) $(ARGS)

test-services: set-up ## tests against a real TAP server, GAVO DaCHS from Debian (installs it if run as root; CI leaves it out)
	@tests/services/dachs.sh install
	@$(PY) -m pytest -o addopts="-ra --strict-markers --strict-config --import-mode=importlib" -s $(ARGS) tests/services

lint: set-up ## only the style, type and import checks
	@$(PY) -m ruff check . && $(PY) -m ruff format --check . && .venv/bin/lint-imports && $(PY) -m mypy

bench: set-up ## the measurements of tests/benchmarks, each printing a table
	@status=0; for file in tests/benchmarks/bench_*.py; do \
	  echo "== $$file"; QT_QPA_PLATFORM=$${QT_QPA_PLATFORM:-offscreen} $(PY) "$$file" || status=1; echo; done; exit $$status

lock: set-up ## renew requirements.lock and packaging/uv-requirements.txt from pyproject.toml (needs the package index)
	@packaging/lock.sh $(ARGS)

clean: ## remove what can be made again: .venv, caches, reports
	rm -rf .venv build dist practice-tour screenshots .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
