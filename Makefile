# Everything runs in .venv, which the first target that needs it creates. `make demo ARGS='--once --json'` passes arguments on.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=
# Processes that run tests side by side, a file at a time: most of them wait for servers that they started.
JOBS ?= 2

.PHONY: demo test quick soak check certify bench bench-log bench-web clean install format lint types imports proto screenshots

demo: $(STAMP)
	@$(BIN)/interlock demo $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile

quick: $(STAMP)
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile -m "not slow"

# A thousand kills under load, and a fault at every call to the disk: about half an hour. SEED=2 kills at other moments.
SEED ?= 1
soak: $(STAMP)
	INTERLOCK_SOAK=1000 INTERLOCK_SOAK_SEED=$(SEED) $(BIN)/python -m pytest -q tests/e2e/test_soak.py \
		tests/integration/predictions/test_faults.py

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

# Plays the demo and looks at every page with Chromium; two minutes, and then docs/images/ has them all.
screenshots: $(STAMP)
	$(BIN)/python scripts/make_screenshots.py $(ARGS)

bench: $(STAMP)
	@$(BIN)/python -m benchmarks.serving.run $(ARGS)

bench-log: $(STAMP)
	@$(BIN)/python -m benchmarks.log.run $(ARGS)

bench-web: $(STAMP)
	@$(BIN)/python -m benchmarks.web.run $(ARGS)

# Error rates by simulation, in full: some hours. `python -m benchmarks.releases.certify_errors --quick` is a minute of it.
certify: $(STAMP)
	$(BIN)/python -m benchmarks.releases.certify_errors --write docs/statistics.md
	$(BIN)/python -m benchmarks.releases.certify_harm --write docs/statistics.md
	$(BIN)/python -m benchmarks.releases.certify_streams --write docs/statistics.md
	$(BIN)/python -m benchmarks.releases.certify_quality --write docs/statistics.md
	$(BIN)/python -m benchmarks.releases.certify_labels --write docs/statistics.md
	$(BIN)/python -m benchmarks.releases.certify_bandits --write docs/statistics.md
	$(BIN)/python -m benchmarks.releases.certify_split --write docs/statistics.md
	$(BIN)/python -m benchmarks.monitoring.certify_drift --write docs/statistics.md
	$(BIN)/python -m benchmarks.monitoring.certify_watch --write docs/statistics.md
	$(BIN)/python -m benchmarks.monitoring.certify_estimate --write docs/statistics.md

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist

install: $(STAMP)

# stdout belongs to the command that is run (`make -s demo ARGS='--once --json' | jq`): installing speaks on stderr.
$(STAMP): pyproject.toml scripts/make_venv.sh
	@PYTHON=$(PYTHON) sh scripts/make_venv.sh $(VENV) >&2
	@touch $@
