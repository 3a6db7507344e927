# Everything runs in .venv, which the first target that needs it creates. `make demo ARGS='--once --json'` passes arguments on.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=

.PHONY: demo test quick check bench clean install format lint types imports proto

demo: $(STAMP)
	@$(BIN)/interlock demo $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest -q

quick: $(STAMP)
	$(BIN)/python -m pytest -q -m "not slow"

check: $(STAMP) format lint types imports test

format: $(STAMP)
	$(BIN)/ruff format --check .

lint: $(STAMP)
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy

imports: $(STAMP)
	$(BIN)/lint-imports

proto: $(STAMP)
	$(BIN)/python scripts/compile_proto.py

bench: $(STAMP)
	$(BIN)/python benchmarks/serving/run.py $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist

install: $(STAMP)

# stdout belongs to the command that is run (`make -s demo ARGS='--once --json' | jq`): installing speaks on stderr.
$(STAMP): pyproject.toml scripts/make_venv.sh
	@PYTHON=$(PYTHON) sh scripts/make_venv.sh $(VENV) >&2
	@touch $@
