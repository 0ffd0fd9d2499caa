PYTHON ?= python3
BIN := .venv/bin
# A file of tests stays in one process, with its fixtures; the longest, which drive a browser, come
# early, so that no process is left alone with them.
APART := -n 2 --dist loadfile --no-loadscope-reorder

help: ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

app: .venv/app .venv/runtime ## install what the app needs (no torch) and start it
	$(BIN)/python -m app

test: .venv/all ## every check and every test, browser tests included
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -q $(APART)

check: .venv/all lint ## the fast checks: lint, types, tests under three minutes
	$(BIN)/python -m pytest -q $(APART) -m "not slow and not browser"

lint: .venv/all ## ruff and pyright
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

bench: .venv/all ## speed, size and memory, as ratios from one run
	$(BIN)/python -m tests.benchmarks

fuzz: .venv/all ## thousands of damaged files, media and models, must be refused in words
	$(BIN)/python -m tests.fuzz

load: .venv/all ## eight people at one server for five minutes
	$(BIN)/python -m tests.load

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' \
		|| { echo "Python's venv module is missing; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/app: .venv/bin/python app/requirements.txt
	@echo "Installing what the app needs into .venv (0.7 GB, about a minute) ..."
	$(BIN)/pip install -q --no-compile --disable-pip-version-check -r app/requirements.txt
	@touch $@

.venv/runtime: .venv/app app/device/package-lock.json app/device/learning.mjs
	@echo "Installing what runs a model in the browser (15 MB, half a minute) ..."
	@$(BIN)/python -m app.device.install && touch $@ || echo "Without it only the server names things."

.venv/all: .venv/app .venv/runtime requirements.txt training/requirements.txt tests/requirements.txt
	@echo "Installing torch and the checks into .venv (6 GB, a few minutes) ..."
	$(BIN)/pip install -q --disable-pip-version-check -r requirements.txt
	@if ! command -v chromium >/dev/null; then \
		if [ "$$(id -u)" != 0 ]; then $(BIN)/playwright install chromium; \
		elif grep -qx 'ID=debian' /etc/os-release; then apt-get update -qq && apt-get install -y -qq chromium; \
		else $(BIN)/playwright install --with-deps chromium; fi; fi
	@touch $@

.PHONY: help app test check lint bench fuzz load
