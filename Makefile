# What people and build machines do with this tree. Needs Python 3.11 or newer, git and make; each
# target makes and updates .venv by itself, and does nothing of that when nothing changed.

# The Pythons to make .venv from: the first that is new enough. `make PYTHON=/path/to/python` names one.
PYTHON ?= python3 python3.13 python3.12 python3.11 python3.14 python
# Processes that run tests; servers under test run beside them.
JOBS ?= 2
# What `make test` runs, and further options of pytest.
TESTS ?= tests
PYTEST_OPTIONS ?=
# `make demo KEEP=1` leaves the demo's server running.
KEEP ?=
# Further arguments of `make serve`, as in `make serve ARGS="--data /srv/muniment"`.
ARGS ?=
# `make lock UPGRADE=1` takes the newest versions instead of keeping the locked ones.
UPGRADE ?=

# uv trusts its own list of authorities unless told: where the machine has one, that one counts, as it
# does for pip, so that a company's proxy or index works.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem),)
export UV_SYSTEM_CERTS ?= 1
endif

# Where it is set, every process compiles whatever it imports: more than half of the start of a server, of a
# command and of the tests themselves. What is compiled lies in __pycache__, as anywhere.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check protos bench serve soak format lock

help: ## Show this help
	@echo 'Usage: make TARGET'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## Push, promote, serve, replace and roll back a real model (KEEP=1 leaves the server running)
	@KEEP='$(KEEP)' $(BIN)/python deploy/demo/demo.py

test: $(READY) ## Run all tests (TESTS=tests/unit for some of them)
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup --ignore tests/benchmarks $(PYTEST_OPTIONS) $(TESTS)

check: $(READY) ## Check format, lint, types, imports, protos, stubs and lock, then run all tests
	@echo '== format' && $(BIN)/ruff format --check --quiet .
	@echo '== lint' && $(BIN)/ruff check --quiet .
	@echo '== types' && $(BIN)/mypy
	@echo '== imports' && $(BIN)/lint-imports
	@echo '== protos' && $(BIN)/buf lint protos && $(BIN)/buf format --diff --exit-code protos
	@$(BIN)/buf breaking protos --against protos/baseline.binpb
	@echo '== stubs' && $(BIN)/python deploy/tools/stubs.py check
	@echo '== lock' && $(BIN)/python deploy/tools/lock.py check
	@echo '== tests' && $(MAKE) --no-print-directory test

protos: $(READY) ## Regenerate the stubs and the baseline from the protos; refuses a breaking change
	@$(BIN)/buf format --write protos
	@$(BIN)/buf lint protos
	@$(BIN)/python deploy/tools/stubs.py write

bench: $(READY) ## Measure against the bare stack and the peer, and print the ratios
	@$(BIN)/python -m pytest tests/benchmarks -s --timeout 0

serve: $(READY) ## Serve the registry on 127.0.0.1:7460 (ARGS="..." for more)
	@exec $(BIN)/muniment-server serve $(ARGS)

soak: $(READY) ## Run the long fault, soak and fuzz tests: the same tests with larger numbers
	@$(BIN)/python -m pytest -m soak --soak --timeout 7200 --ignore tests/benchmarks $(PYTEST_OPTIONS) $(TESTS)

format: $(READY) ## Format sources and protos, and fix what lint can fix
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .
	@$(BIN)/buf format --write protos

lock: $(BIN)/uv ## Write deploy/constraints.txt from pyproject.toml (UPGRADE=1 for the newest versions)
	@$(BIN)/python deploy/tools/lock.py write $(if $(UPGRADE),--upgrade)

$(BIN)/python:
	@for candidate in $(PYTHON); do \
	  "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  echo "making .venv with $$("$$candidate" --version) ($$candidate)"; \
	  "$$candidate" -m venv --clear .venv && exit 0; \
	  echo "$$candidate cannot make .venv: install its venv and ensurepip modules" \
	    "(on Debian and Ubuntu the package python3-venv)." >&2; \
	  rm -rf .venv; exit 1; \
	done; \
	echo "Muniment needs Python 3.11 or newer, and none of these is one: $(PYTHON)." \
	  "Install one, or name it: make PYTHON=/path/to/python" >&2; exit 1

# uv comes out of the lock like all else: its lines there, hashes included, are the requirement.
$(BIN)/uv: | $(BIN)/python
	@awk '/^uv==/ { on = 1 } on { print } on && !/\\$$/ { exit }' deploy/constraints.txt > .venv/uv.txt
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.txt

# The project itself is built by the locked hatchling, so nothing unlocked is ever fetched or run.
$(READY): pyproject.toml deploy/constraints.txt | $(BIN)/uv
	@echo 'installing what deploy/constraints.txt locks into .venv'
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r deploy/constraints.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
