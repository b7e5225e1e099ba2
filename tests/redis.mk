# A Redis that misbehaves, for the tests of the RADIUS module.
REDIS_DOUBLE := $(BUILD)/tests/bin/redis_double
units: $(REDIS_DOUBLE)
$(REDIS_DOUBLE): $(BUILD)/tests/tools/redis_double.o
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(ALL_LDFLAGS) $^ -o $@
