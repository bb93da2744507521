# Every task by name: `make help`. One flat Makefile; each library and service adds itself with a fragment
# (libs/<name>/lib.mk, services/<name>/service.mk). BUILD picks the variant, kept side by side in build/<variant>.

BUILD ?= debug
OUT   ?= build
B     := $(OUT)/$(BUILD)
GEN   := $(OUT)/gen
VERSION := $(shell cat VERSION 2>/dev/null || echo 0)
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Werror
# A column that a row of a table leaves out is zero: that is what it means.
WARNINGS += -Wno-missing-field-initializers
CFLAGS_COMMON := -std=c17 -D_GNU_SOURCE -g -fno-omit-frame-pointer -fstack-protector-strong -pthread -MMD -MP
CPPFLAGS := -Ilibs -I$(GEN)
DEFINES  := -DNWIMS_VERSION='"$(VERSION)"' -DNWIMS_COMMIT='"$(COMMIT)"'
LDFLAGS_COMMON := -pthread -Wl,-z,relro,-z,now

variant.debug.cflags    := -O1
variant.release.cflags  := -O2 -D_FORTIFY_SOURCE=2
# Both at once: one run of the tests serves for the two.
variant.asan.cflags     := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined
variant.ubsan.cflags    := -O1 -fsanitize=undefined -fno-sanitize-recover=all
variant.tsan.cflags     := -O1 -fsanitize=thread
variant.coverage.cflags := -O0 --coverage
variant.fuzz.cflags     := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
variant.asan.ldflags     := -fsanitize=address,undefined
variant.ubsan.ldflags    := -fsanitize=undefined
variant.tsan.ldflags     := -fsanitize=thread
variant.coverage.ldflags := --coverage
variant.fuzz.ldflags     := -fsanitize=address,undefined
ifeq ($(filter $(BUILD),debug release asan ubsan tsan coverage fuzz),)
$(error BUILD=$(BUILD) is unknown: use debug, release, asan, ubsan, tsan, coverage or fuzz)
endif
ifeq ($(BUILD),fuzz)
CC := clang
endif
CFLAGS_ALL  = $(CFLAGS_COMMON) $(variant.$(BUILD).cflags) $(CFLAGS)
LDFLAGS_ALL = $(LDFLAGS_COMMON) $(variant.$(BUILD).ldflags) $(LDFLAGS)

