# scepauth: plain GNU make. `make help` lists the targets.
#
#   make            everything      make demo   the whole story on this machine
#   make test       all tests       make up / make down   a running instance to play with
#
# SAN=1 builds with AddressSanitizer and UndefinedBehaviorSanitizer into build/san.

SAN      ?= 0
BUILD    ?= build/$(if $(filter 1,$(SAN)),san,std)
CC       ?= gcc
WERROR   ?= 0
PREFIX   ?= /usr/local
SHARE    := $(PREFIX)/share/scepauth

PKGS     := libconfuse jansson libmicrohttpd hiredis libcrypto libseccomp uuid
CPPFLAGS += -I. -D_GNU_SOURCE -include core/base/banned.h -DSCEPAUTH_SHARE='"$(SHARE)"'
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
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lssl -lcrypt -lpthread

PROGRAMS := scep_ca onboard_portal auto_revoke scepctl
lib_srcs  = $(filter-out %_main.c,$(wildcard $(1)/*.c $(1)/*/*.c))
obj       = $(patsubst %.c,$(BUILD)/%.o,$(1))

CORE_SRCS := $(wildcard core/*/*.c)
CORE_LIB  := $(BUILD)/core/libcore.a
PROG_LIBS := $(foreach p,$(PROGRAMS),$(BUILD)/$(p)/lib$(p).a)
BINS      := $(foreach p,$(PROGRAMS),$(BUILD)/bin/$(p))
MODULE    := $(BUILD)/lib/rlm_scepauth.so
UNITS     := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*/*.c tests/unit/*/*/*.c))

.PHONY: all programs module units
all: programs module
programs: $(BINS)
module: $(MODULE)
units: $(UNITS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(CORE_LIB): $(call obj,$(CORE_SRCS))
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

define program_rules
$(BUILD)/$(1)/lib$(1).a: $(call obj,$(call lib_srcs,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	$(AR) rcs $$@ $$^
$(BUILD)/bin/$(1): $(call obj,$(wildcard $(1)/*_main.c $(1)/*/*_main.c)) $(BUILD)/$(1)/lib$(1).a $(CORE_LIB)
	@mkdir -p $$(@D)
	$(CC) $$(ALL_LDFLAGS) $$^ -o $$@ $$(PKG_LIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rules,$(p))))

# A unit test tests/unit/<folder>/test_x.c sees core and every program library.
$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(PROG_LIBS) $(CORE_LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $< -Wl,--start-group $(PROG_LIBS) $(CORE_LIB) -Wl,--end-group -o $@ $(PKG_LIBS) -lcmocka

include rlm_scepauth/rlm_scepauth.mk

-include $(shell test -d $(BUILD) && find $(BUILD) -name '*.d')
