# make check is what has to pass before a change goes in.
export CGO_ENABLED ?= 0
GO     ?= go
GRAPHS ?= globalregistry replicate blobexchange
SEEDS  ?= 1 2 3
FUZZTIME ?= 20s

.PHONY: all build test race lint sim fuzz mutants bench check clean
all: build

build: ## the daemon, in bin/
	$(GO) build -trimpath -o bin/merod ./cmd/merod

test:
	$(GO) test ./...

race: ## needs a C compiler
	CGO_ENABLED=1 $(GO) test -race -short ./...

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run gofmt -w on these"; exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck ./...
	$(GO) test ./internal/lint

sim: build ## make sim SEEDS="7 8" GRAPHS=replicate
	@for g in $(GRAPHS); do for s in $(SEEDS); do \
		echo "$$g seed $$s"; \
		bin/merod testnet sim $$g --nodes 50 --time 10m --seed $$s --faults loss,delay,reorder,duplicate,churn --json || exit 1; \
	done; done

fuzz: ## every fuzz target in turn, FUZZTIME each
	@grep -rlE '^func Fuzz' --include='*_test.go' . | while read -r f; do \
		grep -oE '^func Fuzz[A-Za-z0-9_]*' $$f | cut -c6- | while read -r t; do \
			echo "$$f $$t"; \
			(cd $$(dirname $$f) && $(GO) test -run '^$$' -fuzz "^$$t\$$" -fuzztime $(FUZZTIME) .) </dev/null || exit 1; \
		done || exit 1; \
	done

mutants: ## make mutants SAMPLE=3
	BASELINE=1 SAMPLE=$(SAMPLE) testdata/mutants/run.sh

bench:
	cd bench && $(GO) test -run '^$$' -bench . -benchmem ./...

check:
	.ci/run

clean:
	rm -rf bin
	find . -name '*.test' -type f -delete
