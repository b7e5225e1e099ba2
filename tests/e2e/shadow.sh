#!/usr/bin/env bash
# A version of the group map in shadow: live connections are judged by it too, a report says what it would change, and
# nothing else comes of it. And versions change in one step while devices connect.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis ca radius
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
ctl() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" "$@"; }
w=$T_DIR/w
mkdir -p "$w"
cd "$w" || exit 1

openssl genrsa -out k.pem 2048 2>/dev/null
challenge=$("$tool" mint "$SCEPAUTH_CONF" students login=sam)
ra=$SCEPAUTH_DIR/ca/students/ra.pem
"$tool" request "$ra" k.pem request.der challenge="$challenge" >/dev/null
curl -s -o reply.der --data-binary @request.der "$SCEP_URL/scep/students?operation=PKIOperation"
"$tool" reply "$ra" k.pem reply.der cert.der >/dev/null
openssl x509 -inform der -in cert.der -out cert.pem || t_bail "no certificate"
serial=$(openssl x509 -in cert.pem -noout -serial | sed 's/serial=//' | tr A-F a-f)
eapol_conf sam.conf cert.pem k.pem
sed -i "s|^\tmetrics_file = .*|\tmetrics_file = \"$w/radius.prom\"|" "$SCEPAUTH_DIR/raddb/mods-available/scepauth"
t_stop radius
t_start radius

draft=$SCEPAUTH_DIR/draft.conf
load() { ctl policy load "$draft" --json | jq .version; }
# A version in which students have this VLAN and session timeout; none: no students at all.
students() { # [VLAN SECONDS]
	awk -v vlan="${1-}" -v seconds="${2:-28800}" '
		/^group "students"/ { here = 1 }
		here && vlan == "" { if (/^}/) here = 0; next }
		here && /session-timeout/ { next }
		here && /vlan *=/ { print "\tvlan = \"" vlan "\"\n\tsession-timeout = " seconds; next }
		/^}/ { here = 0 }
		{ print }' "$SCEPAUTH_CONF" >"$draft"
	load
}
report() { ctl policy shadow --json | jq -c "$1"; }
# Connects until the report says so; what the device was told each time is looked at.
wrong=
# shellcheck disable=SC2317 # called by t_wait
seen() { # RESULT VLAN COUNTER
	eapol_run sam.conf
	[[ $EAP_RESULT == "$1" && ($1 == reject || $EAP_VLAN == "$2") ]] || wrong+=" $EAP_RESULT:$EAP_VLAN"
	(($(report "$3") > 0))
}
# shellcheck disable=SC2317
judged() { (($(report .judged) == $1)); }

# --- what would change ---------------------------------------------------------------------------------
moves=$(students 31) drops=$(students)
eapol_run sam.conf
t_is "let in" "$EAP_RESULT $EAP_VLAN" "accept 30"
t_is "nothing is in shadow" "$(ctl policy shadow)" "no version is in shadow"
t_ok "a version that moves students, in shadow" ctl policy shadow "$moves"
t_ok "is reported once they connect" t_wait 30 seen accept 30 .moved
t_is "with what and whom" "$(report '.changes | map([.serial, .login, .kind, .now, .then])')" \
	"[[\"$serial\",\"sam\",\"moved\",\"group students, VLAN 30, 28800 s\",\"group students, VLAN 31, 28800 s\"]]"
t_like "in text too" "$(ctl policy shadow)" "$serial  sam .* moved .* VLAN 30, .* -> .*VLAN 31"
t_like "an event tells the first time" "$(redis_as installer XREVRANGE events:radius + - COUNT 1)" \
	"shadow_differs.*$serial.*kind.*moved.*now.*VLAN 30.*then.*VLAN 31"
t_ok "a version without students, in shadow" ctl policy shadow "$drops"
t_ok "is reported" t_wait 30 seen accept 30 .refused
t_is "as a refusal" "$(report '.changes | map([.login, .kind, .then])')" '[["sam","refused","refused (no_group)"]]'
t_is "and the device was let in as before, each time" "$wrong" ""

