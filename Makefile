# Seawall's targets. `make` alone lists them.

GO ?= go
# The version comes from the build information, which needs a usable git.
VCS := $(shell git rev-parse --verify -q HEAD >/dev/null 2>&1 && echo true || echo false)
# Without debug information, which a stack trace does not need, the programs are a fifth smaller
# and a build from nothing takes two thirds of the time, together with a compiler that may use
# more memory where there is plenty.
BUILD := $(shell awk '/^MemAvailable/ && $$2 > 4e6 { print "GOGC=400" }' /proc/meminfo) CGO_ENABLED=0 \
	$(GO) build -trimpath -buildvcs=$(VCS) -gcflags=all=-dwarf=false -ldflags="$(LDFLAGS)"
BIN ?= bin
LDFLAGS ?= -w

.PHONY: help build test run bench load faults lint generate fuzz reference docs packages vmtest reproducible deps clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: ## build the three programs into bin/ (BIN=DIR: elsewhere)
	$(BUILD) -o $(BIN)/ ./agent/cmd/seawall ./agent/cmd/seawall-uplink ./collector/cmd/seawall-collector

run: ## build, then collector, uplink and sensor on this host until Ctrl-C (root)
	@scripts/run

# The race detector looks at all but SQLite, which is C made into Go that takes ten times as long
# under it. What it synchronises with is the runtime's, and is still seen.
RACE := -race '-gcflags=modernc.org/...=-race=false'

# -count=1: results depend on the kernel, on sshd, on what apt knows today. One package more at a
# time than there are processors: many tests wait, for kernel audit's lock among others.
test: ## install what the tests need, then all tests with the race detector (root)
	@scripts/setup
	$(GO) test $(RACE) -count=1 -p $$(($$(nproc) + 1)) -timeout 30m ./...

bench: ## all benchmarks, one second each (BENCH=./scripts/peers: beside apt, dnf and needrestart alone; ./scripts/auditbench: beside auditd and laurel, 11 minutes)
	$(GO) test -run '^$$' -bench . -benchmem -timeout 60m $(or $(BENCH),./...)

load: ## 8,000 simulated hosts on the real collector, every scenario (20 minutes; LOAD=ARGUMENTS: others)
	$(GO) run ./scripts/load $(or $(LOAD),all)

fuzz: ## every fuzz target for FUZZTIME (default 10s)
	@scripts/fuzz $(FUZZTIME)

lint: ## go vet, staticcheck, golangci-lint, buf, shellcheck, govulncheck
	@scripts/lint

faults: ## inject the list of faults, then 1,000 rounds of random ones (root)
	@scripts/setup
	@scripts/faults
	@scripts/faults --rounds 1000

generate: ## protobuf code from proto/
	@scripts/generate

reference: ## docs/checks, made of the checks, and the counts of docs/coverage.md
	$(GO) test -count=1 ./scripts/reference -update

docs: build ## man pages and shell completions into bin/docs
	$(GO) run ./scripts/docs bin bin/docs packaging/man seawall.1 seawall-uplink.8 seawall-collector.8

packages: ## deb and rpm, for amd64 and arm64, into dist/ (DIST=DIR: elsewhere)
	@scripts/packages

vmtest: ## packages from first boot to purge in a local Droplet (root; PARTS=…: some of it, see scripts/vmtest)
	@scripts/vmtest $(PARTS)

reproducible: ## make the packages twice, in two folders, and compare
	@scripts/reproducible

deps: ## write the sensor's dependency list anew (scripts/sensor-deps.txt)
	$(GO) test ./scripts/policy -run TestSensorDependencies -update

clean: ## remove bin/, run/ and dist/
	rm -rf bin run dist
