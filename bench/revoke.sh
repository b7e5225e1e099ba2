#!/usr/bin/env bash
# How long from "no" to off the network, with real parts: Redis, slapd, FreeRADIUS, hostapd, wpa_supplicant. Ends with lines
#   ms PATH p50 X p99 Y
# from the moment the command is typed (redis-cli, ldapmodify, curl: their own start included) to hostapd's word that the device is
# off.
# SCEPAUTH_ROUNDS: cuts per path (20). Needs root.
# shellcheck source-path=SCRIPTDIR disable=SC2154,SC2034 # variables are from, or for what is evaluated
. "$(dirname "$0")/../tests/support/lib.sh"
# shellcheck source=tests/support/slapd.sh
. "$T_TOP/tests/support/slapd.sh"
# shellcheck source=tests/support/nas.sh
. "$T_TOP/tests/support/nas.sh"
# shellcheck source=tests/support/wired.sh
. "$T_TOP/tests/support/wired.sh"
# shellcheck source=tests/support/off.sh
. "$T_TOP/tests/support/off.sh"
rounds=${SCEPAUTH_ROUNDS:-20}

why=$(wired_missing)
[[ -z $why ]] || { t_note "skipped: $why" && t_done; }
# shellcheck disable=SC2034
T_INIT=(--group staff:20 --group students:30)
t_instance redis ca
t_defer nas_stop_all
ms() { echo $(($(date +%s%N) / 1000000)); }

off_by_ldap
redis_as installer HSET meta helpdesk_rate 100000 >/dev/null
off_port
t_start radius disconnect leavers

# --- one at a time, on the wire ------------------------------------------------------------------------------
wired_start
no_redis_cli() { redis_as "$HELPDESK_NAME" FCALL suspend_user 0 sam bench >/dev/null; }
yes_redis_cli() { redis_as "$HELPDESK_NAME" FCALL restore_user 0 sam >/dev/null; }
no_ldap() { off_entry 'replace: shadowExpire' 'shadowExpire: 0'; }
yes_ldap() {
	off_entry 'delete: shadowExpire'
	t_wait 20 off_free ldap || t_bail "the hold stays"
}
no_scim() { off_active false; }
yes_scim() {
	off_active true
	t_wait 20 off_free scim || t_bail "the hold stays"
}
measure() { # PATH FUNCTION-SUFFIX
	local i before start
	for ((i = 0; i < rounds; i++)); do
		off_joined || t_bail "the device does not come on: $(tail -n 5 "$WIRED_DIR/hostapd.log")"
		before=$(wired_cuts)
		start=$(ms)
		"no_$2"
		t_wait 20 eval '(($(wired_cuts) > before))' || t_bail "$1: not cut off"
		echo "$(($(wired_cut_ms) - start))"
		"yes_$2"
	done | sort -n >"$T_DIR/$1.ms"
	awk -v path="$1" '{ v[NR] = $1 } END {
		if (NR) print "ms", path, "p50", v[int((NR + 1) / 2)], "p99", v[int(NR * 0.99 + 0.999)] }' "$T_DIR/$1.ms" >>"$T_DIR/figures"
}
measure redis-cli redis_cli
measure ldap ldap
t_stop leavers
off_by_scim
t_start leavers
measure scim scim
t_is "all paths were measured" "$(wc -l <"$T_DIR/figures")" 3
echo "1..$t_count"
cat "$T_DIR/figures"
t_finished=1
exit $((t_failed > 0))
