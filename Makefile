# Two commands do everything: `make demo` and `make test`. Needs Python 3.10 to 3.13 and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test faults fuzz soak check format install clean

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(VENV)/.installed-local: pyproject.toml
	$(PYTHON) -m venv --upgrade-deps $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[local]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml
	$(PYTHON) -m venv --upgrade-deps $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.installed-local

install: $(VENV)/.installed-dev ## Install with everything that developing needs

demo: $(VENV)/.installed-local ## A finished trip becomes a post; ARGS=--all for every example, ARGS=--keep to look at the feed
	@$(BIN)/tripcanvas demo $(ARGS)

test: $(VENV)/.installed-dev ## Run the tests
	$(BIN)/python -m pytest -n 4 --dist loadfile $(ARGS)

faults: $(VENV)/.installed-dev ## Every outward call under every fault, as a table; ARGS="--only 'straight/image_ready#7'" for a part
	@$(BIN)/python -m tests.faults $(ARGS)

fuzz: $(VENV)/.installed-dev ## Feed 100,000 mutated messages and answers to all that reads them; FUZZ_SEED=n for other ones
	FUZZ_CASES=$${FUZZ_CASES:-100000} $(BIN)/python -m pytest tests/fuzz $(ARGS)

soak: $(VENV)/.installed-dev ## Send 40 trips while a tenth of everything fails, and account for each; ARGS='--trips 2000 --fault-rate 0.1' for long
	$(BIN)/python -m benchmarks.soak $(if $(ARGS),$(ARGS),--trips 40 --fault-rate 0.1 --outage-every 8)

check: $(VENV)/.installed-dev ## Linters and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-dev ## Put the code in the house's form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove the virtual environment, the embedded cloud's state and what was made
	rm -rf $(VENV) .tripcanvas out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
