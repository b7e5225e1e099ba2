#!/usr/bin/env bash
# Who is on the network: what the RADIUS module tells the ledger about accepts, refusals and accounting.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis ca radius
# shellcheck source=tests/support/nas.sh
. "$T_TOP/tests/support/nas.sh"
t_defer nas_stop_all
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
ctl() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" "$@"; }
w=$T_DIR/w
mkdir -p "$w"
cd "$w" || exit 1

# Field FIELD of the newest session, "" when there is none.
field() { ctl --json sessions sam 2>/dev/null | jq -r --arg f "$1" '.sessions | max_by(.opened) | .[$f] // ""'; }
count() { ctl --json sessions sam | jq '.sessions | length'; }
# shellcheck disable=SC2317 # called by t_wait
count_is() { [[ $(count) == "$1" ]]; }
# shellcheck disable=SC2317
field_is() { [[ $(field "$1") == "$2" ]]; }
account() { # TYPE [ATTRIBUTE ...]: one Accounting-Request
	local type=$1
	shift
	printf '%s\n' "Acct-Status-Type = $type" "$@" |
		radclient -x -r 2 -t 5 "$RADIUS_HOST:$((RADIUS_PORT + 1))" acct "$RADIUS_SECRET" 2>&1
}

# --- a device -----------------------------------------------------------------------------------------
openssl genrsa -out k.pem 2048 2>/dev/null
challenge=$("$tool" mint "$SCEPAUTH_CONF" students login=sam)
ra=$SCEPAUTH_DIR/ca/students/ra.pem
"$tool" request "$ra" k.pem request.der challenge="$challenge" >/dev/null
curl -s -o reply.der --data-binary @request.der "$SCEP_URL/scep/students?operation=PKIOperation"
"$tool" reply "$ra" k.pem reply.der cert.der >/dev/null
openssl x509 -inform der -in cert.der -out cert.pem || t_bail "no certificate"
serial=$(openssl x509 -in cert.pem -noout -serial | sed 's/serial=//' | tr A-F a-f)
eapol_conf sam.conf cert.pem k.pem
t_is "nobody is on the network" "$(count)" 0
t_like "and scepctl says so" "$(ctl sessions sam)" "no session"

# --- accept, accounting -------------------------------------------------------------------------------
eapol_run sam.conf
t_is "a device gets in" "$EAP_RESULT" accept
class=$(eapol_text 'Attribute 25 ')
t_ok "the ledger hears of it" t_wait 20 count_is 1
t_is "under the token of the Class attribute" "sa1:$(field token)" "$class"
t_is "with the certificate" "$(field serial)" "$serial"
t_is "the address of the NAS" "$(field nas)" "$RADIUS_HOST"
t_is "the device's address as the NAS spells it" "$(field mac)" 02-00-00-00-00-01
t_is "and the login it was told" "$(field login)" sam
t_like "a person reads it too" "$(ctl sessions sam)" "02-00-00-00-00-01.*$serial"

t_like "accounting is answered" "$(account Start "Class = 0x$(printf %s "$class" | xxd -p | tr -d '\n')" 'Acct-Session-Id = "5B2-77"' \
	'NAS-Identifier = "ap7"' 'NAS-Port = 4' 'NAS-IP-Address = 192.0.2.7' 'Called-Station-Id = "AA-BB:campus"')" "Accounting-Response"
t_ok "and adds what the Access-Request lacked" t_wait 20 field_is acct 5B2-77
t_is "NAS-Identifier" "$(field nas_id)" ap7
t_is "NAS-Port" "$(field nas_port)" 4
t_is "NAS-IP-Address" "$(field nas_ip)" 192.0.2.7
t_is "Called-Station-Id" "$(field called)" AA-BB:campus
t_is "and takes nothing away" "$(field mac)" 02-00-00-00-00-01
before=$(redis_as installer DBSIZE)
for bad in '"something else"' '"sa1:0123"' '"sa1:zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"' '"sa1:00000000000000000000000000000000"'; do
	t_like "accounting of others is answered: $bad" "$(account Start "Class = $bad" 'Acct-Session-Id = "x"')" "Accounting-Response"
done
t_like "and without Class" "$(account Start 'Acct-Session-Id = "x"')" "Accounting-Response"
t_like "and of a NAS that starts anew" "$(account Accounting-On)" "Accounting-Response"
account Interim-Update "Class = 0x$(printf %s "$class" | xxd -p | tr -d '\n')" 'Acct-Session-Id = "5B2-78"' >/dev/null
t_ok "an interim update, last in the queue, arrives" t_wait 20 field_is acct 5B2-78
t_is "nothing came of the others" "$(redis_as installer DBSIZE)" "$before"
account Stop "Class = 0x$(printf %s "$class" | xxd -p | tr -d '\n')" 'Acct-Session-Id = "5B2-78"' >/dev/null
t_ok "Accounting-Stop ends it" t_wait 20 count_is 0

