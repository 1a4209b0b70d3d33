# Every task of the project. `make help` lists them.

PYTHON ?= python3
DATABASE ?= sqlite
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock"

unexport PYTHONDONTWRITEBYTECODE # tests start many processes: none should have to compile the program again

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo audit test sweep pictures soak bench lint format lock clean

help: ## List the tasks
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r task does; do \
		printf '%-20s %s\n' "$$task" "$$does"; done

install: .venv/.installed ## Install the service into .venv
install-dev: .venv/.installed-dev ## Install also what tests and checks need

demo: install ## Show the service at work, until Ctrl-C (ONCE=1: end by itself; FLASK_PORT=5060: another port)
	@$(BIN)/python -m sandbox.demo

test: install-dev ## Run the tests (DATABASE=postgresql: on the other database; ARGS="-k callback": some of them)
	@$(BIN)/python -m pytest -n 4 --dist worksteal --database $(DATABASE) $(ARGS)

sweep: install-dev ## Run the long tests: all pages in a browser, killed processes, several hosts
	@$(BIN)/python -m pytest -n 3 --dist worksteal -m "(long or sweep) and not (pictures or soak)" $(ARGS)

pictures: install-dev ## Take the manual's screenshots of the console again, into docs/pictures
	@$(BIN)/python -m pytest -m pictures

soak: install-dev ## Run for hours: kill the service during orders and a digest, take PowerCode away, and count the outcomes
	@$(BIN)/python -m benchmarks.soak_orders $(ARGS)
	@$(BIN)/python -m benchmarks.soak_hosts $(ARGS)
	@$(BIN)/python -m benchmarks.soak_digest
	@$(BIN)/python -m benchmarks.outage
	@$(BIN)/python -m benchmarks.outage --orders 4000 --to-the-end
	@$(BIN)/python -m benchmarks.stalled
	@$(BIN)/python -m benchmarks.fuzz_callback
	@$(BIN)/python -m benchmarks.fuzz_reports
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m soak

bench: install-dev ## Measure what an order, a callback, a page, a digest and an idle service cost (ARGS=--quick: takes minutes)
	@$(BIN)/python -m benchmarks $(ARGS)

audit: install-dev ## Look up known vulnerabilities of the locked packages
	@$(BIN)/python .ci/audit.py

lint: install-dev ## Check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install-dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: install-dev ## Compile requirements*.txt anew from requirements*.in (ARGS=--upgrade: newest versions)
	$(COMPILE) $(ARGS) --output-file requirements.txt requirements.in
	$(COMPILE) $(ARGS) --output-file requirements-dev.txt requirements-dev.in

clean: ## Remove .venv, caches and the demo's folder; the service's database and .env stay
	rm -rf .venv .demo .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An upgrade of the system may replace the Python that .venv uses: then .venv is made again.
VENV_WORKS := $(shell $(BIN)/python -I -c 'import importlib.util as i; print("yes" if i.find_spec("flask") else "")' 2>/dev/null)
ifneq ($(VENV_WORKS),yes)
.venv/.installed: anew
endif
.PHONY: anew

.venv/.installed: requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$$($(PYTHON) -V) is too old:" \
		"install Python 3.11 or newer, then: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing." \
		"On Debian and Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing into .venv; the first time this takes a minute or two." >&2
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(PIP) -r requirements.txt
	@touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.txt
	@$(PIP) -r requirements-dev.txt
	@touch $@
