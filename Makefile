# Tongzhou. `make`, `make check`, `make bench`, `make fuzz`, `make fuzz-merge`, `make faults`, `make kill`, `make adversary`,
# `make partitions`, `make preview`, `make analyze`, `make format`, `make install`.
#
# Variables for people: CC, CXX, BUILD (build folder), PREFIX, DESTDIR, WERROR=1 (CI), SANITIZE=address,undefined | thread,
# V=1 (show commands).

BUILD   ?= build
PREFIX  ?= /usr/local
VERSION := $(shell cat VERSION 2>/dev/null || echo 0.1.0)

# Modules from the ground up: each may use only those before it (tests/shell/00-layers.sh holds us to it).
MODULES := base tlog record sweep policy sandbox state index http connect security governance moderation tell node cli
LIBRARY := base tlog record sweep policy

PKGS := libmicrohttpd libcurl libsodium libcrypto jansson gnutls sqlite3 libutf8proc libidn2 libarchive libseccomp cjose libqrencode

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := g++
endif
Q := $(if $(V),,@)

WARN := -Wall -Wextra -Wformat=2 -Wshadow -Wvla -Wcast-qual -Wwrite-strings -Wundef -Wimplicit-fallthrough
ifdef WERROR
WARN += -Werror
endif
WARN_C := $(WARN) -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
HARDEN := -fstack-protector-strong -fPIE
ifeq ($(shell uname -m),x86_64)
HARDEN += -fstack-clash-protection
endif
OPT ?= -O2
ifdef SANITIZE
OPT := -O1
HARDEN += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
else
HARDEN += -D_FORTIFY_SOURCE=3
endif
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null | sed 's/-I/-isystem /g')
CPPFLAGS += -Isrc -I$(BUILD)/gen -D_GNU_SOURCE -DTONGZHOU_VERSION='"$(VERSION)"' $(PKG_CFLAGS)
# Doubles that get hashed must not depend on fused operations: -ffp-contract=off (blueprint, idea 3).
CFLAGS   := -std=c17 $(OPT) -g -ffp-contract=off $(WARN_C) $(HARDEN) $(EXTRA_CFLAGS)
CXXFLAGS := -std=c++17 $(OPT) -g $(WARN) $(HARDEN) $(EXTRA_CFLAGS)
LDFLAGS  += -pie -Wl,-z,relro,-z,now $(filter -fsanitize=%,$(HARDEN))
LDLIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lsimdjson -lstdc++ -lresolv -lpthread -lm

