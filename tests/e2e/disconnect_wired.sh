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

why=$(wired_missing)
if [[ -n $why ]]; then
	t_skip "a live session is cut off" "$why"
	t_done
fi
# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis ca
helen() { redis_as "$HELPDESK_NAME" "$@"; }
conf_set() { # SECTION KEY VALUE
	sed -i "/^$1 {/,/^}/ s|^\t\(# \)\{0,1\}$2 = .*|\t$2 = $3|" "$SCEPAUTH_CONF"
}

# --- a directory with sam in it, an access point, a device -------------------------------------------------
slapd_make
slapd_start
slapd_tree || t_bail "no tree"
for login in sam anna ben carl; do slapd_person "$login"; done | slapd_add
(umask 077 && echo "$SLAPD_READER_PASSWORD" >"$SCEPAUTH_DIR/secrets/ldap-password")
conf_set ldap uri "\"ldap://127.0.0.1:$SLAPD_PORT\""
conf_set ldap ca "\"$SLAPD_DIR/tls/ca.pem\""
conf_set ldap bind-dn "\"$SLAPD_READER\""
conf_set ldap base "\"$SLAPD_BASE\""
conf_set ldap filter '"(objectClass=inetOrgPerson)"'
conf_set leavers format '"ldap"'
conf_set leavers source '"ldap"'
wired_device_cert sam students "$T_DIR/w"
wired_make "$T_DIR/w/cert.pem" "$T_DIR/w/k.pem"
nas_section hall '"127.0.0.1"' "$WIRED_DAS" vendor=hostapd
t_start radius leavers disconnect
WIRED_LOG=-tdd wired_start
sam() { # LDIF-LINE...
	{
		printf 'dn: uid=sam,ou=people,%s\nchangetype: modify\n' "$SLAPD_BASE"
		printf '%s\n' "$@"
	} | slapd_modify
}
on_in_ledger() { [[ $("$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" --json sessions sam | jq '.sessions | length') -ge 1 ]]; }
comes_on() {
	wired_join
	t_wait 20 wired_on && t_wait 20 on_in_ledger
}
is_refused() { # REASON: it tries again, FreeRADIUS says why not, hostapd keeps it off
	local before
	before=$(grep -c "scepauth: reject reason=$1" "$RADIUS_LOG")
	wired_join
	# shellcheck disable=SC2016
	t_wait 20 eval '(($(grep -c "scepauth: reject reason='"$1"'" "$RADIUS_LOG") > '"$before"'))' && wired_off
}
ended() { # REASON: the newest receipt
	t_wait 20 receipt_is sam result ended && [[ $(receipt sam reason) == "$1" ]]
}
count() { grep -c 'AP-STA-DISCONNECTED' "$WIRED_DIR/hostapd.log"; }

# --- it comes on, and authenticates again -------------------------------------------------------------------------
redis_as installer HSET group:students session_timeout 4 >/dev/null
t_ok "the device comes onto the network" comes_on
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
sam 'replace: shadowExpire' 'shadowExpire: 0'
t_ok "disabled in the directory: the live session is cut" t_wait 30 wired_off
t_ok "by a Disconnect-ACK" ended user_held
t_is "to the first packet" "$(receipt sam tries)" 1
t_ok "and the reconnect is refused" is_refused user_held
sam 'delete: shadowExpire'
t_ok "enabled again: free" t_wait 20 eval '[[ -z $(redis_as installer HGETALL hold:ldap) ]]'
t_ok "and back on with the same certificate" comes_on

# --- by helpdesk --------------------------------------------------------------------------------------------------
helen FCALL suspend_user 0 sam "odd traffic" >/dev/null
t_ok "held with redis-cli: cut" t_wait 30 wired_off
t_ok "and refused" is_refused user_held
helen FCALL restore_user 0 sam >/dev/null
t_ok "restored: back on" comes_on

# --- another group ------------------------------------------------------------------------------------------------
redis_as installer HSET group:staff issuers "$(redis_as installer HGET group:students issuers)" >/dev/null
n=$(count)
id=$(redis_as installer HGET login:local sam)
redis_as auto_revoke FCALL user_put 0 local sam "$id" "Sam" "" staff 0 >/dev/null
# shellcheck disable=SC2016
t_ok "another VLAN: hostapd takes no moves, so the session ends" t_wait 30 eval '(($(count) > n))'
t_ok "and the device comes back" comes_on
t_is "into the new VLAN" "$(wired_vlan)" 20
vlan_noted() { # of the newest session
	redis_as installer HGET "session:$("$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" --json sessions sam | jq -r '.sessions | max_by(.opened) | .token')" vlan
}
# shellcheck disable=SC2016
t_ok "which the ledger has too" t_wait 20 eval '[[ $(vlan_noted) == 20 ]]' # told a moment after the answer

# --- gone ---------------------------------------------------------------------------------------------------------
slapd_as_admin ldapdelete "uid=sam,ou=people,$SLAPD_BASE" >/dev/null
t_ok "gone from the directory: cut" t_wait 30 wired_off
t_ok "and refused for good" is_refused cert_revoked
t_like "the receipts tell it all" "$("$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" receipts sam)" 'ended \(cert_revoked\)'
t_done
