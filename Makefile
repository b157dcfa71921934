# Every routine task. `make help` lists them; Go and git are needed, and Node with npm to test the edge.

GO     ?= go
CACHE  ?= .cache
BIN    := $(CACHE)/bin
DEMO   ?= $(CURDIR)/$(CACHE)/demo
LISTEN ?= 127.0.0.1:8080

# Google's client can find its servers through xDS, which regsnap never asks for: a fifth of the program, and of the time to compile it.
LIGHT := disable_grpc_modules

# The real package storage and the recorded answers of the reference registry.
REAL ?= ../shared/real
export REGSNAP_REAL = $(abspath $(REAL))
# Test packages of others and made-up ones, and the recorded answers for them.
PEER ?= ../shared/peer
export REGSNAP_PEER = $(abspath $(PEER))

.DEFAULT_GOAL := help
.PHONY: help build demo image release tools test race lint fuzz conformance bench scale soak mutants clean

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/regsnap
	@test -x bin/regsnap || echo 'compiling regsnap; the first time, with all that it links, takes minutes. Packages as they are done:'
	CGO_ENABLED=0 $(GO) build $$(test -x bin/regsnap || echo -v) -trimpath -tags $(LIGHT) -o bin/regsnap ./cmd/regsnap

demo: build ## build three environments from testdata/ and serve them
	bin/regsnap build --config testdata/regsnap.yml --source dir:testdata/storage --bucket file://$(DEMO) --publish --allow-render
	bin/regsnap serve --config testdata/regsnap.yml --bucket file://$(DEMO) --listen $(LISTEN)

IMAGE ?= $(CURDIR)/$(CACHE)/image
image: build ## make the demo's container image, for amd64 and arm64, in $(IMAGE)
	for arch in amd64 arm64; do \
	  CGO_ENABLED=0 GOOS=linux GOARCH=$$arch $(GO) build -trimpath -tags $(LIGHT) -ldflags '-s -w' -o bin/regsnap-linux-$$arch ./cmd/regsnap || exit 1; \
	done
	bin/regsnap build --config testdata/regsnap.yml --source dir:testdata/storage --bucket file://$(DEMO) --publish --allow-render
	bin/regsnap image --config testdata/regsnap.yml --bucket file://$(DEMO) --env production --layout $(IMAGE) \
	  --binary linux/amd64=bin/regsnap-linux-amd64 --binary linux/arm64=bin/regsnap-linux-arm64

DIST ?= dist
release: ## make the release $(VERSION) in dist: archives, packages, image, bill of materials, checksums
	@test -n "$(VERSION)" || { echo "make release VERSION=v1.2.3"; exit 2; }
	rm -rf $(DIST)
	$(GO) run ./cmd/regsnap-release -version $(VERSION) -out $(DIST)

tools: ## install the servers and the other programs that tests run, in the user's cache
	@$(GO) run ./internal/testtools/install

# `make lint` vets, once; and tests that nobody debugs link in half the time.
LEAN := -vet=off -ldflags='-s -w'

# What `go test ./...` leaves out or has a selection of: see internal/testtools/quick.go.
WHOLE := $(LIGHT),thorough

RUNS ?= 20
test: tools ## run all tests, whole, and $(RUNS) more of each kind of random run
	cd cmd/regsnap-spec && $(GO) test ./...
	$(GO) test $(LEAN) -tags $(WHOLE) -timeout 30m ./...
	$(GO) test $(LEAN) -tags $(WHOLE) -timeout 30m -count 1 -run '^(TestRandomised|TestMirrorInterrupted)$$' ./publish ./publish/carry -soak $(RUNS)

# Not under the race detector: what starts the program or a browser again and again, and what breaks off or pauses
# one writer at each of its requests in turn. What runs side by side in them has random runs, which stay.
UNRACED := ^(TestScripts|TestSecretsOfURLs|TestJSON|TestTypos|TestWidth|TestOrder|TestTour|TestAction.*|TestCI.*|Test.*Guide|TestCommandsAgreeAboutDamage|TestReleasedFormats|TestRunbook|TestRecording.*|TestCatalogue|TestCrashAtEveryChange|Test.*AtEveryRequest|TestFails)$$
# What these packages test runs in Node, workerd and nginx, or has no goroutines.
ALONE := /(serve/edge|layout/answer|index/scaletest)$$
race: tools ## run the tests under the race detector, but for those that start programs or enumerate
	$(GO) test $(LEAN) -tags $(LIGHT) -race -timeout 30m -skip '$(UNRACED)' $$($(GO) list ./... | grep -vE '$(ALONE)')

