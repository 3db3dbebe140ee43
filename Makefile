# Everything a developer runs. Each target installs what it needs into .venv first.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell $(p) -c 'import sys; print("$(p)" if sys.version_info >= (3, 11) else "")' 2>/dev/null)) python3)
PY := .venv/bin/python
PIP := $(PY) -m pip --quiet --disable-pip-version-check
CODE := server providers tests tools $(wildcard benchmarks) $(wildcard examples)
IMAGE := protos/ucal.v1.binpb

.PHONY: help run test check format proto contract-release interop bench chaos docs lock clean
.PHONY: check-format check-lint check-types check-laws check-contract check-generated check-docs

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# -- environment: one stamp a set of packages, renewed when the lists change

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, found " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "make .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "python3-venv (ensurepip) is missing"; exit 1; }

.venv/.run: pyproject.toml constraints.txt | $(PY)
	@echo "install the service and its demo into .venv"
	@$(PIP) install -c constraints.txt -e '.[demo]'
	@touch $@

.venv/.dev: pyproject.toml constraints.txt | $(PY)
	@echo "install the service, developers' tools and vendors' SDKs into .venv"
	@$(PIP) install -c constraints.txt -e '.[dev,strangers]'
	@touch $@ .venv/.run

# Vendors' clients for JavaScript: tests that want one are skipped by name where npm is missing.
.venv/.node: tests/node/package.json | $(PY)
	@if command -v npm >/dev/null; then echo "install vendors' clients for JavaScript into .venv/node" && \
	mkdir -p .venv/node && cp tests/node/package.json .venv/node/ && \
	{ npm install --prefix .venv/node --silent --no-audit --no-fund --no-package-lock --ignore-scripts || \
	echo "npm could not install them: their tests are skipped"; }; fi
	@touch $@

# -- what people run

run: .venv/.run ## start the service with a sandbox and a local CalDAV server, no account needed
	@exec $(PY) -m server.demo

test: .venv/.dev .venv/.node ## run the test suite; PYTEST_ARGS="-k watch" passes arguments on
	@NODE_PATH=$(CURDIR)/.venv/node/node_modules $(PY) -m pytest -n auto --dist loadgroup $(PYTEST_ARGS)

check: check-format check-lint check-types check-laws check-contract check-generated check-docs ## format, lint, types, import laws, contract, generated files; under 60 s
	@echo "check: all clean"

format: .venv/.dev ## rewrite Python and protos in the house format
	@$(PY) -m ruff check --quiet --fix-only $(CODE)
	@$(PY) -m ruff format $(CODE)
	@.venv/bin/buf format -w protos

proto: .venv/.dev ## regenerate the Python beside the protos
	@$(PY) tools/gen_protos.py

contract-release: .venv/.dev ## keep the contract as it is now as the one not to break
	@.venv/bin/buf build protos --exclude-source-info -o $(IMAGE)
	@echo "$(IMAGE) is the contract that 'make check' holds the protos against"

interop: .venv/.dev ## clients in other languages against a running server
	@tests/interop/run.sh

bench: .venv/.dev ## every benchmark; prints ratios, writes benchmarks/results/
	@$(PY) -m benchmarks

chaos: .venv/.dev ## faults, kills and hostile input under load
	@$(PY) -m benchmarks.chaos

docs: .venv/.dev ## regenerate the pages made from code, and build the site
	@$(PY) tools/gen_docs.py
	@$(PY) tools/gen_contract_docs.py
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet

lock: .venv/.dev ## write constraints.txt from what is installed
	@$(PIP) freeze --exclude-editable > constraints.txt

clean: ## remove .venv and every cache
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist site
	@rm -rf $(foreach part,gen dist target node_modules,$(wildcard examples/*/$(part)))

# -- the parts of check

check-format: .venv/.dev
	@echo "format" && $(PY) -m ruff format --quiet --check $(CODE)

check-lint: .venv/.dev
	@echo "lint" && $(PY) -m ruff check --quiet $(CODE)

check-types: .venv/.dev
	@echo "types" && $(PY) -m mypy --no-error-summary

check-laws: .venv/.dev
	@echo "import laws" && .venv/bin/lint-imports --no-cache > .venv/laws.txt || { cat .venv/laws.txt; exit 1; }

check-contract: .venv/.dev
	@echo "contract: format, lint" && .venv/bin/buf format --diff --exit-code protos && .venv/bin/buf lint
	@if [ -e $(IMAGE) ]; then echo "contract: breaking changes" && .venv/bin/buf breaking protos --against $(IMAGE); \
	else echo "contract: no released image yet (make contract-release), breaking changes not looked for"; fi

check-generated: .venv/.dev
	@echo "generated code" && $(PY) tools/gen_protos.py --check

check-docs: .venv/.dev
	@echo "generated docs" && $(PY) tools/gen_docs.py --check && $(PY) tools/gen_contract_docs.py --check
