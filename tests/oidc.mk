# An OpenID provider that lies, for the tests of the portal.
OIDC_DOUBLE := $(BUILD)/tests/bin/oidc_double
units: $(OIDC_DOUBLE)
$(OIDC_DOUBLE): $(BUILD)/tests/tools/oidc_double.o $(SUPPORT_LIB) $(CORE_LIB)
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(PKG_LIBS)
