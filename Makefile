# Everything a developer or CI runs. `make` alone prints the list.

GO ?= go
LINT := $(GO) tool -modfile=tools/go.mod golangci-lint
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
# git refuses to answer about another user's checkout; the build must not.
VCS := $(shell git rev-parse HEAD >/dev/null 2>&1 && echo true || echo false)

.DEFAULT_GOAL := help

.PHONY: help
help: ## Print this list
	@awk -F ':.*## ' '/^[a-z\/-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install what is missing to build, run and test (Debian, Ubuntu)
	@hack/setup.sh

.PHONY: build
build: ## Build bin/honk
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=$(VCS) -ldflags '-X main.version=$(VERSION)' -o bin/honk ./cmd/honk

.PHONY: demo
demo: setup build ## See a whole task on this machine, no account needed
	bin/honk demo

.PHONY: test
test: setup ## Run the tests
	$(GO) test -timeout 25m ./...

.PHONY: test/race
test/race: setup ## Run the tests in random order with the race detector
	# Short: what runs another program, which has no race detector, is left out.
	$(GO) test -timeout 25m -race -short -shuffle=on ./...

.PHONY: lint
lint: ## Run the linters
	$(LINT) run

.PHONY: fmt
fmt: ## Format the code
	$(LINT) fmt

.PHONY: generate
generate: build ## Regenerate what is made from the code
	hack/generate.sh docs

.PHONY: generate/check
generate/check: build ## Fail when something generated is out of date
	hack/generate.sh --check docs

.PHONY: golden
golden: ## Rewrite the golden files of the tests, to be read in the diff
	$(GO) test $$(grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -n1 dirname | sort -u) -update

.PHONY: bench
bench: setup ## Measure what docs/performance.md promises
	hack/bench.sh

.PHONY: chaos
chaos: setup ## Kill workers, restart the database, spoil the forge; CHAOS_SEED repeats
	CHAOS_TASKS=100 CHAOS_KILLS=5 CHAOS_RESTARTS=2 $(GO) test -run TestChaos -count=1 -v -timeout 30m ./cmd/honk/service

.PHONY: acceptance
acceptance: setup ## Take one shift over 1,000 repositories; HONK_FLEET=100 for fewer
	HONK_FLEET=$(or $(HONK_FLEET),1000) $(GO) test -run 'TestFleet$$' -count=1 -v -timeout 4h ./cmd/honk/service

.PHONY: ci
# Where set-up puts a newer Node if this machine's is too old.
ci: export PATH := $(CURDIR)/tools/npm/node_modules/.bin:$(PATH)
ci: ## Everything that must hold before a merge
	@hack/setup.sh ci
	$(MAKE) test
	$(MAKE) lint
	$(MAKE) test/race
	$(MAKE) generate/check
