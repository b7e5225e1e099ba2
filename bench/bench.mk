# Benchmarks: figures on this machine, no test. See bench/README.md.

SCEP_LOAD := $(BUILD)/tests/bin/scep_load
units: $(SCEP_LOAD)
$(SCEP_LOAD): $(BUILD)/tests/tools/scep_load.o $(SUPPORT_LIB) $(BUILD)/scep_ca/libscep_ca.a $(CORE_LIB)
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(ALL_LDFLAGS) $< -Wl,--start-group $(SUPPORT_LIB) $(BUILD)/scep_ca/libscep_ca.a \
		$(CORE_LIB) -Wl,--end-group -o $@ $(PKG_LIBS) -lcmocka

.PHONY: bench
bench: programs $(SCEP_LOAD) $(BUILD)/tests/bin/scep_tool
	$(LIVE) SCEPAUTH_BIN=$(abspath $(BUILD)/bin) timeout --foreground 60 bench/enrol.sh

SCEP_INPROCESS := $(BUILD)/tests/bin/scep_inprocess
units: $(SCEP_INPROCESS)
$(SCEP_INPROCESS): $(BUILD)/tests/tools/scep_inprocess.o $(BUILD)/scep_ca/libscep_ca.a $(CORE_LIB)
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(ALL_LDFLAGS) $< -Wl,--start-group $(BUILD)/scep_ca/libscep_ca.a $(CORE_LIB) \
		-Wl,--end-group -o $@ $(PKG_LIBS)

# What it costs that the roles are processes.
.PHONY: bench-split
bench-split: programs $(SCEP_LOAD) $(SCEP_INPROCESS) $(BUILD)/tests/bin/scep_tool
	$(LIVE) SCEPAUTH_BIN=$(abspath $(BUILD)/bin) timeout --foreground 240 bench/split.sh

JOURNAL_MAKE := $(BUILD)/tests/bin/journal_make
units: $(JOURNAL_MAKE)
$(JOURNAL_MAKE): $(BUILD)/tests/tools/journal_make.o $(CORE_LIB)
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(ALL_LDFLAGS) $< $(CORE_LIB) -o $@ $(PKG_LIBS)

.PHONY: bench-rebuild
bench-rebuild: programs $(JOURNAL_MAKE)
	$(LIVE) SCEPAUTH_BIN=$(abspath $(BUILD)/bin) timeout --foreground 120 bench/rebuild.sh

# An EAP-TLS load generator for any RADIUS server; installed with the programs.
EAP_LOAD     := $(BUILD)/bin/eap_load
EAP_LOAD_LIB := $(BUILD)/bench/eap_load/libeap_load.a
programs: $(EAP_LOAD)
$(EAP_LOAD_LIB): $(call obj,$(call lib_srcs,bench/eap_load))
$(EAP_LOAD): $(BUILD)/bench/eap_load/eap_load_main.o $(EAP_LOAD_LIB) $(CORE_LIB)
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(PKG_LIBS)

EAP_LOAD_UNITS := $(filter $(BUILD)/tests/unit/eap_load/%,$(UNITS))
$(EAP_LOAD_UNITS): $(EAP_LOAD_LIB)
# Alone: names of its own need not differ from those of programs it has nothing to do with.
$(EAP_LOAD_UNITS): PROG_LIBS := $(EAP_LOAD_LIB)

# What deciding about certificates costs FreeRADIUS, and what else one would take.
.PHONY: bench-radius
bench-radius: programs module
	$(LIVE) SCEPAUTH_BIN=$(abspath $(BUILD)/bin) timeout --foreground 240 bench/radius.sh

.PHONY: bench-revoke
bench-revoke: all $(BUILD)/tests/bin/scep_tool $(BUILD)/tests/bin/nas_double
	$(LIVE) SCEPAUTH_BIN=$(abspath $(BUILD)/bin) timeout --foreground 240 bench/revoke.sh

# A thousand leavers while 100,000 sessions are on.
.PHONY: bench-wave
bench-wave: all $(BUILD)/tests/bin/nas_double $(BUILD)/tests/bin/ask_load
	$(LIVE) SCEPAUTH_BIN=$(abspath $(BUILD)/bin) timeout --foreground 300 bench/wave.sh

PORTAL_LOAD := $(BUILD)/tests/bin/portal_load
units: $(PORTAL_LOAD)
$(PORTAL_LOAD): $(BUILD)/bench/portal_load.o
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(ALL_LDFLAGS) $< -o $@ $(PKG_LIBS) -lcurl

# Students in the first hour of term.
.PHONY: bench-portal
bench-portal: programs $(PORTAL_LOAD)
	$(LIVE) SCEPAUTH_BIN=$(abspath $(BUILD)/bin) timeout --foreground 240 bench/portal.sh
