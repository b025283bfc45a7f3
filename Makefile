# One command per task. Every target does its own set-up: a machine needs git, make, and Node 20 or later with npm.
# `make help` lists them. Programs run on the pinned Node in node_modules/.bin (Linux x64 and arm64); on another
# system the Node on PATH is used and must be 24 or later, which `make` checks and says.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# npm is a script of the system's Node: it must not run on the pinned one, which it may be about to replace.
SYSTEM_PATH := $(PATH)
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

TIME ?= 60
SEED ?= 1
SEEDS ?= 1000
WORKLOAD ?=
PROFILE ?=
FAULTS ?=
ARGS ?=
# Set by .ci/run, which counts the tests of each stage from vitest's JSON report.
VITEST_JSON ?=
REPORT = $(if $(VITEST_JSON),--reporter=default --reporter=json --outputFile.json=$(VITEST_JSON))

INSTALLED := node_modules/.package-lock.json
LINTER := tools/node_modules/.package-lock.json
workload = $(if $(WORKLOAD),--workload $(WORKLOAD))
profile = $(if $(PROFILE),--profile $(PROFILE))
faults = $(if $(FAULTS),--faults "$(FAULTS)")

.PHONY: help setup check static format types lint test build cluster sim chaos hostile mutants \
  clients prometheus bench gen dist ci rolling room

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

# A missing or interrupted installation has no such file; `npm ci` is safe to repeat.
$(INSTALLED): package-lock.json
	PATH="$(SYSTEM_PATH)" npm ci --no-audit --no-fund
	PATH="$(SYSTEM_PATH)" node tools/link-node.mjs
	@touch $@

setup: $(INSTALLED) ## install the dependencies and the pinned Node
	@node tools/check-node.mjs

# The linter has no lock file on purpose (ADR 0002); its versions are exact.
$(LINTER): tools/package.json
	PATH="$(SYSTEM_PATH)" npm install --prefix tools --no-package-lock --no-audit --no-fund
	@touch $@

check: static ## format, types, lint, tidy, unit, golden, property
	vitest run internal cmd pkg test/tidy test/golden test/property $(ARGS)

static: format types lint ## the checks that run no code of the project

format: setup ## check the format (`npx prettier --write <your files>` repairs it)
	prettier --check --log-level warn .

types: setup
	tsc -p tsconfig.json --noEmit

lint: setup $(LINTER)
	PATH="$(CURDIR)/tools/node_modules/.bin:$$PATH" oxlint --type-aware --deny-warnings .

test: setup ## unit, golden, property, conformance, wire, tidy
	vitest run $(REPORT) $(ARGS)

build: setup ## compile to dist/ and link node_modules/.bin/flotilla
	tsc -p tsconfig.build.json
	node tools/finish-build.ts

cluster: build ## three brokers on this machine: Kafka 9092-9094, gRPC 7092-7094, HTTP 8092-8094
	exec node_modules/.bin/flotilla cluster $(ARGS)

sim: setup ## the deterministic simulator (SEED, SEEDS, WORKLOAD, PROFILE)
	node test/sim/sim.ts --seed $(SEED) --seeds $(SEEDS) $(workload) $(profile) $(ARGS)

chaos: build ## real brokers under faults, then the checkers (TIME in seconds, SEED, WORKLOAD, FAULTS)
	node jepsen-like/main.ts --time $(TIME) --seed $(SEED) $(workload) $(faults) $(ARGS)

hostile: setup ## real brokers under bad input on every port (ARGS=--quick)
	node test/hostile/main.ts --seed $(SEED) $(ARGS)

mutants: setup ## planted bugs: each must be caught
	vitest run --config vitest.mutants.config.ts $(REPORT) $(ARGS)

clients: build ## real Kafka clients against real brokers (ARGS=--quick for what npm and Debian have)
	node test/clients/main.ts $(ARGS)

rolling: build ## restarts each of three brokers under real clients, and counts what these notice (ARGS="--rounds 2 --only java")
	node test/rolling/main.ts $(ARGS)

room: setup ## real brokers after many topics came and went, and with journals at their limit (ARGS="--only journals")
	node test/room/main.ts $(ARGS)

prometheus: build ## a real Prometheus scrapes a real cluster
	node test/prometheus/main.ts

bench: build ## the benchmarks, beside the floor of the raw journal (ARGS=groups for that part alone)
	node test/bench/main.ts $(ARGS)

gen: setup ## write the generated files again
	for generator in tools/gen-*.ts; do node "$$generator"; done
	prettier --write --log-level warn 'internal/**/generated/**/*.ts' --no-error-on-unmatched-pattern

dist: ## the npm package, from a clean build
	rm -rf dist
	$(MAKE) build
	PATH="$(SYSTEM_PATH)" npm pack

ci: ## what runs on every change: .ci/run without installing system packages
	CI_APT=no .ci/run
