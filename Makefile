# SPDX-License-Identifier: Apache-2.0
#
# make            release build           make debug | asan    other variants
# make demo       see it run              make check           everything that is tested
# make install    DESTDIR= prefix=        make help            the other targets

VERSION := 0.1.0

BUILD ?= release
prefix ?= /usr
bindir ?= $(prefix)/bin
libexecdir ?= $(prefix)/lib/nspawn-units
plugindir ?= $(prefix)/lib/nomad/plugins
unitdir ?= $(prefix)/lib/systemd/system
docdir ?= $(prefix)/share/doc/nspawn-units

O := build/$(BUILD)
.DEFAULT_GOAL := all

# Each layer may use only the layers before it; tests/lint/layers checks that.
LAYERS := base loop task kernel bus unit exec image engine nomad cli

ifeq ($(origin CC),default)
CC := gcc
endif
# V=1 shows the commands
Q := $(if $(V),,@)
PROTOC ?= protoc

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wformat=2 -Wundef -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wnull-dereference -Wvla \
	-Wimplicit-fallthrough=5 -Wwrite-strings -Wpointer-arith -Wfloat-conversion -Wsign-conversion -Wconversion \
	-Wcast-align -Wunused-result -Wdate-time -Wdeprecated-declarations -Wno-missing-field-initializers \
	-Werror=implicit-function-declaration -Werror=incompatible-pointer-types -Werror=int-conversion \
	-Werror=return-type -Werror=override-init -Werror=overflow -Werror=format-security
ifeq ($(WERROR),1)
WARNINGS += -Werror
endif

# Protections of the programs; tests/unit/init/test-hardening.c looks for them in the files.
FORTIFY := -D_FORTIFY_SOURCE=2
HARDENING := -fstack-protector-strong -fPIE $(shell for flag in -fcf-protection -mbranch-protection=standard; do \
	$(CC) -Werror $$flag -x c -c -o /dev/null /dev/null 2>/dev/null && echo $$flag; done)
LDFLAGS_HARDENING := -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code

CFLAGS_release := -O2 -g $(FORTIFY)
CFLAGS_debug := -Og -g3
CFLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS_asan := -fsanitize=address,undefined

DEFINES := -D_GNU_SOURCE -DPROJECT_VERSION='"$(VERSION)"' -DLIBEXEC_DIR='"$(libexecdir)"'
CPPFLAGS_ALL = $(DEFINES) -Isrc -isystem $(O)/proto -MMD -MP $(CPPFLAGS)
CFLAGS_ALL = -std=gnu17 $(WARNINGS) -fno-common -fno-strict-aliasing $(HARDENING) \
	-fvisibility=hidden $(CFLAGS_$(BUILD)) $(CFLAGS)
LDFLAGS_ALL = -pie $(LDFLAGS_HARDENING) -Wl,--as-needed -Wl,--fatal-warnings $(LDFLAGS_$(BUILD)) $(LDFLAGS)

# build/packages.mk defines PACKAGE_CFLAGS, DRIVER_LIBS and CTL_LIBS. Without one of the packages the build ends here.
ifneq ($(filter-out help clean vm-stop,$(or $(MAKECMDGOALS),all)),)
include build/packages.mk
endif
build/packages.mk: tests/packages Makefile | build/.deps-build
	@CC='$(CC)' PROTOC='$(PROTOC)' tests/packages $@

