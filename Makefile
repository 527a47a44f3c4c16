# The two commands: make demo, make test. Everything else is for people who work on Tidings.
.DEFAULT_GOAL := help
.NOTPARALLEL:
JOBS ?= $(shell nproc)
PRESET ?= dev
CHAOS_SECONDS ?= 3600

.PHONY: help demo test quick build format fuzz-long chaos bench bench-quick bench-full bench-check clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo:  ## Install what is missing, build, and watch events arrive (Ctrl-C stops; DEMO_SECONDS=20 stops by itself)
	@tools/setup build
	@test -f build/release/build.ninja || cmake --preset release
	@cmake --build build/release --target tidings_cli -j $(JOBS)
	@exec tools/demo

test:  ## Install what is missing, build, run every test
	@tools/setup test
	@tools/test

quick:  ## Run tidy and the unit tests of the release build only
	@tools/test quick

build:  ## Build everything with PRESET (dev, release, asan, tsan, fuzz)
	@test -f build/$(PRESET)/build.ninja || cmake --preset $(PRESET)
	@cmake --build build/$(PRESET) -j $(JOBS)

format:  ## Format the C++ sources (clang-format-19: tools/setup dev)
	@git ls-files -co --exclude-standard '*.cpp' '*.hpp' | xargs clang-format-19 -i

fuzz-long:  ## Fuzz each target for FUZZ_SECONDS (default 600)
	@tools/setup test
	@tools/test fuzz-long

chaos:  ## Kill, cut and stall hubs and their Redis for CHAOS_SECONDS (default 3600), over fresh seeds
	@tools/setup test
	@test -f build/release/build.ninja || cmake --preset release
	@cmake --build build/release --target tidings_cli -j $(JOBS)
	@test/chaos/run.py --bin build/release/tidings --total $(CHAOS_SECONDS) --seconds 45 --json build/chaos.json

bench:  ## Measure Tidings beside bare floors and other servers, in about 12 minutes: a table, bench/results/
	@tools/setup bench
	@bench/peers/setup || true
	@bench/run.py --runs 3

bench-quick:  ## The same in three minutes: one short run, fewer points
	@tools/setup bench
	@bench/peers/setup || true
	@bench/run.py --runs 1 --level quick --seconds-scale 0.5

bench-full:  ## Five runs of every scenario and peer, the growth of costs too (about an hour)
	@tools/setup bench
	@bench/peers/setup || true
	@bench/run.py --runs 5 --level full --scenario all

bench-check:  ## Count the instructions of fixed workloads against bench/baseline.json (UPDATE=1 writes it)
	@tools/setup bench
	@test -f build/release/build.ninja || cmake --preset release
	@cmake --build build/release --target tidings_instructions -j $(JOBS)
	@bench/check_instructions.py $(if $(UPDATE),--update)

clean:  ## Remove everything that was built
	rm -rf build
