# scepauth: plain GNU make. `make help` lists the targets.

SAN      ?= 0
BUILD    ?= build/$(if $(filter 1,$(SAN)),san,$(if $(filter 1,$(FAULT)),fault,std))
CC       ?= gcc
WERROR   ?= 0
FAULT    ?= 0
PREFIX   ?= /usr/local
SHARE    := $(PREFIX)/share/scepauth
LIBDIR   := $(PREFIX)/lib/scepauth
CAMPUS   ?= /etc/scepauth
UNITDIR  ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
INSTANCE ?= build/instance

# All processors by default; -jN on the command line wins. Before pkg-config is asked anything below,
# deps.sh installs what the named targets lack on this machine (quick when that is nothing).
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc) -Otarget
GOALS     := $(or $(MAKECMDGOALS),all)
NEEDS     := $(if $(filter all programs module units install test test-quick test-browser demo up san lint deps,$(GOALS)),--build) \
             $(if $(filter test test-quick test-browser demo up san deps,$(GOALS)),--run --clients) \
             $(if $(filter units test test-quick san lint deps,$(GOALS)),--test) \
             $(if $(filter bench-radius,$(GOALS)),--build --run --clients --bench) \
             $(if $(filter test-browser,$(GOALS)),--browser) \
             $(if $(filter lint,$(GOALS)),--lint)
ifneq ($(strip $(NEEDS)),)
ifneq ($(shell packaging/deps.sh $(NEEDS) >&2 && echo done),done)
$(error packages are missing, see above; SCEPAUTH_NO_DEPS=1 tries without them)
endif
endif
endif

# A recipe that shows its output as it comes (-Otarget would hold it back); --dry-run stays one.
DRY  := $(findstring n,$(firstword -$(MAKEFLAGS)))
LIVE := +$(if $(DRY),@echo,@)
V    ?= 0
SAY   = $(if $(filter 1,$(V)),,@printf '  %-4s %s\n' $(1) $(2);)

PKGS     := libconfuse jansson libmicrohttpd hiredis libcrypto libseccomp uuid
CPPFLAGS += -I. -D_GNU_SOURCE -include core/base/banned.h -DSCEPAUTH_SHARE='"$(SHARE)"' \
            $(if $(filter 1,$(FAULT)),-DSCEPAUTH_FAULT)
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
            -Wcast-qual -Wtype-limits -Wformat=2 -Wvla -Wundef $(if $(filter 1,$(WERROR)),-Werror)
HARDEN   := -fstack-protector-strong -fno-common -fPIC
CFLAGS   ?= -O2 -g
ifeq ($(SAN),1)
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else
HARDEN   += -D_FORTIFY_SOURCE=2 -ftrivial-auto-var-init=zero
endif
ALL_CFLAGS  = -std=c11 $(CFLAGS) $(WARN) $(HARDEN) $(SANFLAGS) $(CPPFLAGS) $(PKG_CFLAGS)
ALL_LDFLAGS = $(LDFLAGS) -pie -Wl,-z,relro,-z,now $(SANFLAGS)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -Wl,--push-state,--as-needed -lldap -llber -lqrcodegen -lcurl -Wl,--pop-state -lssl -lcrypt -lpthread

PROGRAMS := scep_ca onboard_portal auto_revoke scepctl
lib_srcs  = $(filter-out %_main.c,$(wildcard $(1)/*.c $(1)/*/*.c))
obj       = $(patsubst %.c,$(BUILD)/%.o,$(1))

CORE_SRCS    := $(wildcard core/*/*.c)
CORE_LIB     := $(BUILD)/core/libcore.a
SUPPORT_SRCS := $(wildcard tests/support/*.c)
SUPPORT_LIB  := $(if $(SUPPORT_SRCS),$(BUILD)/tests/support/libsupport.a)
PROG_LIBS    := $(foreach p,$(PROGRAMS),$(BUILD)/$(p)/lib$(p).a)
BINS         := $(foreach p,$(PROGRAMS),$(BUILD)/bin/$(p))
MODULE       := $(BUILD)/lib/rlm_scepauth.so
UNITS        := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*/*.c tests/unit/*/*/*.c))

.PHONY: all programs module units deps test test-quick test-browser demo up down status san lint format clean install install-units uninstall help
.SECONDARY: # objects of units are kept
all: programs module
programs: $(BINS)
module: $(MODULE)
units: $(UNITS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call SAY,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(CORE_LIB): $(call obj,$(CORE_SRCS))
$(BUILD)/tests/support/libsupport.a: $(call obj,$(SUPPORT_SRCS))
%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(call SAY,AR,$@)$(AR) rcs $@ $^

define program_rules
$(BUILD)/$(1)/lib$(1).a: $(call obj,$(call lib_srcs,$(1)))
$(BUILD)/bin/$(1): $(call obj,$(wildcard $(1)/*_main.c $(1)/*/*_main.c)) $(BUILD)/$(1)/lib$(1).a $(CORE_LIB)
	@mkdir -p $$(@D)
	$$(call SAY,LD,$$@)$(CC) $$(ALL_LDFLAGS) $$^ -o $$@ $$(PKG_LIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rules,$(p))))

# A unit test tests/unit/<folder>/test_x.c sees core, tests/support and every program library.
$(BUILD)/tests/unit/pki/test_cert_build_lint: ALL_LDFLAGS += -Wl,--wrap=cert_lint_client
$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(SUPPORT_LIB) $(PROG_LIBS) $(CORE_LIB)
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(ALL_LDFLAGS) $< -Wl,--start-group $(SUPPORT_LIB) $(PROG_LIBS) $(CORE_LIB) \
		-Wl,--end-group -o $@ $(PKG_LIBS) -lcmocka

