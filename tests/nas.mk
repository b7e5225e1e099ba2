# Access points for the tests of auto_revoke --disconnect, and a RADIUS server's questions beside it.
NAS_DOUBLE := $(BUILD)/tests/bin/nas_double
ASK_LOAD   := $(BUILD)/tests/bin/ask_load
units: $(NAS_DOUBLE) $(ASK_LOAD)
$(NAS_DOUBLE) $(ASK_LOAD): $(BUILD)/tests/bin/%: $(BUILD)/tests/tools/%.o $(CORE_LIB)
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(PKG_LIBS)
