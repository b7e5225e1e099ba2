#!/usr/bin/env bash
# The end of a live session with real parts only: slapd, Redis, scep_ca, FreeRADIUS, hostapd on a wire, wpa_supplicant in a
# namespace of its own. Disabled in the directory or held by redis-cli: cut off by a Disconnect-ACK and refused when it tries again;
# enabled again: back on with the same certificate; gone from the directory: never again.
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/slapd.sh
. "$T_TOP/tests/support/slapd.sh"
# shellcheck source=tests/support/nas.sh
. "$T_TOP/tests/support/nas.sh"
# shellcheck source=tests/support/wired.sh
. "$T_TOP/tests/support/wired.sh"
# shellcheck source=tests/support/off.sh
. "$T_TOP/tests/support/off.sh"

why=$(wired_missing)
if [[ -n $why ]]; then
	t_skip "a live session is cut off" "$why"
	t_done
fi
# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis ca
helen() { redis_as "$HELPDESK_NAME" "$@"; }

# --- a directory with sam in it, an access point, a device -------------------------------------------------
off_by_ldap
off_port
t_start radius leavers disconnect
WIRED_LOG=-tdd wired_start

# --- it comes on, and authenticates again -------------------------------------------------------------------------
redis_as installer HSET group:students session_timeout 4 >/dev/null
t_ok "the device comes onto the network" off_joined
t_is "in the VLAN that hostapd was told" "$(wired_vlan)" 30
t_is "as hostapd names it to the ledger" "$("$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" --json sessions sam | jq -r '.sessions[0].nas_id')" hall

accepts() { grep -c 'scepauth: accept ' "$RADIUS_LOG"; }
# shellcheck disable=SC2317 # called by t_wait
more() { (($(accepts) > $1)); }
t_ok "its session of four seconds is over: it authenticates again" t_wait 40 more 1
t_ok "and once more" t_wait 40 more 2
t_is "and is not cut off for it" "$(wired_cuts)" 0
t_ok "but stays on" wired_on
redis_as installer HSET group:students session_timeout 28800 vlan 31 >/dev/null
# shellcheck disable=SC2317
moved() { [[ $(wired_vlan) == 31 ]]; }
t_ok "a change of the group counts at the next time" t_wait 40 moved
redis_as installer HSET group:students vlan 30 >/dev/null

# --- disabled in the directory ----------------------------------------------------------------------------------
off_entry 'replace: shadowExpire' 'shadowExpire: 0'
t_ok "disabled in the directory: the live session is cut" t_wait 30 wired_off
t_ok "by a Disconnect-ACK" off_cut user_held
t_is "to the first packet" "$(receipt sam tries)" 1
t_ok "and the reconnect is refused" off_refused user_held
off_entry 'delete: shadowExpire'
t_ok "enabled again: free" t_wait 20 eval '[[ -z $(redis_as installer HGETALL hold:ldap) ]]'
t_ok "and back on with the same certificate" off_joined

# --- by helpdesk --------------------------------------------------------------------------------------------------
helen FCALL suspend_user 0 sam "odd traffic" >/dev/null
t_ok "held with redis-cli: cut" t_wait 30 wired_off
t_ok "and refused" off_refused user_held
helen FCALL restore_user 0 sam >/dev/null
t_ok "restored: back on" off_joined

# --- another group ------------------------------------------------------------------------------------------------
redis_as installer HSET group:staff issuers "$(redis_as installer HGET group:students issuers)" >/dev/null
n=$(wired_cuts)
id=$(redis_as installer HGET login:local sam)
redis_as auto_revoke FCALL user_put 0 local sam "$id" "Sam" "" staff 0 >/dev/null
# shellcheck disable=SC2016
t_ok "another VLAN: hostapd takes no moves, so the session ends" t_wait 30 eval '(($(wired_cuts) > n))'
t_ok "and the device comes back" off_joined
t_is "into the new VLAN" "$(wired_vlan)" 20
vlan_noted() { # of the newest session
	redis_as installer HGET "session:$("$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" --json sessions sam | jq -r '.sessions | max_by(.opened) | .token')" vlan
}
# shellcheck disable=SC2016
t_ok "which the ledger has too" t_wait 20 eval '[[ $(vlan_noted) == 20 ]]' # told a moment after the answer

# --- gone ---------------------------------------------------------------------------------------------------------
slapd_as_admin ldapdelete "uid=sam,ou=people,$SLAPD_BASE" >/dev/null
t_ok "gone from the directory: cut" t_wait 30 wired_off
t_ok "and refused for good" off_refused cert_revoked
t_like "the receipts tell it all" "$("$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" receipts sam)" 'ended \(cert_revoked\)'
t_done
