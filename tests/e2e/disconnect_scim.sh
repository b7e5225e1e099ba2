#!/usr/bin/env bash
# A provider says by SCIM that somebody is out, and a live session on a wire ends: real Redis, scep_ca, FreeRADIUS, hostapd, wpa_supplicant and
# both processes of auto_revoke. Disabled: cut by a Disconnect-ACK and refused when it tries again; enabled: back on with the
# same certificate; deleted: never again with it, not even when the person is provisioned anew.
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/nas.sh
. "$T_TOP/tests/support/nas.sh"
# shellcheck source=tests/support/wired.sh
. "$T_TOP/tests/support/wired.sh"
# shellcheck source=tests/support/off.sh
. "$T_TOP/tests/support/off.sh"

why=$(wired_missing)
if [[ -n $why ]]; then
	t_skip "a live session is cut off by SCIM" "$why"
	t_done
fi
# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis ca
off_port
off_by_scim
t_start radius leavers disconnect
wired_start
serial() { openssl x509 -noout -serial -in "$T_DIR/w/cert.pem" | cut -d= -f2; }
before=$(serial)
t_ok "the device comes onto the network" off_joined
cuts=$(wired_cuts)

off_active false || t_bail "the provider is refused"
t_ok "disabled at the provider: the live session is cut" t_wait 60 wired_off
t_is "once" "$(($(wired_cuts) - cuts))" 1
t_ok "by a Disconnect-ACK" off_cut user_held
t_is "to the first packet" "$(receipt sam tries)" 1
t_ok "and the reconnect is refused" off_refused user_held

off_active true || t_bail "the provider is refused"
t_ok "enabled again: free" t_wait 30 off_free scim
t_ok "and back on" off_joined
t_is "with the same certificate" "$(serial)" "$before"

t_is "deleted" "$(off_scim DELETE "/Users/$OFF_USER" | tail -n 1)" 204
t_ok "the live session is cut" t_wait 60 wired_off
t_ok "by a Disconnect-ACK" off_cut cert_revoked
t_ok "and refused for good" off_refused cert_revoked
t_is "provisioned anew" "$(off_scim POST /Users '{"userName":"sam@example.edu","externalId":"object-sam","active":true}' | tail -n 1)" 201
t_ok "the person is free" t_wait 30 off_free scim
t_ok "but never again with the old certificate" off_refused cert_revoked
t_is "nobody was cut off besides" "$(($(wired_cuts) - cuts))" 2
t_done
