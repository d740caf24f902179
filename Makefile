# `make run` opens the demo, `make test` runs the tests; both set up what they need (see scripts/setup.sh).
# `make check` is everything that has to pass before a change lands.

# A private cmake, where the system's is too old to build HDF5.
CMAKE_BIN := $(wildcard $(CURDIR)/.tools/cmake/cmake/data/bin/cmake)
ifdef CMAKE_BIN
export CMAKE ?= $(CMAKE_BIN)
endif
export PATH := $(PATH):$(HOME)/.cargo/bin
CARGO ?= cargo
BIN = $${CARGO_TARGET_DIR:-target}/release/tectum

# The program, its tests and the checks are one build: the same profile everywhere.

.DEFAULT_GOAL := run
.PHONY: run test check lint fmt setup release dist demo-live bench bench-peers bench-sources bench-convert bench-rig big differential test-cluster written computed fuzz qc-clean soak headless install uninstall clean help

help: ## What can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

setup:
	@scripts/setup.sh

release: setup
	@$(MAKE) --no-print-directory _release
_release:
	$(CARGO) build --release --locked

run: release ## Build, write the demo recording once, open the window on it
	@scripts/run.sh

test: setup ## All tests
	@$(MAKE) --no-print-directory _test
_test:
	$(CARGO) test --release --locked

lint: setup ## Format, dependencies, clippy and docs, warnings denied
	@$(MAKE) --no-print-directory _lint
_lint:
	$(CARGO) fmt --check
	CARGO="$(CARGO)" python3 scripts/dependencies.py
	$(CARGO) clippy --release --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --locked --no-deps --document-private-items

check: lint test ## lint and test

fmt: ## Format the code
	$(CARGO) fmt

demo-live: release ## Write the demo as a running rig would, and watch it
	$(BIN) demo demo-live --live 3 --restart

bench: release ## Measure this machine on the demo recording, and the parts by themselves
	$(BIN) demo demo --no-open
	$(BIN) bench demo
	$(CARGO) bench --locked

bench-peers: release ## Measure beside napari, ndv, fastplotlib, split_dataset, h5py; writes BENCHMARKS.md's table (PEERS="--only …": parts)
	@benches/peers/run.sh $(PEERS)

bench-sources: release ## Measure the same recording in every format, and how soon large ones open
	@benches/sources/run.sh

bench-convert: release ## Convert a recording beside h5py, zarr-python and dask, and measure each half alone
	@benches/convert/run.sh

bench-rig: release ## Measure what following a recording costs its writer, for 20 minutes
	@benches/rig/run.sh

big: release ## Write a recording of 1.9 GB of voxels into .tools/big-demo, to try things on
	$(BIN) demo .tools/big-demo --no-open --shape 120,30,512,512

differential: release ## Compare with h5py, flammkuchen and split_dataset on 2,000 random recordings
	@tests/differential/run.sh $${DIFFERENTIAL:-}

written: release ## Let h5py, scipy and lindi read what the program writes of random arrays
	@tests/written/run.sh $${WRITTEN:-}

computed: setup ## Let numpy and scipy compute random expressions, and compare what is computed here
	@CARGO="$(CARGO)" tests/delayed/run.sh

fuzz: setup ## Read damaged blocks, Zarr hierarchies and what else is read, for FUZZ_SECONDS (900) each
	FUZZ_SECONDS=$${FUZZ_SECONDS:-900} $(CARGO) test --locked --release --test decoding long_time -- --ignored --nocapture
	FUZZ_SECONDS=$${FUZZ_SECONDS:-900} $(CARGO) test --locked --release --test sources long_time -- --ignored --nocapture

test-cluster: setup ## Plans by Slurm, Snakemake, Dask and make here, with tasks killed and doubled (CLUSTER="--only slurm")
	$(CARGO) build --release --locked --no-default-features --features cli
	@tests/cluster/run.sh $(CLUSTER)

qc-clean: setup ## Count the false alarms in 240 clean recordings, and what else of tests/qc takes a minute
	$(CARGO) test --locked --release --test qc -- --ignored --nocapture

soak: setup ## Live recordings with thousands of accidents (TECTUM_STORIES, 3000)
	$(CARGO) test --locked --release --test live soak -- --ignored --nocapture --test-threads 1

headless: ## The command line alone, to copy to the nodes of a cluster: target/dist/tectum
	@scripts/setup.sh --headless
	$(CARGO) build --profile dist --locked --no-default-features --features cli

dist: setup ## The program as it is handed on: linked as a whole and stripped, in target/dist
	$(CARGO) build --profile dist --locked --no-default-features --features window

install: release ## Into your own folders (~/.local): program, icon, desktop entry, file type
	@scripts/install.sh

uninstall: ## Take it away again
	@scripts/install.sh --remove

clean: ## Remove what was built, but not the tools in .tools
	$(CARGO) clean
	rm -rf demo demo-live tectum-demo.png
