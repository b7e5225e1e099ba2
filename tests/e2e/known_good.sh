#!/usr/bin/env bash
# Last known good: while Redis is gone, who was let in before comes in again, marked, and nobody else does.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis ca radius
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
raddb=$SCEPAUTH_DIR/raddb
w=$T_DIR/w
mkdir -p "$w"
cd "$w" || exit 1

declare -A serial
device() { # LOGIN
	local ra=$SCEPAUTH_DIR/ca/students/ra.pem challenge
	openssl genrsa -out "$1.key" 2048 2>/dev/null
	challenge=$("$tool" mint "$SCEPAUTH_CONF" students login="$1")
	"$tool" request "$ra" "$1.key" "$1.req" challenge="$challenge" >/dev/null
	curl -s -o "$1.rep" --data-binary "@$1.req" "$SCEP_URL/scep/students?operation=PKIOperation"
	"$tool" reply "$ra" "$1.key" "$1.rep" "$1.der" >/dev/null
	openssl x509 -inform der -in "$1.der" -out "$1.pem" || t_bail "no certificate for $1"
	serial[$1]=$(openssl x509 -in "$1.pem" -noout -serial | sed 's/serial=//' | tr A-F a-f)
	eapol_conf "$1.conf" "$1.pem" "$1.key"
}
for who in sam ann hal eve; do device $who; done
redis_as installer HSET group:students known_good 3600 >/dev/null
file=$SCEPAUTH_DIR/log/scepauth.known
sed -i "s|^\tknown_good_file = .*|\tknown_good_file = \"$file\"|; s|^\tmetrics_file = .*|\tmetrics_file = \"$w/radius.prom\"|" \
	"$raddb/mods-available/scepauth"
t_stop radius
t_start radius

# The last verdict in the log, in short.
said() { grep 'scepauth: \(accept\|reject\) ' "$RADIUS_LOG" | tail -n 1; }
expect() { # TEXT LOGIN RESULT REASON
	eapol_run "$2.conf" || true
	t_is "$1" "$EAP_RESULT $(said | grep -o ' reason=[a-z_]*')" "$3 ${4:+ reason=$4}"
}
# shellcheck disable=SC2317 # called by t_wait
known() { grep -A6 "^32:${serial[$1]}\$" "$file" 2>/dev/null | tail -n 1 | grep -q '^10:'; }
# shellcheck disable=SC2317
unknown() { ! known "$1"; }

for who in sam ann hal; do
	expect "$who is let in by the ledger" $who accept ""
	t_ok "which the server notes" t_wait 30 known $who
done
t_like "in the usual Class" "$(eapol_text 'Attribute 25 ')" '^sa1:'
t_is "for itself only" "$(stat -c %a "$file")" 600
redis_as "$HELPDESK_NAME" FCALL revoke_cert 0 "${serial[ann]}" lost >/dev/null
redis_as "$HELPDESK_NAME" FCALL suspend_user 0 hal odd >/dev/null
t_ok "a revocation is followed" t_wait 30 unknown ann
t_ok "a hold too" t_wait 30 unknown hal

t_stop redis
gone() { # WHEN
	expect "$1: who was let in before" sam accept known_good
	t_like "is marked in the reply" "$(eapol_text 'Attribute 25 ')" '^sk1:[0-9a-f]{32}$'
	t_is "has the VLAN" "$EAP_VLAN" 30
	t_ok "and not for longer than the answer counts" test "$EAP_SESSION_TIMEOUT" -le 3600
	expect "$1: revoked since" ann reject backend_down
	expect "$1: held since" hal reject backend_down
	expect "$1: never let in" eve reject backend_down
}
gone "Redis is gone"
t_stop radius
t_start radius
gone "and the server was restarted"
t_ok "a counter says how often" t_wait 30 grep -q 'reason="known_good"} [1-9]' "$w/radius.prom"
t_start redis
# shellcheck disable=SC2317 # called by t_wait
told() { redis_as installer XRANGE events:radius - + | grep -q session_known_good; }
t_ok "Redis is told when it is back" t_wait 30 told
t_like "and why tells of it" "$(redis_as installer FCALL_RO why 0 sam)" 'accept \(known_good\)'
redis_as "$HELPDESK_NAME" FCALL restore_user 0 hal >/dev/null
t_stop redis
expect "a hold that was lifted, but nobody let in since" hal reject backend_down

# --- an answer that is an error is no outage ------------------------------------------------------------

t_start redis
cp "$raddb/instance.conf" "$w/instance.conf"
sed -i 's/^\( *scepauth_redis_password *= *\).*/\1"not-the-one-it-wants"/' "$raddb/instance.conf"
t_stop radius
t_start radius
expect "Redis refuses the password" sam reject backend_error
cp "$w/instance.conf" "$raddb/instance.conf"
t_stop radius
t_start radius
redis_as installer REPLICAOF 127.0.0.1 1 >/dev/null
expect "a replica without its primary" sam reject backend_error
redis_as installer REPLICAOF NO ONE >/dev/null
t_stop ca
redis_as ca FCALL suspect 0 "the test says so" >/dev/null
expect "a store that is suspect" sam reject store_not_ready
# shellcheck disable=SC2317 # called by t_wait
mistrusted() { sed -n 2p "$file" | grep -q '^2:no$'; }
t_ok "which the server keeps" t_wait 30 mistrusted
t_stop redis
expect "and gone after that" sam reject backend_down
t_done
