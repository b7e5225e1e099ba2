# A SCEP client and ticket mint for the end-to-end tests, and the fuzz targets of the codec and of HTTP.

SCEP_TOOL := $(BUILD)/tests/bin/scep_tool
units: $(SCEP_TOOL)
$(SCEP_TOOL): $(BUILD)/tests/tools/scep_tool.o $(SUPPORT_LIB) $(BUILD)/scep_ca/libscep_ca.a $(CORE_LIB)
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(ALL_LDFLAGS) $< -Wl,--start-group $(SUPPORT_LIB) $(BUILD)/scep_ca/libscep_ca.a \
		$(CORE_LIB) -Wl,--end-group -o $@ $(PKG_LIBS) -lcmocka

# make fuzz [FUZZ_SECONDS=60]: each decoder in turn under libFuzzer, ASan and UBSan; needs clang.
# What it finds stays in $(BUILD)/fuzz/found; a new seed worth keeping goes to tests/vectors/scep.
FUZZ_SECONDS ?= 60
FUZZERS      := shape request open inside csr base64
FUZZ_LIBS    := $(BUILD)/tests/support/libsupport.a $(BUILD)/scep_ca/libscep_ca.a $(CORE_LIB)
.PHONY: fuzz fuzz-libs
fuzz-libs: $(FUZZ_LIBS)
fuzz:
	$(MAKE) BUILD=$(BUILD)/fuzz CC=clang SAN=1 CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' fuzz-libs
	@mkdir -p $(BUILD)/fuzz/found
	@set -e; for t in $(FUZZERS); do \
		mkdir -p $(BUILD)/fuzz/corpus/$$t; \
		clang -std=c11 -O1 -g -fsanitize=fuzzer,address,undefined $(CPPFLAGS) -DFUZZ_TARGET="\"$$t\"" \
			tests/fuzz/fuzz_scep.c -Wl,--start-group $(FUZZ_LIBS:$(BUILD)/%=$(BUILD)/fuzz/%) \
			-Wl,--end-group -o $(BUILD)/fuzz/fuzz_$$t $(PKG_LIBS) -lcmocka; \
		echo "fuzzing $$t for $(FUZZ_SECONDS) s"; \
		$(BUILD)/fuzz/fuzz_$$t -max_total_time=$(FUZZ_SECONDS) -max_len=16384 -timeout=10 -print_final_stats=1 \
			-artifact_prefix=$(BUILD)/fuzz/found/$$t- $(BUILD)/fuzz/corpus/$$t tests/vectors/scep \
			2>&1 | grep -E 'ERROR|SUMMARY|number_of_executed|cov:.*DONE' || exit 1; \
	done
	clang -std=c11 -O1 -g -fsanitize=fuzzer,address,undefined $(CPPFLAGS) tests/fuzz/fuzz_http.c -Wl,--start-group \
		$(FUZZ_LIBS:$(BUILD)/%=$(BUILD)/fuzz/%) -Wl,--end-group -o $(BUILD)/fuzz/fuzz_http $(PKG_LIBS) -lcmocka
	@mkdir -p $(BUILD)/fuzz/corpus/http; echo "fuzzing http for $(FUZZ_SECONDS) s"
	@$(BUILD)/fuzz/fuzz_http -max_total_time=$(FUZZ_SECONDS) -max_len=16384 -timeout=10 -print_final_stats=1 \
		-artifact_prefix=$(BUILD)/fuzz/found/http- $(BUILD)/fuzz/corpus/http \
		2>&1 | grep -E 'ERROR|SUMMARY|number_of_executed|cov:.*DONE'

# What a hijacked front would be, for tests/e2e/scep_roles.sh.
SCEP_ROLES := $(BUILD)/tests/bin/scep_roles
units: $(SCEP_ROLES)
$(SCEP_ROLES): $(BUILD)/tests/tools/scep_roles.o $(SUPPORT_LIB) $(BUILD)/scep_ca/libscep_ca.a $(CORE_LIB)
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(ALL_LDFLAGS) $< -Wl,--start-group $(SUPPORT_LIB) $(BUILD)/scep_ca/libscep_ca.a \
		$(CORE_LIB) -Wl,--end-group -o $@ $(PKG_LIBS) -lcmocka

# Whose memory holds a key?
SCEP_MEMORY := $(BUILD)/tests/bin/scep_memory
units: $(SCEP_MEMORY)
$(SCEP_MEMORY): $(BUILD)/tests/tools/scep_memory.o
	@mkdir -p $(@D)
	$(call SAY,LD,$@)$(CC) $(ALL_LDFLAGS) $< -o $@ $(PKG_LIBS)