LIB_SOURCES := $(filter-out %/main.c,$(wildcard $(LAYERS:%=src/%/*.c)))
PROTO_FILES := $(wildcard proto/*.proto)
PROTO_SOURCES := $(PROTO_FILES:proto/%.proto=$(O)/proto/%.pb-c.c)
WELL_KNOWN := duration timestamp
WELL_KNOWN_SOURCES := $(WELL_KNOWN:%=$(O)/proto/google/protobuf/%.pb-c.c)
GENERATED := $(PROTO_SOURCES) $(WELL_KNOWN_SOURCES)
GENERATED_HEADERS := $(GENERATED:.c=.h)

LIB_OBJECTS := $(LIB_SOURCES:src/%.c=$(O)/%.o) $(GENERATED:.c=.o)
LIB := $(O)/libnspawn-units.a
DRIVER := $(O)/nomad-driver-nspawn
CTL := $(O)/nspawnctl
INIT := $(O)/nspawn-units-init
HELPER := $(O)/nspawn-units-helper
PROGRAMS := $(DRIVER) $(CTL) $(INIT) $(HELPER)

.PHONY: all release debug asan deps install clean help
all: $(PROGRAMS)

release debug asan:
	@$(MAKE) --no-print-directory BUILD=$@ all

# Every target first installs the packages that it needs.
build/.deps-%: tests/deps
	@mkdir -p build
	@tests/deps $*
	@touch $@
deps: build/.deps-build

$(DRIVER): $(O)/nomad/main.o $(LIB)
	@echo "  LINK $@"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(DRIVER_LIBS)

# CTL_LIBS has no gRPC, so the link fails if nspawnctl uses it.
$(CTL): $(O)/cli/main.o $(LIB)
	@echo "  LINK $@"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(CTL_LIBS)

# Static programs: the init runs in any image, and the helper is small because it runs for every task.
$(INIT): $(wildcard src/init/*.c)
SHARED := become fd-message notify parse pty words
$(HELPER): $(wildcard src/helper/*.c) $(SHARED:%=src/init/%.c) src/base/remove.c \
		src/base/hold.c src/base/small-file.c src/base/run-result.c
$(INIT) $(HELPER): $(wildcard src/init/*.h src/helper/*.h) $(wildcard src/base/*.h) \
		Makefile | build/.deps-build
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) -D_GNU_SOURCE -Isrc -std=gnu17 $(WARNINGS) -Os -g $(FORTIFY) $(HARDENING) -static-pie \
		$(LDFLAGS_HARDENING) -o $@ $(filter %.c,$^)

$(LIB): $(LIB_OBJECTS)
	@rm -f $@
	@echo "  AR   $@"
	$(Q)ar rcs $@ $^

$(O)/%.o: src/%.c Makefile | build/.deps-build $(GENERATED_HEADERS)
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(PACKAGE_CFLAGS) $(CFLAGS_ALL) -c -o $@ $<

$(O)/proto/%.o: $(O)/proto/%.c | $(GENERATED_HEADERS)
	$(Q)$(CC) -I$(O)/proto $(filter-out -Wcast-qual,$(CFLAGS_$(BUILD))) -std=gnu17 -fPIE -w -c -o $@ $<

$(PROTO_SOURCES): $(O)/proto/%.pb-c.c: proto/%.proto | build/.deps-build
	@mkdir -p $(@D)
	$(Q)$(PROTOC) -Iproto --c_out=$(O)/proto $<
$(PROTO_SOURCES:.c=.h): %.h: %.c

$(WELL_KNOWN_SOURCES): | build/.deps-build
	@mkdir -p $(@D)
	$(Q)$(PROTOC) --c_out=$(O)/proto google/protobuf/$(notdir $(@:.pb-c.c=.proto))
$(WELL_KNOWN_SOURCES:.c=.h): %.h: %.c

install: all
	install -D -m 0755 $(CTL) $(DESTDIR)$(bindir)/nspawnctl
	install -D -m 0755 $(DRIVER) $(DESTDIR)$(plugindir)/nomad-driver-nspawn
	install -D -m 0755 -t $(DESTDIR)$(libexecdir) $(INIT) $(HELPER)
	install -d $(DESTDIR)$(unitdir) $(DESTDIR)$(docdir)
	install -m 0644 units/*.slice $(DESTDIR)$(unitdir)
	install -m 0644 README.md docs/*.md $(DESTDIR)$(docdir)
	cp -r example $(DESTDIR)$(docdir)

help:
	@sed -n 's/^# //p' Makefile tests/check.mk | grep -E '^make'

clean:
	rm -rf build

-include $(wildcard tests/*.mk)
-include $(LIB_OBJECTS:.o=.d) $(O)/nomad/main.d $(O)/cli/main.d
