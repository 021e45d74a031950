# Everything runs in a virtual environment of its own: `make demo` and `make test` need Python 3.11+, make and internet.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
ARGS ?=
JOBS ?= auto

.PHONY: help demo test quick lint format bench clean

help:
	@echo "make demo    watch a whole election: keys, ballots, tally, verification"
	@echo "make test    install what is needed and run every check and test"
	@echo "make quick   the tests, without the slow ones"
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

demo: $(VENV)/.installed
	$(BIN)/urne demo $(ARGS)

test: $(VENV)/.developer lint
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

quick: $(VENV)/.developer
	$(BIN)/python -m pytest -n $(JOBS) -m 'not slow' $(ARGS)

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
