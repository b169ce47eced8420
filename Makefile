# Two commands: `make demo` runs the main job, `make test` passes the tests. Both install what is missing first.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: demo test check setup build bench shots clean

CARGO_HOME_BIN := $(HOME)/.cargo/bin
export PATH := $(CARGO_HOME_BIN):$(PATH)
export CARGO_TERM_COLOR ?= auto
TARGET := $(or $(CARGO_TARGET_DIR),target)

## Runs the bank on a laptop: git server, registry, control plane. No terminal: plays four acts and exits.
demo: build
	@if [ -t 1 ]; then exec $(TARGET)/debug/seaway demo; else exec $(TARGET)/debug/seaway demo --once; fi

## Builds with the quick profile. The first build takes some minutes on two cores, a later one seconds.
build: setup
	@[ -x $(TARGET)/debug/seaway ] || echo "building seaway: the first time takes some minutes on two cores"
	@cargo build --locked -p seaway

## Every test, against real parts where there are some.
test: parts
	@./tests/run

## What to run before a commit.
check: setup
	@cargo xtask check

## Installs what a build needs, or prints the command that would; fetches crates; builds the page. Both commands call it; only it and `parts` use
## the network.
setup:
	@tests/toolchain
	@tests/page
	@cargo fetch --locked --quiet

## Installs what the tests run against besides: Debian's packages, a browser, schemathesis from PyPI, kubectl and kustomize from pinned Go modules.
.PHONY: parts
parts: setup
	@tests/npm tests/oidc
	@tests/fuzz/install >/dev/null
	@cargo xtask setup

bench: build
	@cargo xtask bench

## The README's pictures, from the real demo.
shots: build parts
	@PATH=$$(tests/node):$$PATH node tests/browser/shots.mjs

clean:
	@cargo clean
