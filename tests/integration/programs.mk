# SPDX-License-Identifier: Apache-2.0
#
# make -f Makefile -f tests/integration/programs.mk BUILD=... integration-tests
# Builds for payload.sh: one program of all test-*.c here, and the programs that tests run in a container.

INTEGRATION := $(O)/integration
IN_CONTAINERS := escape escape-init listener
INTEGRATION_OBJECTS := $(patsubst tests/integration/%.c,$(INTEGRATION)/%.o,$(filter-out $(IN_CONTAINERS:%=tests/integration/%.c),$(wildcard tests/integration/*.c)))

.PHONY: integration-tests
integration-tests: $(INTEGRATION)/tests $(IN_CONTAINERS:%=$(INTEGRATION)/%)

$(INTEGRATION)/tests: $(INTEGRATION_OBJECTS) $(LIB)
	@echo "  LINK $@"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(DRIVER_LIBS) -lcriterion

# Static, to run in any image.
$(IN_CONTAINERS:%=$(INTEGRATION)/%): $(INTEGRATION)/%: tests/integration/%.c src/base/fd.c src/base/string.c src/base/fd.h src/base/string.h Makefile tests/integration/programs.mk | build/.deps-build
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) -D_GNU_SOURCE -Isrc -std=gnu17 $(WARNINGS) -O2 -g -static -o $@ $(filter %.c,$^)

# Criterion's macros would cause these warnings.
$(INTEGRATION)/%.o: tests/integration/%.c Makefile tests/integration/programs.mk | build/.deps-build build/.deps-unit $(GENERATED_HEADERS)
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(PACKAGE_CFLAGS) $(filter-out -Wshadow -Wnull-dereference,$(CFLAGS_ALL)) -Itests/integration -c -o $@ $<

-include $(INTEGRATION_OBJECTS:.o=.d)
