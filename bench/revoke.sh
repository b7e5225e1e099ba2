#!/usr/bin/env bash
# How long from "no" to off the network, with real parts: Redis, slapd, FreeRADIUS, hostapd, wpa_supplicant. Ends with lines
#   ms PATH p50 X p99 Y
# from the moment the command is typed (redis-cli, ldapmodify: their own start included) to hostapd's word that the device is
# off. Before them, a wave: 1,000 people with three devices each leave at once, against an access point that answers at once.
# SCEPAUTH_ROUNDS: cuts per path (20). Needs root.
# shellcheck source-path=SCRIPTDIR disable=SC2154,SC2034 # variables are from, or for what is evaluated
. "$(dirname "$0")/../tests/support/lib.sh"
# shellcheck source=tests/support/slapd.sh
. "$T_TOP/tests/support/slapd.sh"
# shellcheck source=tests/support/nas.sh
. "$T_TOP/tests/support/nas.sh"
# shellcheck source=tests/support/wired.sh
. "$T_TOP/tests/support/wired.sh"
rounds=${SCEPAUTH_ROUNDS:-20}
people=${SCEPAUTH_WAVE:-1000}

why=$(wired_missing)
[[ -z $why ]] || { t_note "skipped: $why" && t_done; }
# shellcheck disable=SC2034
T_INIT=(--group staff:20 --group students:30)
t_instance redis ca
t_defer nas_stop_all
conf_set() { sed -i "/^$1 {/,/^}/ s|^\t\(# \)\{0,1\}$2 = .*|\t$2 = $3|" "$SCEPAUTH_CONF"; }
ms() { echo $(($(date +%s%N) / 1000000)); }

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
redis_as installer HSET meta helpdesk_rate 100000 >/dev/null
wired_device_cert sam students "$T_DIR/w"
wired_make "$T_DIR/w/cert.pem" "$T_DIR/w/k.pem"
nas_section hall '"127.0.0.1"' "$WIRED_DAS" vendor=hostapd
fast=$(nas_port)
nas_section fast '"192.0.2.0/24"' "$fast"
nas_start fast "$fast" ack quiet
t_start radius disconnect

# --- the wave -----------------------------------------------------------------------------------------------
issuer=$(redis_as installer HGET group:students issuers | cut -d, -f1)
now=$(date +%s)
for ((i = 1; i <= people; i++)); do
	id=u$(printf %032x "$((65536 + i))")
	echo "HSET user:$id source entra login wave$i name w groups students leave_at 0"
	echo "HSET login:entra wave$i $id"
	for j in 1 2 3; do
		serial=50$(printf %028x%02x "$i" "$j")
		echo "HSET cert:$serial issuer $issuer user $id device d0 profile students not_before $((now - 60)) not_after $((now + 86400)) state active spki x ticket x"
		echo "ZADD ucerts:$id $((now + 86400)) $serial"
	done
done | redis_as installer >/dev/null
for ((i = 1; i <= people; i++)); do
	for j in 1 2 3; do
		printf 'FCALL session_open 0 %032x 50%028x%02x 3600 nas 192.0.2.%d mac 02-00-00-%02x-%02x-%02x acct W%d-%d login wave%d\n' \
			"$((i * 4 + j))" "$i" "$j" "$((i % 20 + 1))" "$((i / 256))" "$((i % 256))" "$j" "$i" "$j" "$i"
	done
done | redis_as radius >/dev/null
left() { redis_as installer ZCARD sessions; }
t_is "the wave is on the network" "$(left)" "$((people * 3))"
begin=$(ms)
for ((i = 1; i <= people; i++)); do echo "FCALL suspend_user 0 wave$i wave entra"; done | redis_as auto_revoke >/dev/null
typed=$(ms)
# shellcheck disable=SC2016
t_ok "and all of it ends" t_wait 60 eval '(($(left) == 0))'
end=$(ms)
echo "wave people $people sessions $((people * 3)) ms $((end - begin)) of which the holds took $((typed - begin))"

# --- one at a time, on the wire ------------------------------------------------------------------------------
t_start leavers
wired_start
come_on() {
	wired_join
	t_wait 20 wired_on || t_bail "the device does not come on: $(tail -n 5 "$WIRED_DIR/hostapd.log")"
	t_wait 20 eval '(($(left) >= 1))' || t_bail "no session"
}
entry() { printf 'dn: uid=sam,ou=people,%s\nchangetype: modify\n%s\n' "$SLAPD_BASE" "$1" | slapd_modify; }
no_redis_cli() { redis_as "$HELPDESK_NAME" FCALL suspend_user 0 sam bench >/dev/null; }
yes_redis_cli() { redis_as "$HELPDESK_NAME" FCALL restore_user 0 sam >/dev/null; }
no_ldap() { entry $'replace: shadowExpire\nshadowExpire: 0'; }
yes_ldap() {
	entry 'delete: shadowExpire'
	t_wait 20 eval '[[ -z $(redis_as installer HGET hold:ldap "$sam") ]]' || t_bail "the hold stays"
}
sam=$(redis_as installer HGET login:local sam)
measure() { # PATH FUNCTION-SUFFIX
	local i before start
	for ((i = 0; i < rounds; i++)); do
		come_on
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
t_is "both paths were measured" "$(wc -l <"$T_DIR/figures")" 2
echo "1..$t_count"
cat "$T_DIR/figures"
t_finished=1
exit $((t_failed > 0))