# ---- what there is: fragments add to these -------------------------------------------------------------------
LIBS     :=
SERVICES :=
PROGRAMS :=
include $(sort $(wildcard libs/*/lib.mk))
include $(sort $(wildcard services/*/service.mk))
include $(sort $(wildcard scripts/*/program.mk tests/support/*/program.mk tests/bench/*/program.mk))

.PHONY: all
all: libs services programs

# ---- generated code: messages, their comments and rules ------------------------------------------------------
PROTOS    := $(sort $(wildcard proto/nwims/v1/*.proto))
PROTO_H   := $(PROTOS:proto/%.proto=$(GEN)/%.pb-c.h)
PROTO_C   := $(PROTOS:proto/%.proto=$(GEN)/%.pb-c.c)
$(GEN)/%.pb-c.c $(GEN)/%.pb-c.h &: proto/%.proto
	@mkdir -p $(@D)
	protoc-c --proto_path=proto --c_out=$(GEN) $<
# The manual of the messages (comments and field rules) as a C table, for OpenAPI and for checking input.
$(GEN)/proto_manual.c: scripts/proto-manual.awk $(PROTOS)
	@mkdir -p $(@D)
	awk -f scripts/proto-manual.awk $(PROTOS) > $@.tmp && mv $@.tmp $@

# ---- rules ---------------------------------------------------------------------------------------------------
# Packages are looked up once per library, and only for those that exist here.
pkg_cflags = $(if $($(1).packages),$(shell pkg-config --cflags $($(1).packages)))
pkg_libs   = $(if $($(1).packages),$(shell pkg-config --libs $($(1).packages))) $($(1).ldlibs)

define library_rules
$(1).objects := $$(patsubst %.c,$$(B)/libs/$(1)/%.o,$$($(1).sources)) $$(patsubst %.c,$$(B)/gen/%.o,$$($(1).generated))
$(1).cflags  := $$(call pkg_cflags,$(1))
$(1).link    := $$(call pkg_libs,$(1))
$$(B)/libs/lib$(1).a: $$($(1).objects)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(AR) rcsD $$@ $$^
$$(B)/libs/$(1)/%.o: libs/$(1)/%.c | $$(PROTO_H)
	@mkdir -p $$(@D)
	$$(CC) $$(CPPFLAGS) $$($(1).defines) $$(CFLAGS_ALL) $$(WARNINGS) $$($(1).cflags) -c $$< -o $$@
endef
$(foreach lib,$(LIBS),$(eval $(call library_rules,$(lib))))

$(B)/gen/%.o: $(GEN)/%.c | $(PROTO_H)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -Wno-conversion -c $< -o $@

# All libraries that the named ones need, themselves included, highest floor first; <lib>.needs is direct.
closure = $(sort $(1) $(foreach lib,$(1),$(if $($(lib).needs),$(call closure,$($(lib).needs)))))
archives = $(patsubst %,$(B)/libs/lib%.a,$(call closure,$(1)))
link_of  = -Wl,--start-group $(call archives,$(1)) -Wl,--end-group $(foreach lib,$(call closure,$(1)),$($(lib).link))

define program_rules
$(1).objects := $$(patsubst %.c,$$(B)/$(2)/%.o,$$($(1).sources)) $$(patsubst schema/%.sql,$$(B)/$(2)/schema/%.o,$$(addprefix schema/,$$(notdir $$(sort $$(wildcard $(2)/schema/*.sql))))) $$(patsubst %,$$(B)/$(2)/%.asset.o,$$($(1).assets))
$$(B)/bin/$(1): $$($(1).objects) $$(call archives,$$($(1).libs))
	@mkdir -p $$(@D)
	$$(CC) $$(LDFLAGS_ALL) $$($(1).objects) $$(call link_of,$$($(1).libs)) $$($(1).ldlibs) -lm -o $$@
$$(B)/$(2)/%.o: $(2)/%.c | $$(PROTO_H)
	@mkdir -p $$(@D)
	$$(CC) $$(CPPFLAGS) -I$(2) $$(DEFINES) $$(CFLAGS_ALL) $$(WARNINGS) -c $$< -o $$@
# A migration is part of its program, and so is a page that it serves.
$$(B)/$(2)/schema/%.o: $(2)/schema/%.sql scripts/embed-file
	@mkdir -p $$(@D)
	scripts/embed-file migration $$< > $$(@:.o=.c) && $$(CC) $$(CFLAGS_COMMON) -c $$(@:.o=.c) -o $$@
$$(B)/$(2)/%.asset.o: $(2)/% scripts/embed-file
	@mkdir -p $$(@D)
	scripts/embed-file asset $$< > $$(@:.o=.c) && $$(CC) $$(CFLAGS_COMMON) -c $$(@:.o=.c) -o $$@
endef
$(foreach service,$(SERVICES),$(eval $(call program_rules,$(service),services/$(service))))
$(foreach program,$(PROGRAMS),$(eval $(call program_rules,$(program),$($(program).folder))))

.PHONY: clang
clang:                                                     ## build everything with Clang too: its warnings are errors as well
	$(MAKE) CC=clang OUT=$(OUT)/clang generate
	$(MAKE) CC=clang OUT=$(OUT)/clang libs services programs

.PHONY: libs services programs generate
libs: $(patsubst %,$(B)/libs/lib%.a,$(LIBS))              ## build every library
services: $(SERVICES:%=$(B)/bin/%)                         ## build every service
programs: $(PROGRAMS:%=$(B)/bin/%)                         ## build the runner, the demo writer and other helpers
generate: $(PROTO_H)                                       ## make the C code of the messages

# ---- unit tests: tests/unit/libs/<lib>/<name>_test.c and tests/unit/services/<service>/<name>_test.c ---------
UNIT_SOURCES := $(sort $(wildcard tests/unit/libs/*/*_test.c tests/unit/services/*/*_test.c))
UNIT_TESTS   := $(UNIT_SOURCES:tests/%.c=$(B)/tests/%)
CMOCKA       := $(shell pkg-config --libs cmocka 2>/dev/null)
.SECONDEXPANSION:
$(B)/tests/unit/libs/%: tests/unit/libs/%.c $$(call archives,$$(firstword $$(subst /, ,$$*))) $$(sort $$(wildcard tests/support/*.h)) | $(PROTO_H)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -I. $(CFLAGS_ALL) $(WARNINGS) $(LDFLAGS_ALL) $< $(call link_of,$(firstword $(subst /, ,$*))) $(CMOCKA) -lm -o $@
# A service's test links the service's objects except its main.
service_objects = $(filter-out %/main.o,$($(1).objects))
$(B)/tests/unit/services/%: tests/unit/services/%.c $$(call service_objects,$$(firstword $$(subst /, ,$$*))) $$(call archives,$$($$(firstword $$(subst /, ,$$*)).libs)) | $(PROTO_H)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -I. -Iservices/$(firstword $(subst /, ,$*)) $(CFLAGS_ALL) $(WARNINGS) $(LDFLAGS_ALL) $< \
	    $(call service_objects,$(firstword $(subst /, ,$*))) $(call link_of,$($(firstword $(subst /, ,$*)).libs)) $($(firstword $(subst /, ,$*)).ldlibs) $(CMOCKA) -lm -o $@

.PHONY: unit test
unit: $(UNIT_TESTS)                                        ## run the unit tests (unit-<lib or service> for one)
	@scripts/run-tests $(UNIT_TESTS)
unit_tests_of = $(filter $(B)/tests/unit/libs/$(1)/% $(B)/tests/unit/services/$(1)/%,$(UNIT_TESTS))
unit-%: $$(call unit_tests_of,$$*)
	@scripts/run-tests $^
test: unit                                                 ## the tests that need no server

# ---- integration tests: tests/integration/<name>_test.c, on real servers that each starts for itself -----------
SUPPORT_SOURCES   := $(sort $(wildcard tests/support/*.c))
INTEGRATION_TESTS := $(patsubst tests/%.c,$(B)/tests/%,$(sort $(wildcard tests/integration/*_test.c)))
$(B)/tests/integration/%: tests/integration/%.c $(SUPPORT_SOURCES) $(wildcard tests/support/*.h tests/integration/*.h) $(LIBS:%=$(B)/libs/lib%.a) | $(PROTO_H)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -I. $(CFLAGS_ALL) $(WARNINGS) $(LDFLAGS_ALL) $< $(SUPPORT_SOURCES) $(call link_of,$(LIBS)) $(CMOCKA) -lm -o $@
.PHONY: integration
integration: $(INTEGRATION_TESTS) services                 ## run the tests against real NATS, PostgreSQL and Redis
	@NWIMS_BIN=$(B)/bin scripts/run-tests $(INTEGRATION_TESTS)

# What has threads of its own or is used by many; a race fails the test.
TSAN_UNIT        := auth base bus cache http metrics rpc auditor gateway identity
TSAN_INTEGRATION := bus_% cache_% http_% rpc_%
tsan_tests = $(foreach name,$(TSAN_UNIT),$(call unit_tests_of,$(name))) \
             $(filter $(addprefix $(B)/tests/integration/,$(TSAN_INTEGRATION)),$(INTEGRATION_TESTS))
.PHONY: tsan tsan-tests
tsan-tests: $(tsan_tests)
	@scripts/run-tests $^
tsan:                                                      ## the tests of what has threads, unit and integration, under ThreadSanitizer
	$(MAKE) BUILD=tsan generate
	$(MAKE) BUILD=tsan tsan-tests

.PHONY: million-sensors
million-sensors: $(B)/tests/integration/registry_list_test $(B)/bin/registry  ## lists of 1,000,000 sensors: a deep page takes as long as the first (slow)
	NWIMS_SENSORS=1000000 NWIMS_BIN=$(B)/bin $<

# ---- fuzz targets: tests/fuzz/<name>_fuzz.c with corpus tests/fuzz/corpus/<name>/ -----------------------------
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/*_fuzz.c))
FUZZ_TARGETS := $(FUZZ_SOURCES:tests/fuzz/%.c=$(B)/fuzz/%)
ifeq ($(BUILD),fuzz)
FUZZ_MAIN := -fsanitize=fuzzer
else
FUZZ_MAIN := tests/fuzz/replay.c
endif
# A decoder that lives in a service: <name>_fuzz.objects in its service.mk, and .libs, what these need beside.
fuzz_objects = $(addprefix $(B)/services/,$($(1).objects))
fuzz_libs = $(filter ingest transcode auth http rpc epanet,$(LIBS)) $($(1).libs)
$(B)/fuzz/%: tests/fuzz/%.c tests/fuzz/replay.c $$(call fuzz_objects,$$*) $$(call archives,$$(call fuzz_libs,$$*)) | $(PROTO_H)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -I. $(CFLAGS_ALL) $(WARNINGS) $(LDFLAGS_ALL) $(if $($*.objects),-Iservices/$(firstword $(subst /, ,$($*.objects)))) $< $(FUZZ_MAIN) $(call fuzz_objects,$*) $(call link_of,$(call fuzz_libs,$*)) -lm -o $@
.PHONY: fuzz-build fuzz-replay fuzz
fuzz-build: $(FUZZ_TARGETS)
fuzz-replay: $(FUZZ_TARGETS)                               ## replay the corpora of the fuzz targets
	@scripts/fuzz-replay $(FUZZ_TARGETS)
fuzz:                                                      ## fuzz each target for FUZZ_SECONDS (60) under ASan and UBSan
	$(MAKE) BUILD=fuzz fuzz-build
	@scripts/fuzz $(OUT)/fuzz/fuzz

# ---- order and tidiness --------------------------------------------------------------------------------------
C_FILES := $(shell git ls-files -co --exclude-standard '*.c' '*.h' 2>/dev/null)
.PHONY: format format-check lint compile_commands.json clean help
format:                                                    ## lay the code out (clang-format)
	clang-format -i $(C_FILES)
format-check:                                              ## fail if the code is not laid out
	clang-format --dry-run -Werror $(C_FILES)
lint:                                                      ## clang-tidy, include rules, settings against READMEs, shellcheck
	scripts/lint
compile_commands.json:                                     ## for editors and clang-tidy
	scripts/compile-commands > $@.tmp && mv $@.tmp $@
clean:                                                     ## remove what was built
	rm -rf $(OUT)
help:                                                      ## this list
	@grep -hE '^[a-zA-Z0-9_.-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  %-24s %s\n", $$1, $$2}'

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ---- the whole: bringing up, end to end, coverage (scripts/run, scripts/test) -----------------------------------------
.PHONY: run stop ci e2e fault coverage
run:                                                       ## bring the system up in the background (scripts/run)
	scripts/run --background
stop:                                                      ## end it
	scripts/stop
ci:                                                        ## everything that continuous integration runs
	.ci/run
e2e: programs                                              ## run the end-to-end tests against the system that scripts/run started
	scripts/test-running tests/e2e
API_REQUESTS ?= 100000
.PHONY: api-fuzz
api-fuzz: programs                                         ## API_REQUESTS (100,000) random requests from the OpenAPI document at the running system
	NWIMS_API_REQUESTS=$(API_REQUESTS) NWIMS_TEST_SECONDS=7200 scripts/test-running tests/e2e/openapi_test.py
IMPORT_READINGS ?= 10000000
.PHONY: import-history
import-history: programs                                   ## import IMPORT_READINGS (10,000,000) into the running system, killed half-way; prints rate, memory, latency (minutes)
	NWIMS_IMPORT_READINGS=$(IMPORT_READINGS) NWIMS_TEST_SECONDS=7200 scripts/test-running tests/e2e/import_history_test.py
fault:                                                     ## kill the running system's processes while it is used: nothing may be lost
	scripts/test-running tests/fault
LOSS_SECONDS ?= 300
LOSS_TESTS := mqtt http tcp
.PHONY: loss
loss: programs                                             ## the loss test of each protocol for LOSS_SECONDS (300) against the running system (20 minutes)
	for protocol in $(LOSS_TESTS); do NWIMS_LOSS_SECONDS=$(LOSS_SECONDS) NWIMS_TEST_SECONDS=3600 scripts/test-running tests/fault/$${protocol}_loss_test.py || exit 1; done
# The end-to-end tests drive what only a running system runs: the gateway above all.
coverage:                                                  ## lines covered by unit, integration and end-to-end tests, by folder (minutes)
	$(MAKE) BUILD=coverage generate
	$(MAKE) BUILD=coverage libs services programs
	# Services run as an unprivileged user under test, and write what they counted when they end.
	chmod -R a+rwX $(OUT)/coverage
	umask 0; $(MAKE) BUILD=coverage unit; $(MAKE) BUILD=coverage integration
	umask 0; scripts/test-coverage
	scripts/coverage $(OUT)/coverage
.PHONY: bench
bench:                                                     ## each figure beside its own limit, measured in turn, as a table and as JSON
	scripts/bench
.PHONY: mqtt-storm mqtt-overload
mqtt-storm:                                                ## 15,000 devices lose their connections and come back at once (minutes)
	scripts/bench storm
mqtt-overload:                                             ## three times what is taken is offered for OVERLOAD_SECONDS (600)
	NWIMS_OVERLOAD_SECONDS=$(or $(OVERLOAD_SECONDS),600) scripts/bench overload