# --- the race: revoked between the verdict and the note of it --------------------------------------------
das=$(nas_port)
nas_section here "\"$RADIUS_HOST\"" "$das"
nas_start here "$das" ack
# Only the event can tell it: it does not look at all sessions meanwhile.
sed -i '/^disconnect {/,/^}/ { s/# sweep = .*/sweep = 600/ }' "$SCEPAUTH_CONF"
t_start disconnect
# The same certificate with two addresses at once, both let in since neither is noted yet.
redis_as installer HSET group:students two_macs refuse >/dev/null
redis_as installer ACL SETUSER radius -fcall >/dev/null # may ask, may not note
eapol_run sam.conf
t_is "a device gets in while notes wait" "$EAP_RESULT" accept
class=$(eapol_text 'Attribute 25 ')
eapol_run sam.conf -N31:s:02-00-00-00-00-02
t_is "and so does a copy, under another address" "$EAP_RESULT" accept
redis_as installer ACL LOAD >/dev/null
t_ok "the second is ended once both are noted" t_wait 30 receipt_is sam result ended
t_is "for that reason" "$(receipt sam reason)" two_macs
t_is "and not the first" "$(receipt sam mac) $(count)" "02-00-00-00-00-02 1"
t_is "which is the one that came first" "sa1:$(field token)" "$class"
eapol_run sam.conf -N31:s:02-00-00-00-00-02
t_is "when it comes again it is refused" "$EAP_RESULT" reject
redis_as installer HSET group:students two_macs "" >/dev/null
account Stop "Class = 0x$(printf %s "$class" | xxd -p | tr -d '\n')" 'Acct-Session-Id = "5B2-78"' >/dev/null
t_ok "nobody is on the network any more" t_wait 20 count_is 0

redis_as installer ACL SETUSER radius -fcall >/dev/null # may ask, may not note
eapol_run sam.conf
t_is "let in while notes wait" "$EAP_RESULT" accept
class=$(eapol_text 'Attribute 25 ')
t_ok "which is said" t_wait 20 grep -q "connections are not noted" "$RADIUS_LOG"
t_is "nothing is noted" "$(count)" 0
redis_as "$HELPDESK_NAME" FCALL suspend_user 0 sam "between the two" >/dev/null
redis_as installer ACL LOAD >/dev/null
# shellcheck disable=SC2317
unwanted() { redis_as installer XREVRANGE events:radius + - COUNT 1 | tr '\n' ' ' | grep -q "session_unwanted.*$serial.*held by helpdesk"; }
t_ok "the note arrives late, and the ledger sees that it is not wanted any more" t_wait 20 unwanted
t_ok "so does the log" t_wait 20 grep -q "unwanted serial=$serial class=$class why=" "$RADIUS_LOG"
t_ok "and the access point ends what came of it" t_wait 30 receipt_is sam reason user_held
t_is "for that reason" "$(receipt sam result)" ended
t_is "by the token of that accept" "sa1:$(receipt sam token)" "$class"
t_stop disconnect

# --- refusals ---------------------------------------------------------------------------------------------
eapol_run sam.conf
t_is "held: refused" "$EAP_RESULT" reject
# shellcheck disable=SC2317
refusal_told() { redis_as "$HELPDESK_NAME" FCALL_RO why 0 sam | grep -q 'last turned away .*: user_held, device 02-00-00-00-00-01'; }
t_ok "why tells the last refusal" t_wait 20 refusal_told
t_like "and the last accept" "$(redis_as "$HELPDESK_NAME" FCALL_RO why 0 "$serial")" 'last let in .* device 02-00-00-00-00-01'
for mac in 02-00-00-00-00-01 02:00:00:00:00:01 0200.0000.0001 020000000001; do
	t_like "and by the device's address, spelt $mac" "$(redis_as "$HELPDESK_NAME" FCALL_RO why 0 "$mac")" \
		"reject user_held, policy [1-9][0-9]*, device 02-00-00-00-00-01, at $RADIUS_HOST, serial $serial"
done
t_like "scepctl says the same" "$(ctl why 02:00:00:00:00:01)" "accept, group students, VLAN 30, policy [1-9].*serial $serial"
t_like "an address that was never here" "$(ctl why 02:00:00:00:00:99 2>&1)" "no certificate of ours came with this address"
redis_as "$HELPDESK_NAME" FCALL restore_user 0 sam >/dev/null

# --- the verdict in rules of unlang ------------------------------------------------------------------------
check=$SCEPAUTH_DIR/raddb/sites-available/check-eap-tls outer=$SCEPAUTH_DIR/raddb/sites-available/default
cp "$check" check.good
cp "$outer" outer.good
sed -i "s|^\tmetrics_file = .*|\tmetrics_file = \"$w/radius.prom\"|" "$SCEPAUTH_DIR/raddb/mods-available/scepauth"
say=
for word in verdict reason user serial group vlan filter_id session_timeout policy class nonsense; do
	say+=" %{scepauth:$word}"