include $(sort $(wildcard */*.mk))

deps: ; @packaging/deps.sh && echo "all packages are there"

test: programs module units ; $(LIVE) BUILD=$(BUILD) tests/run
test-quick: programs module units ; $(LIVE) BUILD=$(BUILD) tests/run --quick
test-browser: programs module ; $(LIVE) BUILD=$(BUILD) SCEPAUTH_SUITE_SECONDS=900 tests/run --browser
demo: programs module ; $(LIVE) SCEPAUTH_BIN=$(abspath $(BUILD)/bin) packaging/demo.sh
up: programs module ; $(LIVE) SCEPAUTH_BIN=$(abspath $(BUILD)/bin) packaging/instance.sh up $(INSTANCE)
down: ; $(LIVE) packaging/instance.sh stop $(INSTANCE)
status: ; $(LIVE) packaging/instance.sh status $(INSTANCE)
lint: ; $(LIVE) .ci/lint
format: ; clang-format-14 -i $(wildcard $(foreach d,core scep_ca onboard_portal auto_revoke rlm_scepauth scepctl tests bench,$(d)/*.[ch] $(d)/*/*.[ch] $(d)/*/*/*.[ch]))

# Everything once more under AddressSanitizer and UndefinedBehaviorSanitizer.
ifeq ($(SAN),1)
san: test
else
san: ; $(LIVE) $(MAKE) SAN=1 san
endif

# For scripts: make -s print-ALL_CFLAGS
print-%: ; $(info $($*)) @:

clean: ; rm -rf $(filter-out $(INSTANCE),$(wildcard build/*)) $(if $(wildcard $(INSTANCE)/run/*.pid),,$(INSTANCE))

SBINS := scep_ca onboard_portal auto_revoke
MANS  := $(wildcard man/*.[158])
UNITS_IN := $(wildcard packaging/systemd/*.service.in)
install-units:
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSUSERSDIR)
	$(foreach u,$(UNITS_IN),sed 's|@SBIN@|$(PREFIX)/sbin|g; s|@CAMPUS@|$(CAMPUS)|g' $(u) >$(DESTDIR)$(UNITDIR)/$(notdir $(u:.in=)) && chmod 644 $(DESTDIR)$(UNITDIR)/$(notdir $(u:.in=)) &&) \
	install -m 644 packaging/systemd/scepauth.target $(DESTDIR)$(UNITDIR)
	install -m 644 packaging/systemd/scepauth.sysusers $(DESTDIR)$(SYSUSERSDIR)/scepauth.conf

install: all install-units
	install -d $(foreach d,sbin bin,$(DESTDIR)$(PREFIX)/$(d)) $(DESTDIR)$(LIBDIR) $(DESTDIR)$(SHARE)
	install -m 755 $(SBINS:%=$(BUILD)/bin/%) $(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(BUILD)/bin/scepctl $(BUILD)/bin/eap_load $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(MODULE) $(DESTDIR)$(LIBDIR)
	cp -R redis raddb $(DESTDIR)$(SHARE)
	$(foreach m,$(MANS),install -D -m 644 $(m) $(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m));)

uninstall:
	rm -f $(patsubst packaging/systemd/%.in,$(DESTDIR)$(UNITDIR)/%,$(UNITS_IN)) $(DESTDIR)$(UNITDIR)/scepauth.target $(DESTDIR)$(SYSUSERSDIR)/scepauth.conf
	rm -f $(SBINS:%=$(DESTDIR)$(PREFIX)/sbin/%) $(addprefix $(DESTDIR)$(PREFIX)/bin/,scepctl eap_load)
	rm -f $(foreach m,$(MANS),$(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m)))
	rm -rf $(DESTDIR)$(LIBDIR) $(DESTDIR)$(SHARE)

help:
	@printf '%s\n' \
	'make              the programs, and the module for FreeRADIUS' \
	'make demo         the whole story on this machine, step by step, in a temporary folder' \
	'make test         all tests; the last line says how many passed and failed' \
	'make test-quick   unit tests and the fast scripts, under a minute' \
	'make test-browser the portal in Chromium, at the sizes of phones and desks; pictures in build/std/pictures, 4 minutes' \
	'make up           an instance that stays running ($(INSTANCE)); prints its addresses' \
	'make status       what of it runs' \
	'make down         end it' \
	'make fault       crashes at every step of issuing, checked; make fault-full: 10,000 of them' \
	'make bench        enrolments per second on this machine (bench/README.md), at most a minute' \
	'make bench-rebuild  a Redis from the journal of 100000 certificates' \
	'make bench-split   what it costs scep_ca that its roles are processes' \
	'make bench-radius authentications per second, bare, with the module and with what else there is; 3 minutes' \
	'make bench-revoke from a revocation to off the network, with real parts; needs root, at most 4 minutes' \
	'make bench-wave   a thousand people leave while 100000 sessions are on, at most 5 minutes' \
	'make lint         formatting, static checks, layers, sizes, manual pages' \
	'make san          all tests once more under AddressSanitizer and UndefinedBehaviorSanitizer' \
	'make deps         install the Debian packages that are missing (the others do it by themselves)' \
	'make install      to PREFIX=$(PREFIX), under DESTDIR if set; make uninstall takes it away' \
	'make clean        remove build/ (a running instance stays)' \
	'' \
	'Variables: SAN=1 sanitizers (build/san), WERROR=1, FAULT=1 dies where SCEPAUTH_FAULT says (build/fault, for tests only), V=1 whole commands, CC, CFLAGS, BUILD, INSTANCE.'

-include $(shell test -d $(BUILD) && find $(BUILD) -name '*.d')
