# An access point for the tests of auto_revoke --disconnect.
NAS_DOUBLE := $(BUILD)/tests/bin/nas_double
units: $(NAS_DOUBLE)
$(NAS_DOUBLE): $(BUILD)/tests/tools/nas_double.o $(CORE_LIB)
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(PKG_LIBS)
