# Six words: demo · test · check · bench · soak · lock. Each does all the set-up that it needs, from a
# fresh clone, with python3 (3.11 or newer) alone. The plain commands stand in the README.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Two cores are enough for the suite; more are used where they are.
JOBS ?= auto

# `make bench N=10000000`, and what else it is to be told: `make bench ARGS=--write-docs`.
N ?= 1000000
ARGS ?=

.PHONY: demo test check bench soak lock setup clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.run
	@$(BIN)/sms-ledger demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(JOBS) -q

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m bench --lines $(N) $(ARGS)

# What `test` does in samples: thirty rounds of kills and crashes, more to write at once, five hundred
# transfers with faults, all pairs of causes of a drift on a server, hundreds of damaged ledgers.
soak: $(VENV)/.dev
	SMS_LEDGER_SOAK=1 $(BIN)/python -m pytest -q -s tests/test_kills.py tests/test_writers.py tests/test_operator.py tests/test_transfer_faults.py tests/test_recon_matrix.py tests/test_damage.py tests/test_audit_proof.py

setup: $(VENV)/.dev

# A marker is touched last: a set-up that was cut off is done again.
$(VENV)/.run: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("sms-ledger needs python3 3.11 or newer, found " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (once) …" >&2
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

# For maintainers: needs uv.
lock:
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 --group pyproject.toml:build pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 --group pyproject.toml:build --group pyproject.toml:dev pyproject.toml -c requirements.txt -o requirements-dev.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