# --- damaged data -------------------------------------------------------------------------------------------
ctl policy shadow "$moves" >/dev/null
redis_as installer HSET "policy:$moves" g:students '["x"' g:staff x sealed 7 >/dev/null
t_ok "a version that was spoilt judges nobody" t_wait 30 seen accept 30 .broken
t_like "and it says so" "$(ctl policy shadow)" 'connections could not be judged: the version is damaged'
redis_as installer HSET meta shadow nonsense >/dev/null
eapol_run sam.conf
t_is "nor does a word that is no version" "$EAP_RESULT $EAP_VLAN" "accept 30"
t_is "then there is none" "$(report .shadow)" 0
redis_as "$HELPDESK_NAME" FCALL suspend_user 0 sam "shadow" >/dev/null
redis_as installer HSET meta shadow "$moves" >/dev/null
eapol_run sam.conf
t_is "nor lets it anybody in" "$EAP_RESULT" reject
redis_as "$HELPDESK_NAME" FCALL restore_user 0 sam >/dev/null
t_is "nobody was told anything else meanwhile" "$wrong" ""

# --- who would be let in -----------------------------------------------------------------------------------
moves=$(students 31)
ctl policy shadow "$drops" >/dev/null
t_ok "activated" ctl policy activate "$drops"
t_is "it is in shadow no more" "$(report '[.shadow, .version]')" "[0,$drops]"
ctl policy shadow "$moves" >/dev/null
t_ok "who would be let in is reported" t_wait 30 seen reject - .let_in
t_is "and stays out" "$wrong" ""
t_is "with why" "$(report '.changes[0] | [.kind, .now]')" '["let_in","refused (no_group)"]'
# shellcheck disable=SC2317
counted() { grep -qE "^scepauth_shadow_total\{instance=\"scepauth\",result=\"$1\"\} [1-9]" radius.prom; }
for r in moved refused let_in broken; do t_ok "counted for Prometheus: $r" t_wait 30 counted $r; done

# --- in one step ---------------------------------------------------------------------------------------------
a=$(students 40 4000) b=$(students 41 4100)
ctl policy activate "$a" >/dev/null
(while [[ ! -e stop ]]; do ctl policy activate "$b"; ctl policy activate "$a"; done >/dev/null 2>&1) &
toggler=$!
t_defer "kill $toggler 2>/dev/null"
mixed=
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
	eapol_run sam.conf
	case "$EAP_RESULT $EAP_VLAN $EAP_SESSION_TIMEOUT" in
	"accept 40 4000" | "accept 41 4100") ;;
	*) mixed+=" $EAP_RESULT $EAP_VLAN $EAP_SESSION_TIMEOUT;" ;;
	esac
done
touch stop
wait "$toggler"
t_is "every connection is judged by one version or by the other while they change" "$mixed" ""

# --- back at once --------------------------------------------------------------------------------------------
ctl policy activate "$a" >/dev/null
ctl policy activate "$b" >/dev/null
eapol_run sam.conf
t_is "a new version decides" "$EAP_RESULT $EAP_VLAN" "accept 41"
t_ok "rollback" ctl policy rollback
eapol_run sam.conf
t_is "the next connection is judged by the one before" "$EAP_RESULT $EAP_VLAN $EAP_SESSION_TIMEOUT" "accept 40 4000"
t_like "as the log tells with its version" "$(tail -n 5 "$RADIUS_LOG")" "scepauth: accept .* vlan=40 .* policy=$a"
ctl policy activate "$drops" >/dev/null
eapol_run sam.conf
t_is "one that forgot the students" "$EAP_RESULT" reject
t_ok "rolled back" ctl policy rollback
eapol_run sam.conf
t_is "lets them in again" "$EAP_RESULT $EAP_VLAN" "accept 40"
t_done