sources = $(sort $(wildcard src/$(1)/*.c) $(wildcard src/$(1)/*.cc))
objects = $(patsubst src/%,$(BUILD)/obj/%.o,$(call sources,$(1)))
archive = $(BUILD)/lib/$(1).a
# The archives of a module and of all below it, topmost first, as a linker wants them.
reverse = $(if $(1),$(call reverse,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))
upto    = $(if $(filter $(1),$(firstword $(2))),$(firstword $(2)),$(firstword $(2)) $(call upto,$(1),$(wordlist 2,$(words $(2)),$(2))))
below   = $(foreach m,$(call reverse,$(strip $(call upto,$(1),$(MODULES)))),$(call archive,$(m)))

TESTS   := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/*/test_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYS := $(FUZZERS:%=$(BUILD)/tests/replay/%)
BENCHES := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/*.c))

.PHONY: all lib tests check bench fuzz fuzz-merge faults kill adversary partitions preview analyze format format-check install clean bin replays benches
.SECONDARY:
.DELETE_ON_ERROR:

all: bin lib
bin: $(BUILD)/tongzhou
lib: $(BUILD)/libtongzhou.a
tests: $(TESTS) $(FAULTS) replays
replays: $(REPLAYS)
benches: $(BENCHES)

$(BUILD)/obj/%.c.o: src/%.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC   $<")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/%.cc.o: src/%.cc
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CXX  $<")
	$(Q)$(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c -o $@ $<

define module_rule
$(call archive,$(1)): $(call objects,$(1))
	@mkdir -p $$(@D)
	$(Q)rm -f $$@ && $(AR) rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module_rule,$(m))))

$(BUILD)/libtongzhou.a: $(foreach m,$(LIBRARY),$(call objects,$(m)))
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/tongzhou: $(foreach m,$(MODULES),$(call archive,$(m)))
	@$(if $(V),,echo "  LD   $@")
	$(Q)$(CC) $(LDFLAGS) -o $@ -Wl,--start-group $(call reverse,$^) -Wl,--end-group $(LDLIBS)

# tests/unit/MODULE/test_x.c links MODULE and what is below it. Calls of these go to the test first:
WRAP_test_import := -Wl,--wrap=index_follow_start
WRAP_test_memory := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
.SECONDEXPANSION:
$(BUILD)/tests/%: tests/unit/%.c $$(call below,$$(firstword $$(subst /, ,$$*)))
	@mkdir -p $(@D)
	@$(if $(V),,echo "  TEST $@")
	$(Q)$(CC) $(CPPFLAGS) -Itests/unit $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(WRAP_$(notdir $@)) $(LDFLAGS) \
	    -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka $(LDLIBS)

# Programs that stand in place of the C library's file calls (tests/faults/tape.c), so not under the sanitizers, which do too.
FAULT_PARTS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/faults/test_%.c,$(wildcard tests/faults/*.c)))
FAULTS := $(if $(SANITIZE),,$(BUILD)/tests/faults/test_disk)
$(BUILD)/tests/faults/%.o: tests/faults/%.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC   $<")
	$(Q)$(CC) $(CPPFLAGS) -Itests/faults $(CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/tests/faults/test_disk: tests/faults/test_disk.c $(FAULT_PARTS) $(call below,connect)
	@$(if $(V),,echo "  TEST $@")
	$(Q)$(CC) $(CPPFLAGS) -Itests/faults $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(FAULT_PARTS) $(LDFLAGS) \
	    -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS)

# A fuzz target's first line is "/* fuzz: MODULE */"; its corpus in tests/fuzz/corpus/NAME is replayed by `make check`.
fuzz_module = $(shell sed -n '1s,.*fuzz: *\([a-z]*\).*,\1,p' tests/fuzz/$(1).c)
$(BUILD)/tests/replay/%: tests/fuzz/%.c tests/fuzz/replay.c $(wildcard tests/fuzz/*.h) $$(call below,$$(call fuzz_module,$$*))
	@mkdir -p $(@D)
	@$(if $(V),,echo "  TEST $@")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-missing-prototypes -o $@ tests/fuzz/replay.c $< $(LDFLAGS) \
	    -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS)

# The same targets under libFuzzer: tests/fuzz/run builds them, with clang and SANITIZE=fuzzer-no-link,address,undefined.
$(BUILD)/fuzz/%: tests/fuzz/%.c $(wildcard tests/fuzz/*.h) $$(call below,$$(call fuzz_module,$$*))
	@mkdir -p $(@D)
	@$(if $(V),,echo "  FUZZ $@")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-missing-prototypes -fsanitize=fuzzer -fsanitize-link-c++-runtime -o $@ $< $(LDFLAGS) \
	    -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS)

$(BUILD)/bench/%: bench/%.c $(foreach m,$(MODULES),$(call archive,$(m)))
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $< $(LDFLAGS) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS)

check: all tests
	tests/run $(BUILD)

bench: bin benches
	BUILD=$(BUILD) bench/run

# make fuzz TARGET=fuzz_note SECONDS=3600 JOBS=2: libFuzzer by clang in a build folder of its own; without TARGET all, JOBS at
# once, each so long; ends with a table (build/fuzz/summary). make fuzz-merge takes what reached new code into the corpus.
SECONDS ?= 60
JOBS    ?= 1
fuzz:
	JOBS=$(JOBS) tests/fuzz/run "$(TARGET)" $(SECONDS)
fuzz-merge:
	tests/fuzz/merge "$(TARGET)"

# make faults SEED=1 SEEDS=3000, or SEEDS=endless: a simulated disk that loses whatever it may; FORGET=NAME leaves syncs out.
SEEDS ?= 3000
SEED  ?= $(if $(filter endless,$(SEEDS)),$(shell date +%s),1)
faults: $(BUILD)/tests/faults/test_disk
	$< $(SEED) $(SEEDS) $(FORGET)

# make kill ROUNDS=10000 SEED=1: SIGKILL for commands and running nodes while they import, mirror and erase.
ROUNDS ?= 200
kill: bin
	TONGZHOU_BIN=$(CURDIR)/$(BUILD)/tongzhou tests/faults/kill $(ROUNDS) $(SEED)

# make adversary SEEDS=200 SEED=1, or SEEDS=endless: hostile peers; ATTACK=NAME plays only that one (tests/adversary/attacks.py).
adversary: SEEDS = 20
adversary: bin
	TONGZHOU_BIN=$(CURDIR)/$(BUILD)/tongzhou tests/adversary/run $(SEED) $(SEEDS) $(ATTACK)

# make partitions SEED=1 SEEDS=50, or SEEDS=endless: seven nodes in network namespaces whose links are cut and healed.
partitions: bin
	TONGZHOU_BIN=$(CURDIR)/$(BUILD)/tongzhou tests/partitions/run $(SEED) $(if $(filter file,$(origin SEEDS)),4,$(SEEDS))

# make preview SEED=1 SEEDS=20, or SEEDS=endless: previews of drawn policies, groups, communities and records against what happens.
preview: SEEDS = 20
preview: $(BUILD)/tests/governance/test_preview $(BUILD)/tests/governance/test_preview_pull
	PREVIEW_SEED=$(SEED) PREVIEW_PULLS=$(if $(filter endless,$(SEEDS)),100,$(SEEDS)) $(BUILD)/tests/governance/test_preview_pull
	PREVIEW_SEED=$(SEED) PREVIEW_WORLDS=$(SEEDS) $(BUILD)/tests/governance/test_preview

analyze:
	tests/analyze $(BUILD)

FORMAT := $(shell find src tests bench -name '*.c' -o -name '*.h' -o -name '*.cc' 2>/dev/null)
format:
	clang-format -i $(FORMAT)
format-check:
	clang-format --dry-run -Werror $(FORMAT)

install: all
	install -Dm755 $(BUILD)/tongzhou $(DESTDIR)$(PREFIX)/bin/tongzhou
	install -Dm644 man/tongzhou.1 $(DESTDIR)$(PREFIX)/share/man/man1/tongzhou.1
	install -Dm644 man/tongzhou-policy.5 $(DESTDIR)$(PREFIX)/share/man/man5/tongzhou-policy.5
	install -Dm644 completion/tongzhou.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/tongzhou
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's,@BINDIR@,$(PREFIX)/bin,' contrib/systemd/tongzhou.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/tongzhou.service
	install -Dm644 contrib/systemd/tongzhou.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/tongzhou.conf
	for f in proxy/nginx.conf proxy/Caddyfile prometheus/alerts.yml; do \
	    install -Dm644 contrib/$$f $(DESTDIR)$(PREFIX)/share/doc/tongzhou/$$f; done
	install -Dm644 $(BUILD)/libtongzhou.a $(DESTDIR)$(PREFIX)/lib/libtongzhou.a
	for m in $(LIBRARY); do install -d $(DESTDIR)$(PREFIX)/include/tongzhou/$$m && \
	    install -m644 src/$$m/*.h $(DESTDIR)$(PREFIX)/include/tongzhou/$$m/; done

clean:
	rm -rf $(BUILD)

-include $(wildcard src/*/rules.mk)
-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
