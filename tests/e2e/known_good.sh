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
device() { # LOGIN [PROFILE]
	local profile=${2:-students} challenge
	local ra=$SCEPAUTH_DIR/ca/$profile/ra.pem
	openssl genrsa -out "$1.key" 2048 2>/dev/null
	challenge=$("$tool" mint "$SCEPAUTH_CONF" "$profile" login="$1")
	"$tool" request "$ra" "$1.key" "$1.req" challenge="$challenge" >/dev/null
	curl -s -o "$1.rep" --data-binary "@$1.req" "$SCEP_URL/scep/$profile?operation=PKIOperation"
	"$tool" reply "$ra" "$1.key" "$1.rep" "$1.der" >/dev/null
	openssl x509 -inform der -in "$1.der" -out "$1.pem" || t_bail "no certificate for $1"
	serial[$1]=$(openssl x509 -in "$1.pem" -noout -serial | sed 's/serial=//' | tr A-F a-f)
	eapol_conf "$1.conf" "$1.pem" "$1.key"
}
for who in sam ann hal eve; do device $who; done
device tom staff # whose group allows none of it, as shipped
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
expect_quiet() { eapol_run "$1.conf" || true; } # LOGIN
# shellcheck disable=SC2317 # called by t_wait
known() { grep -A6 "^32:${serial[$1]}\$" "$file" 2>/dev/null | tail -n 1 | grep -q '^10:'; }
# shellcheck disable=SC2317
unknown() { ! known "$1"; }

expect "a member of a group without known-good" tom accept ""
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
t_ok "of others nothing is kept" unknown tom

t_stop redis
gone() { # WHEN REASON
	expect "$1: who was let in before" sam accept known_good
	t_like "is marked in the reply" "$(eapol_text 'Attribute 25 ')" '^sk1:[0-9a-f]{32}$'
	t_is "has the VLAN" "$EAP_VLAN" 30
	t_ok "and not for longer than the answer counts" test "$EAP_SESSION_TIMEOUT" -le 3600
	expect "$1: revoked since" ann reject "$2"
	expect "$1: held since" hal reject "$2"
	expect "$1: never let in" eve reject "$2"
	expect "$1: of a group without known-good" tom reject "$2"
}
gone "Redis is gone" backend_down
t_stop radius
t_start radius
gone "and the server was restarted" backend_down
t_ok "a counter says how often" t_wait 30 grep -q 'reason="known_good"} [1-9]' "$w/radius.prom"
t_start redis
# shellcheck disable=SC2317 # called by t_wait
told() { redis_as installer XRANGE events:radius - + | grep -q session_known_good; }
t_ok "Redis is told when it is back" t_wait 30 told
t_like "and why tells of it" "$(redis_as installer FCALL_RO why 0 sam)" 'accept \(known_good\)'

# --- a missed deadline, and the limit of age ------------------------------------------------------------

sed -i "s/^\tdeadline_ms = .*/\tdeadline_ms = 1000/" "$raddb/mods-available/scepauth"
t_stop radius
t_start radius
expect "a server that has just begun asks" sam accept ""
redis_pid=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/redis.pid")
kill -STOP "$redis_pid"
gone "Redis is stopped" backend_timeout
kill -CONT "$redis_pid"
t_wait 30 eval 'expect_quiet sam; [[ $EAP_RESULT$(said) == accept* && $(said) != *known_good* ]]'
redis_as installer HSET group:students known_good 20 >/dev/null
# shellcheck disable=SC2317 # called by t_wait
limited() { grep -A60 "^32:${serial[sam]}\$" "$file" | grep -q '^2:20$'; }
t_ok "a new limit is followed" t_wait 30 limited
t_stop redis
expect "within it" sam accept known_good
t_ok "the session ends with it" test "$EAP_SESSION_TIMEOUT" -le 20
# shellcheck disable=SC2317 # called by t_wait
too_old() { expect_quiet sam; [[ $EAP_RESULT == reject && $(said) == *reason=backend_down* ]]; }
t_ok "and beyond it nobody comes in" t_wait 60 too_old
expect "a revocation does not grow old" ann reject backend_down
t_start redis
redis_as installer HSET group:students known_good 3600 >/dev/null
t_ok "until Redis is asked again" t_wait 30 eval 'expect_quiet sam; [[ $EAP_RESULT == accept && $(said) != *known_good* ]]'
sed -i "s/^\tdeadline_ms = .*/\tdeadline_ms = 5000/" "$raddb/mods-available/scepauth"
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

# --- nor is a store that is older than we know, or that nobody keeps alive -------------------------------

again() { # one that is whole again lets him in, and is trusted
	expect "(whole again)" sam accept ""
	# shellcheck disable=SC2016
	t_ok "(and trusted)" t_wait 30 eval 'sed -n 2p "$file" | grep -q "^3:yes$"'
}
t_start redis
store=$(redis_as installer HGET meta store) epoch=$(redis_as installer HGET meta epoch) head=$(redis_as installer HGET meta head)
hash=$(printf '%064d' 1)
redis_as ca FCALL renew 0 "$store" $((epoch + 1)) $((head + 1)) "$hash" ready >/dev/null
again
redis_as installer HSET meta epoch "$epoch" head "$head" >/dev/null
expect "an older state of the store" sam reject store_rolled_back
t_stop redis
expect "and gone after that" sam reject backend_down
t_start redis
redis_as installer HSET meta epoch $((epoch + 1)) head $((head + 1)) >/dev/null
again
sed -i 's/^\tmax_beat_age = 0$/\tmax_beat_age = 600/' "$raddb/mods-available/scepauth"
t_stop radius
t_start radius
redis_as installer HSET meta beat "$(($(date +%s) - 5))" >/dev/null
again
redis_as installer HSET meta beat "$(($(date +%s) - 700))" >/dev/null
expect "a store whose heart stopped" sam reject store_stale
t_stop redis
expect "and gone after that" sam reject backend_down
t_done
