# Programs that break things, always built with FAULT=1, and the tests with them (tests/fault/README.md).

FAULT_BINS := $(BUILD)/tests/bin/fault_crash $(BUILD)/tests/bin/fault_shim.so $(BUILD)/tests/bin/fault_rows
.PHONY: fault fault-full fault-programs
fault-programs: $(FAULT_BINS) $(BUILD)/bin/scep_ca
$(BUILD)/tests/bin/fault_crash: $(call obj,$(addprefix tests/fault/,crash_main.c clients.c proxy.c tickets.c)) \
		$(BUILD)/scep_ca/libscep_ca.a $(CORE_LIB)
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(PKG_LIBS)
$(BUILD)/tests/bin/fault_shim.so: $(BUILD)/tests/fault/shim.o
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(filter-out -pie,$(ALL_LDFLAGS)) -shared $^ -o $@ -ldl
$(BUILD)/tests/bin/fault_rows: $(call obj,$(addprefix tests/fault/,rows_main.c tickets.c)) $(SUPPORT_LIB) \
		$(BUILD)/scep_ca/libscep_ca.a $(CORE_LIB)
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(ALL_LDFLAGS) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -o $@ $(PKG_LIBS) -lcmocka

# FAULT_SEED and FAULT_CRASHES repeat or shorten a run.
FAULT_CRASHES ?= 10000
fault: all units ; $(LIVE) BUILD=$(BUILD) tests/run e2e/fault
fault-full: all ; $(LIVE) SCEPAUTH_BIN=$(abspath $(BUILD)/bin) tests/fault/full.sh $(FAULT_CRASHES) $(FAULT_SEED)
