# The FreeRADIUS module: every object of core that it may use, hiredis, and nothing else.
#
# MODULE_CORE is the whole reach of the module into core. libcrypto, confuse and jansson must not
# come in by it: the module lives in the same process as radiusd's own copies.

MODULE_SRCS := $(wildcard rlm_scepauth/*.c)
MODULE_CORE := $(filter-out core/base/conf%.c core/base/json.c core/base/args.c core/base/log.c, \
               $(wildcard core/base/*.c)) $(wildcard core/model/*.c core/authz/*.c core/store/*.c)

FREERADIUS_INCLUDE ?= /usr/include/freeradius
FREERADIUS_FLAGS   := -Irlm_scepauth/compat -isystem $(FREERADIUS_INCLUDE)

$(call obj,$(MODULE_SRCS)): PKG_CFLAGS += $(FREERADIUS_FLAGS) -fvisibility=hidden

$(MODULE): $(call obj,$(MODULE_SRCS) $(MODULE_CORE)) rlm_scepauth/rlm_scepauth.map
	@mkdir -p $(@D)
	$(CC) -shared $(LDFLAGS) -Wl,-z,relro,-z,now -Wl,--no-undefined-version \
		-Wl,--version-script=rlm_scepauth/rlm_scepauth.map $(SANFLAGS) \
		$(filter %.o,$^) -o $@ $(shell pkg-config --libs hiredis)
