# SPDX-License-Identifier: Apache-2.0
#
# make -f Makefile -f tests/integration/programs.mk -f bench/bench.mk BUILD=... bench-program
# Measures with what the integration tests are made of.

BENCH := $(O)/bench
BENCH_OBJECTS := $(patsubst bench/%.c,$(BENCH)/%.o,$(wildcard bench/*.c))
BENCH_BOX := $(filter-out $(INTEGRATION)/test-%.o,$(INTEGRATION_OBJECTS))

.PHONY: bench-program
bench-program: $(BENCH)/bench

$(BENCH)/bench: $(BENCH_OBJECTS) $(BENCH_BOX) $(LIB)
	@echo "  LINK $@"
	$(Q)$(CC) $(LDFLAGS_ALL) -rdynamic -o $@ $^ $(DRIVER_LIBS) -lcriterion -lm

$(BENCH)/%.o: bench/%.c Makefile bench/bench.mk | build/.deps-build $(GENERATED_HEADERS)
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(PACKAGE_CFLAGS) $(filter-out -Wshadow -Wnull-dereference,$(CFLAGS_ALL)) \
		-Itests/integration -Ibench -c -o $@ $<

-include $(BENCH_OBJECTS:.o=.d)
