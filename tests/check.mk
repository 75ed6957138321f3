# SPDX-License-Identifier: Apache-2.0
#
# make check             all tests on this machine's Debian suite, a few on the others; its parts:
# make matrix            all tests on all suites
# make lint              format, layers, sizes, clang-tidy, gcc -fanalyzer, shellcheck
# make unit              unit tests (BUILD=asan: the same with sanitizers; FILTER=suite/test: one of them)
# make unit-user         the unit tests as the user nobody; tests that need root are skipped and counted
# make integration       integration tests in a test host (FILTER='name...': some of them; NOMAD_VERSIONS="1.6 1.11")
# make bench             measures in a test host; prints a table with the budgets, and writes build/bench.json
# make ... SUITE=trixie  unit, integration, bench, demo, vm-shell: programs and test host of that Debian suite
# make vm-shell          a shell in a test host that is kept, with the payload of the integration tests
# make vm-stop           ends the kept test host

TEST_SOURCES := $(wildcard tests/unit/*/test-*.c)
TEST_HELPERS := $(wildcard tests/unit/box/*.c) $(wildcard tests/integration/client*.c)
TEST_HELPER_OBJECTS := $(TEST_HELPERS:%.c=$(O)/%.o)
# An archive: a program gets only the helpers that it uses.
TEST_HELPER_LIB := $(O)/tests/libhelpers.a
TEST_PROGRAMS := $(TEST_SOURCES:%.c=$(O)/%)
TEST_LIBS := -lcriterion $(DRIVER_LIBS) -lyaml

$(O)/tests/%.o: tests/%.c Makefile tests/check.mk | build/.deps-unit $(GENERATED_HEADERS)
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CPPFLAGS_ALL) -Itests/unit -Itests/integration $(PACKAGE_CFLAGS) $(CFLAGS_ALL) \
		-Wno-format-nonliteral -Wno-cast-align -Wno-maybe-uninitialized -c -o $@ $<

$(TEST_HELPER_LIB): $(TEST_HELPER_OBJECTS)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(TEST_PROGRAMS): $(O)/tests/unit/%: $(O)/tests/unit/%.o $(TEST_HELPER_LIB) $(LIB) $(PROGRAMS)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(TEST_HELPER_LIB) $(LIB) $(TEST_LIBS)

# The init's parser, which needs no container.
$(O)/tests/unit/init/test-init: $(O)/init-parse.o
$(O)/init-parse.o: src/init/parse.c src/init/parse.h | build/.deps-build
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<

-include $(TEST_SOURCES:%.c=$(O)/%.d) $(TEST_HELPER_OBJECTS:.o=.d) $(O)/init-parse.d

.PHONY: bench demo check matrix lint lint-run lint-format lint-tidy lint-analyzer unit unit-run unit-user integration payload vm-shell vm-stop
.SECONDARY: $(TEST_SOURCES:%.c=$(O)/%.o)

# The suite, if its programs are built in a tree of that suite; otherwise empty. See tests/suite.
APART := $(shell SUITE='$(SUITE)' tests/suite apart)

ifeq ($(APART),)
unit:
	@$(MAKE) --no-print-directory BUILD=$(BUILD) unit-run
else
unit:
	@unset MAKEFLAGS MFLAGS MAKELEVEL; tests/suite run make --no-print-directory -j"$$(nproc)" \
		BUILD=$(BUILD) WERROR=$(WERROR) FILTER='$(FILTER)' unit
endif
unit-run: $(TEST_PROGRAMS)
	@TEST_INIT=$(INIT) TEST_HELPER=$(HELPER) TEST_DRIVER=$(DRIVER) TEST_CTL=$(CTL) tests/unit/run.sh $(O)/unit.results $(TEST_PROGRAMS)

# Runs in a copy, because the user may not be able to read this directory.
unit-user: $(TEST_PROGRAMS)
	@TEST_FILES='$(PROGRAMS) tests/unit/golden tests/unit/run.sh' tests/unit/as-user.sh $(O)/unit-user.results $(TEST_PROGRAMS)

C_FILES := $(shell find src tests bench -name '*.[ch]')
SCRIPTS := $(shell grep -rlE '^\#!/bin/(ba)?sh' --exclude-dir=.git --exclude-dir=build . .ci 2>/dev/null | sort -u)
TIDY_FILES := $(wildcard $(LAYERS:%=src/%/*.c) src/init/*.c src/helper/*.c)
TIDY_STAMPS := $(TIDY_FILES:src/%.c=build/tidy/%.ok)
ANALYZER_STAMPS := $(TIDY_FILES:src/%.c=build/analyzer/%.ok)

# Folders whose files call each other in one direction only.
TREES := base loop task kernel bus unit exec image engine nomad cli

lint:
	@unset MAKEFLAGS MFLAGS MAKELEVEL; tests/suite lint make --no-print-directory -j"$$(nproc)" WERROR=$(WERROR) lint-run
lint-run: lint-format lint-tidy lint-analyzer
	@tests/lint/layers $(LAYERS)
	@tests/lint/layers base init helper
	@tests/lint/circles $(TREES:%=$(O)/%)
	@tests/lint/sizes
	@shellcheck -x -P SCRIPTDIR $(SCRIPTS)
	@$(CTL) docs | diff -u docs/options.md - || { echo "docs/options.md is old: make docs" >&2; exit 1; }
	@$(CTL) docs --verbs | diff -u docs/nspawnctl.md - || { echo "docs/nspawnctl.md is old: make docs" >&2; exit 1; }
lint-run: $(CTL)

docs: $(CTL)
	$(CTL) docs >docs/options.md
	$(CTL) docs --verbs >docs/nspawnctl.md

lint-format: | build/.deps-lint
	@clang-format --dry-run -Werror $(C_FILES)

lint-tidy: $(TIDY_STAMPS)
build/tidy/%.ok: src/%.c .clang-tidy | build/.deps-lint $(GENERATED_HEADERS)
	@mkdir -p $(@D)
	@echo "  TIDY $<"
	@clang-tidy --quiet $< -- $(filter-out -MMD -MP,$(CPPFLAGS_ALL)) $(PACKAGE_CFLAGS) -std=gnu17 2>/dev/null
	@touch $@

lint-analyzer: $(ANALYZER_STAMPS)
build/analyzer/%.ok: src/%.c | build/.deps-build $(GENERATED_HEADERS)
	@mkdir -p $(@D)
	@echo "  ANALYZE $<"
	@$(CC) $(filter-out -MMD -MP,$(CPPFLAGS_ALL)) $(PACKAGE_CFLAGS) $(CFLAGS_ALL) -Werror -fanalyzer \
		-c -o /dev/null $<
	@touch $@

PAYLOAD = $(shell SUITE='$(SUITE)' tests/suite build)/payload
NOMAD_VERSIONS ?= 1.6

# Nomad's agents are built on this machine for all suites.
payload: $(if $(APART),,all) | build/.deps-vm
	@unset MAKEFLAGS MFLAGS MAKELEVEL; WERROR=$(WERROR) DEBIAN_IMAGE="$$(tests/integration/debian.sh)" BUILD=$(BUILD) NOMAD_VERSIONS="$(NOMAD_VERSIONS)" \
		tests/integration/payload.sh $(PAYLOAD)

integration: payload
	@VM_TIMEOUT=$${VM_TIMEOUT:-2700} tests/vm/vm run $(PAYLOAD) run.sh $(foreach f,$(FILTER),'$(f)')

bench: $(if $(APART),,all) | build/.deps-vm
	@unset MAKEFLAGS MFLAGS MAKELEVEL; WERROR=$(WERROR) BUILD=$(BUILD) bench/bench.sh

vm-shell: payload
	@tests/vm/vm start $(PAYLOAD)
	@tests/vm/vm shell
vm-stop:
	@tests/vm/vm stop

check:
	@tests/check
matrix:
	@tests/check matrix

demo:
	@tests/demo/run
