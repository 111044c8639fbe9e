# The menu. Each entry is a script under tools/, so that it can be read, run and changed alone.
.DEFAULT_GOAL := help
.PHONY: help deps build test check fmt bench demo demo-large dist clean

help: ## this list
	@echo "Slipway: documents to cited answers, in one program."
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20
	@echo
	@echo "First time? 'make demo' does all of it. On two cores a first build takes about 25 minutes,"
	@echo "and that of the tests ten more; later builds take seconds."

deps: ## fetch and build what Slipway needs, once, outside the tree
	@tools/deps/deps.sh >/dev/null && echo "deps: all there"

build: ## build/slipway (Release) and the examples
	@tools/build.sh release slipway examples

test: ## build, unit tests, journeys over the real program, comparisons with other libraries
	@tools/test.sh

check: ## layers, tidy, format, and the tests under ASan and UBSan
	@tools/check.sh

fmt: ## format the C++ sources
	@tools/format.sh

bench: ## measure beside LangChain + Chroma; a table, and JSON in build/bench/
	@tools/bench.sh

demo: ## ingest the documents that ship with Slipway and ask three questions
	@tools/demo.sh

demo-large: ## the same over the PostgreSQL manual, about 1,100 pages
	@tools/demo.sh --large

dist: ## a tarball that runs on any Debian 12, with its test
	@tools/dist.sh

clean: ## remove build folders; dependencies stay cached outside the tree
	@rm -rf build build-asan build-tsan