done
rule="update reply { Reply-Message := \"said$say\" }"
awk -v r="$rule" '{ print } /^\t\tscepauth$/ { print "\t\t" r }' check.good >"$check"
awk -v r="$rule" '{ print } /Post-Auth-Type REJECT \{/ { print "\t\t\t" r }
	/^\t\tscepauth_only_eap/ { print "\t\tif (\"%{scepauth:reason}\" != \"no_verdict\") {\n\t\t\treject\n\t\t}" }' outer.good >"$outer"
t_stop radius
t_start radius
eapol_run sam.conf
t_is "accept, after rounds without a verdict" "$EAP_RESULT" accept
t_like "every word of it" "$(eapol_attr 'Attribute 18 ')" \
	"said accept ok sam $serial students 30 none [1-9][0-9]* [1-9][0-9]* sa1:[0-9a-f]{32} unknown_word"
redis_as "$HELPDESK_NAME" FCALL suspend_user 0 sam "for a rule" >/dev/null
eapol_run sam.conf
t_like "of a reject too" "$(eapol_attr 'Attribute 18 ')" "said reject user_held sam $serial none none none 0 [1-9][0-9]* none unknown_word"
redis_as "$HELPDESK_NAME" FCALL restore_user 0 sam >/dev/null
# shellcheck disable=SC2317
counted() { grep -qxF "scepauth_verdicts_total{instance=\"scepauth\",reason=\"$1\"} $2" radius.prom; }
t_ok "an accept is counted for Prometheus while the server runs" t_wait 30 counted ok 1
t_ok "and a reject by its reason" t_wait 30 counted user_held 1
cp check.good "$check"
cp outer.good "$outer"
t_stop radius
t_like "so are the questions to Redis" "$(cat radius.prom)" 'scepauth_lookup_seconds_count\{instance="scepauth"\} 2'
t_like "a broken connection to Redis is told apart" "$(cat radius.prom)" 'scepauth_backend_errors_total\{instance="scepauth",kind="down"\} 0'
t_is "for node_exporter, which is another user" "$(stat -c %a radius.prom)" 644
t_start radius

# --- an access point that falls silent -----------------------------------------------------------------------
sed -i 's/^\tinterim = .*/\tinterim = 2/' "$SCEPAUTH_DIR/raddb/mods-available/scepauth"
t_stop radius
t_start radius
eapol_run sam.conf
class=$(eapol_text 'Attribute 25 ')
token=${class#sa1:}
# shellcheck disable=SC2317 # called by t_wait
ends_in() { (($(redis_as installer TTL "session:$1") <= $2)); }
# shellcheck disable=SC2317
is_there() { [[ $(redis_as installer EXISTS "session:$1") == 1 ]]; }
t_ok "a connection is noted" t_wait 20 is_there "$token"
t_not "and counts for as long as it may, where nothing is accounted" ends_in "$token" 60
account Start "Class = 0x$(printf %s "$class" | xxd -p | tr -d '\n')" 'Acct-Session-Id = "5B2-79"' >/dev/null
t_ok "after Accounting-Start it is expected to be told of again" t_wait 20 ends_in "$token" 6
began=$(date +%s)
for _ in 1 2 3 4 5 6 7 8; do
	account Interim-Update "Class = 0x$(printf %s "$class" | xxd -p | tr -d '\n')" 'Acct-Session-Id = "5B2-79"' >/dev/null
	sleep 1
done
t_ok "while updates come it lives on ($(($(date +%s) - began)) s)" is_there "$token"
t_ok "three that did not come, and it is over" t_wait 60 eval '! is_there "$token"'
t_is "nobody is on the network" "$(ctl --json sessions sam | jq --arg t "$token" '[.sessions[] | select(.token == $t)] | length')" 0
sed -i 's/^\tinterim = .*/\tinterim = 0/' "$SCEPAUTH_DIR/raddb/mods-available/scepauth"
t_stop radius
t_start radius

# --- nothing waits for the notes -----------------------------------------------------------------------------
redis_as installer ACL SETUSER radius -fcall >/dev/null
for _ in 1 2 3; do eapol_run sam.conf; done
t_is "devices get in while the ledger takes no notes" "$EAP_RESULT" accept
t_ok "and the server ends all the same" t_stop radius
redis_as installer ACL LOAD >/dev/null
sed -i 's/^\tnotes = .*/\tnotes = 0/' "$SCEPAUTH_DIR/raddb/mods-available/scepauth"
t_start radius
before=$(count)
t_ok "with notes = 0 a device gets in" eapol_run sam.conf
t_stop radius
t_is "and nothing is noted" "$(count)" "$before"
sed -i 's/^\tnotes = .*/\tnotes = 65537/' "$SCEPAUTH_DIR/raddb/mods-available/scepauth"
t_like "more than may wait is refused" "$(env "${T_RADIUS_ENV[@]}" freeradius -XC -d "$SCEPAUTH_DIR/raddb" 2>&1)" 'notes = 65537 is out of range'
t_done