lint: ## gofmt, go vet, staticcheck, actionlint, module files
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	$(GO) vet -tags $(WHOLE),bench,conformance,mutants ./...
	$(GO) tool -modfile=.ci/tools/go.mod staticcheck -tags $(WHOLE),bench,conformance,mutants ./...
	$(GO) tool -modfile=.ci/tools/go.mod actionlint -shellcheck= -pyflakes= .github/workflows/*.yml docs/ci/github/*.yml docs/ci/shards/github.yml
	$(GO) mod verify
	$(GO) mod tidy -diff
	cd cmd/regsnap-spec && $(GO) vet ./... && $(GO) mod verify && $(GO) mod tidy -diff

FUZZTIME ?= 5s
fuzz: ## run each fuzz target for $(FUZZTIME)
	@set -e; grep -ro --include='*_test.go' --exclude-dir=.cache '^func Fuzz[A-Za-z0-9]*' . | sort | while IFS=: read -r file target; do \
	  package=$$(dirname $$file) target=$${target#func }; \
	  echo "$$package $$target"; \
	  $(GO) test $(LEAN) -tags $(LIGHT) -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package </dev/null; \
	done

conformance: tools ## compare with every recorded answer of the reference registry in $(REAL) and $(PEER)
	$(GO) test $(LEAN) -tags $(LIGHT),conformance -count 1 -timeout 30m -v -run '^TestConformance' ./layout/... ./build/... ./index/lint ./index/promote ./publish/... ./serve/... ./cmd/regsnap ./cmd/regsnap-release

bench: build tools ## measure on $(REAL), write docs/performance.md (wants rclone)
	$(GO) test -tags $(LIGHT),bench -p 1 -count 1 -timeout 60m -v -run '^TestPerformance' ./cmd/regsnap ./serve ./serve/edge ./serve/export ./publish/image

SCALE ?= $(CURDIR)/$(CACHE)/scale
scale: build ## measure on synthetic storages of up to 100,000 package versions in $(SCALE) (10 GB), write docs/performance.md
	REGSNAP_SCALE=$(SCALE) $(GO) test -tags $(LIGHT),bench -count 1 -timeout 60m -v -run '^TestScale' ./cmd/regsnap

SOAK ?= 500
SEED ?= 1
soak: tools ## the whole history replayed, every order of commits, and $(SOAK) randomised runs on each store
	$(GO) test -tags $(LIGHT) -count 1 -timeout 180m -run '^TestOrder$$' ./cmd/regsnap -every-order
	REGSNAP_REPLAY=all $(GO) test -tags $(LIGHT),conformance -count 1 -timeout 180m -v -run '^TestConformanceReplay' ./build
	$(GO) test -tags $(LIGHT) -count 1 -timeout 180m -v -run '^(TestRandomised|TestDiffAgainstAll)$$' ./publish -soak $(SOAK) -soak-seed $(SEED)
	$(GO) test -tags $(LIGHT) -count 1 -timeout 180m -v -run 'TestMirrorInterrupted' ./publish/carry -soak $(SOAK) -soak-seed $(SEED)

PACKAGES ?=
BASE     ?=
SAMPLE   ?= 0
LONGEST  ?= 20s
mutants: tools ## make small faults in $(PACKAGES), or in what changed since $(BASE), and list those that no test notices
	$(if $(filter-out ./serve/edge,$(or $(PACKAGES),.)),GOFLAGS="$(GOFLAGS) -tags=$(LIGHT)" $(GO) run ./internal/mutants -sample $(SAMPLE) -seed $(SEED) -longest $(LONGEST) $(if $(BASE),-base $(BASE)) $(filter-out ./serve/edge,$(PACKAGES)))
	$(if $(filter ./serve/edge,$(PACKAGES)),$(GO) test -tags $(LIGHT),mutants -count 1 -timeout 0 -v -run '^TestMutants$$' ./serve/edge -sample $(SAMPLE))

clean: ## remove what was built
	rm -rf bin $(CACHE)
