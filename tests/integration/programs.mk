# SPDX-License-Identifier: Apache-2.0
#
# make -f Makefile -f tests/integration/programs.mk BUILD=... integration-tests
# One program of all the test-*.c here, for payload.sh.

INTEGRATION := $(O)/integration
INTEGRATION_OBJECTS := $(patsubst tests/integration/%.c,$(INTEGRATION)/%.o,$(wildcard tests/integration/*.c))

.PHONY: integration-tests
integration-tests: $(INTEGRATION)/tests

$(INTEGRATION)/tests: $(INTEGRATION_OBJECTS) $(LIB)
	@echo "  LINK $@"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(DRIVER_LIBS) -lcriterion

# Criterion's macros shadow and convert as they like.
$(INTEGRATION)/%.o: tests/integration/%.c Makefile tests/integration/programs.mk | build/.deps $(GENERATED_HEADERS)
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(PACKAGE_CFLAGS) $(filter-out -Wshadow -Wnull-dereference,$(CFLAGS_ALL)) -Itests/integration -c -o $@ $<

-include $(INTEGRATION_OBJECTS:.o=.d)
