# Canh Dịch. `make demo` shows a city; `make test` passes every test. Both do all set-up and may be run again.
SHELL := /bin/bash
DATASET ?= hcmc
TEST_WORKERS ?= 2
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3,11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
export PYTHON PIP_DISABLE_PIP_VERSION_CHECK := 1
# Our matrices are small: BLAS threads only wait for each other (docs/decisions/blas-threads.md)
export OPENBLAS_NUM_THREADS ?= 1
DEMO_ENV := CANHDICH_DEMO=1 CANHDICH_CLOCK=data CANHDICH_DEPLOYMENT=$(DATASET) CANHDICH_HOME=$(CURDIR)/.local/$(DATASET)
say = @printf '\033[1m==>\033[0m %s\n' "$(1)"

.PHONY: help demo stop logs test check lint bench epimap clean

help:
	@echo "make demo [DATASET=taiwan]  set up everything, fill a demo city, open http://localhost:8050"
	@echo "make stop                   stop what 'make demo' started     make logs  follow its logs"
	@echo "make test                   set up everything and pass every test"
	@echo "make check                  ruff, mypy, import contracts, then make test"
	@echo "make bench                  measured ratios against peers (docs/benchmarks.md)"
	@echo "make epimap                 rebuild the map component (needs npm; the built file is committed)"
	@echo "make clean                  stop the demo, remove .local and .venv"

demo: .local/demo-packages .local/runtime
	$(call say,Starting the demo ($(DATASET)). Stop it with: make stop)
	@$(DEMO_ENV) $(BIN)/python app.py demo

stop:
	@if [ -x $(BIN)/python ]; then for d in hcmc taiwan; do if [ -d .local/$$d ]; then \
	  CANHDICH_DEPLOYMENT=$$d CANHDICH_HOME=$(CURDIR)/.local/$$d $(BIN)/python app.py stop; fi; done; fi

logs:
	@tail -n 50 -F .local/$(DATASET)/log/*.log

test: .local/test-packages .local/dev
	$(call say,Running every test (two files at a time: TEST_WORKERS=$(TEST_WORKERS)))
	@$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile

check: lint test

lint: .local/dev
	$(call say,ruff)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet . || (echo "Run: $(BIN)/ruff check --fix . && $(BIN)/ruff format ."; exit 1)
	$(call say,mypy)
	@$(BIN)/mypy
	$(call say,import contracts)
	@$(BIN)/lint-imports --no-cache | tail -n 8

bench: .local/test-packages .local/dev
	@for f in bench/[a-z]*.py; do printf '\n\033[1m== %s\033[0m\n' $$f; $(BIN)/python -m bench.$$(basename $$f .py) || exit 1; done

epimap:
	cd web/epimap && npm ci && npm run build

clean: stop
	rm -rf .local .venv

.local/%-packages: scripts/system-packages
	@mkdir -p .local && scripts/system-packages $* && touch $@

.venv/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: sudo apt-get install python3 python3-venv"; exit 1; }
	$(call say,Creating .venv with $(PYTHON))
	@$(PYTHON) -m venv .venv

# vietnamadminunits is used for its data alone, so its own dependencies stay out (docs/dependencies.md)
.local/runtime: requirements.txt requirements-data.txt | .venv/pyvenv.cfg
	$(call say,Installing pinned requirements)
	@mkdir -p .local && $(BIN)/python -m pip install -q -r requirements.txt && $(BIN)/python -m pip install -q --no-deps -r requirements-data.txt && touch $@

.local/dev: .local/runtime requirements-dev.txt requirements-dask.txt
	$(call say,Installing pinned development requirements)
	@$(BIN)/python -m pip install -q -r requirements-dev.txt && $(BIN)/python -m pip install -q --no-deps -r requirements-dask.txt && touch $@
