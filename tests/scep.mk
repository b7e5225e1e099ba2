# A SCEP client and ticket mint for the end-to-end tests, and the fuzz targets of the codec.

SCEP_TOOL := $(BUILD)/tests/bin/scep_tool
units: $(SCEP_TOOL)
$(SCEP_TOOL): $(BUILD)/tests/tools/scep_tool.o $(SUPPORT_LIB) $(BUILD)/scep_ca/libscep_ca.a $(CORE_LIB)
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(ALL_LDFLAGS) $< -Wl,--start-group $(SUPPORT_LIB) $(BUILD)/scep_ca/libscep_ca.a \
		$(CORE_LIB) -Wl,--end-group -o $@ $(PKG_LIBS) -lcmocka
