# Everything runs in a virtual environment of its own: `make demo` and `make test` need Python 3.11+, make and internet.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
ARGS ?=
JOBS ?= auto

.PHONY: help demo test quick torture gallery mutants fuzz lint format bench clean

help:
	@echo "make demo    watch a whole election, then vote yourself on a site of your own (ARGS=--headless: no site)"
	@echo "make test    install what is needed and run every check and test"
	@echo "make quick   the tests, without the slow ones"
	@echo "make torture the long form of the tests that kill, cut off, copy and flood boards: about an hour"
	@echo "make gallery all verifiers on all falsified records again and again, on one process and on two: half an hour or more"
	@echo "make mutants put faults into the proofs and the verifier, and see whether the tests notice: an hour or more"
	@echo "make fuzz    give every decoder odd input for ten minutes (ARGS='--minutes 60 --jobs 4')"
	@echo "make lint    ruff, mypy and the import rules"
	@echo "make bench   measure speed"

# A virtual environment needs ensurepip, which Debian keeps in a package of its own: root can fetch it.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Urne needs Python 3.11 or newer."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  || { test "$$(id -u)" = 0 && apt-get -q update && apt-get -q -y install python3-venv; } \
	  || { echo "Python cannot make virtual environments here. On Debian: sudo apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.developer: $(VENV)/.installed pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# Browser tests drive Debian's Chromium. Root gets it here; others are told, and those tests are skipped with a reason.
$(VENV)/.browser: $(VENV)/.developer
	@test -x /usr/bin/chromium \
	  || { test "$$(id -u)" = 0 && apt-get -q update \
	       && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends chromium fonts-dejavu-core; } \
	  || echo "No Chromium here, so the browser tests will be skipped. On Debian: sudo apt-get install chromium"
	@test ! -x /usr/bin/chromium || touch $@

demo: $(VENV)/.installed
	$(BIN)/urne demo $(ARGS)

test: $(VENV)/.developer $(VENV)/.browser lint
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

quick: $(VENV)/.developer
	$(BIN)/python -m pytest -n $(JOBS) -m 'not slow' $(ARGS)

torture: $(VENV)/.developer
	URNE_TORTURE=1 $(BIN)/python -m pytest -s tests/torture $(ARGS)

gallery: $(VENV)/.developer
	URNE_GALLERY=1 $(BIN)/python -m pytest -n $(JOBS) tests/gallery $(ARGS)

mutants: $(VENV)/.developer
	$(BIN)/python -m tests.mutation $(ARGS)

fuzz: $(VENV)/.developer
	$(BIN)/python -m tests.fuzz $(ARGS)

lint: $(VENV)/.developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.developer
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
