.DEFAULT_GOAL := help
.PHONY: help run test build setup bench fuzz

help: ## Show this help
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: ## From a fresh clone to a running server with an example app on it
	@scripts/run.sh

test: ## Run every check that CI runs
	@scripts/test.sh

build: ## Build the release
	@scripts/build.sh

setup: ## Install what building, testing and running need
	@scripts/setup.sh

fuzz: ## Compare random statements with the server's judgement until stopped
	@scripts/fuzz.sh

bench: ## Measure calls of apps against servers without a sandbox
	@scripts/bench.sh
