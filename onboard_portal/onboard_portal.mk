# Templates, style sheet and text catalogue are compiled into the portal.
PORTAL_ASSETS := $(sort $(wildcard onboard_portal/templates/*.html onboard_portal/static/* onboard_portal/scripts/*) \
                 $(wildcard onboard_portal/flow/text_*.txt))
PORTAL_GEN    := $(BUILD)/onboard_portal/assets

$(PORTAL_GEN).c: $(PORTAL_ASSETS) onboard_portal/embed.sh
	@mkdir -p $(@D)
	sh onboard_portal/embed.sh $(PORTAL_ASSETS) > $@.tmp
	@mv $@.tmp $@

$(PORTAL_GEN).o: $(PORTAL_GEN).c
	$(call SAY,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/onboard_portal/libonboard_portal.a: $(PORTAL_GEN).o
