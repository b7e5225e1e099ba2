# The FreeRADIUS module: what of core it may use, hiredis, libssl (TLS to Redis), and nothing else.
#
# It lives in radiusd's process, so libssl and libcrypto must be those that radiusd has loaded, and confuse
# and jansson must not come in with it: a test looks at the finished file (tests/e2e/radius.sh).

MODULE_SRCS := $(wildcard rlm_scepauth/*.c)
MODULE_CORE := $(addprefix core/base/,buf.c clock.c err.c rnd.c savefile.c text.c) \
               core/ipc/prom.c $(wildcard core/model/*.c core/authz/*.c) \
               $(filter-out core/store/store_conf.c,$(wildcard core/store/*.c)) # the module has its own configuration
MODULE_PURE := $(addprefix rlm_scepauth/,backend.c breaker.c certid.c metrics.c notes.c seen.c shadow.c known.c follow.c) # know no type of the server's

FREERADIUS_FLAGS := -Irlm_scepauth/compat

$(call obj,$(MODULE_SRCS)): PKG_CFLAGS = $(FREERADIUS_FLAGS) -fvisibility=hidden
$(call obj,$(MODULE_SRCS)): | $(BUILD)/rlm_scepauth/server-ok

# Says in plain words what is missing, before the compiler says it in its own.
$(BUILD)/rlm_scepauth/server-ok: rlm_scepauth/check-server $(wildcard /usr/include/freeradius/autoconf.h)
	@mkdir -p $(@D)
	@rlm_scepauth/check-server
	@touch $@

# The server loads with RTLD_NOW: a symbol that neither it nor a library has would stop its start.
# Only --no-undefined would say so here, but the server's symbols come from the server; the test loads it.
$(MODULE): $(call obj,$(MODULE_SRCS) $(MODULE_CORE)) rlm_scepauth/rlm_scepauth.map
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) -shared $(LDFLAGS) $(SANFLAGS) -Wl,-z,relro,-z,now \
		-Wl,--version-script=rlm_scepauth/rlm_scepauth.map $(filter %.o,$^) -o $@ \
		$(shell pkg-config --libs hiredis 2>/dev/null) -lssl -lcrypto

# Units of the module link its pure objects too.
$(BUILD)/tests/unit/rlm_scepauth/%: $(BUILD)/tests/unit/rlm_scepauth/%.o $(call obj,$(MODULE_PURE)) \
		$(SUPPORT_LIB) $(CORE_LIB)
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(ALL_LDFLAGS) $(filter %.o,$^) $(SUPPORT_LIB) $(CORE_LIB) -o $@ $(PKG_LIBS) -lcmocka

# What LD_PRELOAD must hold for radiusd to load a module with sanitizers; instance.sh and tests read it.
ifeq ($(SAN),1)
module: $(BUILD)/lib/sanitizer-preload
$(BUILD)/lib/sanitizer-preload: tests/radius/nodeepbind.c
	@mkdir -p $(@D)
	$(call SAY,LD,$(@D)/nodeepbind.so)$(CC) -D_GNU_SOURCE -O1 -fPIC -shared $< -o $(@D)/nodeepbind.so
	@echo "$(abspath $(@D))/nodeepbind.so:$$($(CC) -print-file-name=libasan.so)" >$@
endif
