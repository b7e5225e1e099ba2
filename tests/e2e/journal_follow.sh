#!/usr/bin/env bash
# What anybody does in Redis comes into the CA's journal, once, and stays there; lists and answers about revocation
# go on when Redis is stopped or emptied.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30 --cdp)
t_instance redis
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
[[ -x $tool ]] || t_bail "no $tool: make units"
ctl=$SCEPAUTH_BIN/scepctl
w=$T_DIR/w
mkdir -p "$w"
cd "$w" || exit 1

jl() { "$ctl" -c "$SCEPAUTH_CONF" journal "$@"; }
desk() { REDISCLI_AUTH=$HELPDESK_PASSWORD redis-cli -s "$REDIS_SOCKET" --user "$HELPDESK_NAME" "$@" 2>&1; }
enrol() { scep_enrol "$w/$1" students "$("$tool" mint "$SCEPAUTH_CONF" students login="$1")" >/dev/null || t_bail "$1 is not enrolled"; }
# facts TYPE [KEY=VALUE...]: how many records of this type have these fields
facts() {
	local type=$1 f want='true'
	shift
	for f in "$@"; do want="$want and .fields.${f%%=*} == \"${f#*=}\""; done
	jl export | jq -c "select(.type == \"$type\") | select($want)" | wc -l
}
has() { [[ $(facts "$@") -ge 1 ]]; }
user_of() { jl export | jq -r --arg s "$1" 'select(.type == "intent" and .fields.serial == $s) | .fields.user'; }

t_start ca
for name in alice bob carl dora; do enrol $name; done
alice=$(cert_serial alice/cert.pem) bob=$(cert_serial bob/cert.pem) carl=$(cert_serial carl/cert.pem)
dora=$(cert_serial dora/cert.pem)
id=$(user_of "$alice")

# --- people and devices -----------------------------------------------------------------------------
t_is "a person is in the journal before the certificate" \
	"$(jl export | jq -r --arg s "$alice" --arg u "$id" 'select(.fields.serial == $s or .fields.user == $u) | .type' | head -n 2 | xargs)" \
	"person intent"
record=$(jl export | jq -r --arg u "$id" 'select(.type == "person" and .fields.user == $u) | .fields.record' | tail -n 1)
t_is "with what Redis has of them" "$(jq -r .login <<<"$record")" alice
t_is "and the login" "$(jl export | jq -r --arg u "$id" 'select(.type == "person" and .fields.user == $u) | .fields.logins' | tail -n 1)" \
	'["local:alice"]'
t_is "each once" "$(facts person user="$id")" 1
device=$(jl export | jq -r --arg s "$alice" 'select(.type == "intent" and .fields.serial == $s) | .fields.device')
t_is "and the device" "$(jl export | jq -r --arg d "$device" 'select(.type == "device" and .fields.device == $d) | .fields.record' | jq -r .owner)" "$id"
t_unlike "nothing that is secret" "$(jl export | jq -r 'select(.type == "person" or .type == "device") | .fields.record')" '[Pp]assword|challenge|\$y\$'

# --- revocations and holds --------------------------------------------------------------------------
began=$(date +%s%N)
desk FCALL revoke_cert 0 "$alice" 'keyCompromise: stolen' >/dev/null
t_wait 20 has revoked id="$alice"
t_note "from redis-cli to the journal: $((($(date +%s%N) - began) / 1000000)) ms, with starting the tools"
t_is "a revocation, with who and why" "$(facts revoked id="$alice" actor="$HELPDESK_NAME" 'reason=keyCompromise: stolen')" 1
desk HSETNX revoked "$bob" 'by hand' >/dev/null
t_wait 90 has revoked id="$bob"
t_is "one that was typed without a Function" "$(facts revoked id="$bob" at=0 'reason=by hand')" 1
by_hand() { grep -h '^{' "$CA_LOG" | jq -s --arg s "$1" 'map(select(.event == "revoked_by_hand" and .serial == $s)) | length'; }
t_ok "it is in the audit trail" t_wait 20 eval "[[ \$(by_hand $bob) == 1 ]]"
t_is "with what was typed" "$(grep -h '^{' "$CA_LOG" | jq -r --arg s "$bob" 'select(.event == "revoked_by_hand" and .serial == $s) | .record + " " + .counts')" "by hand yes"
t_is "what a Function revoked is not" "$(by_hand "$alice")" 0
typo=$(sed 's/../&:/g; s/:$//' <<<"$bob")
desk HSETNX revoked "$typo" 'copied from a browser' >/dev/null
t_ok "a spelling that revokes nothing is said" t_wait 90 eval "[[ \$(by_hand $typo) == 1 ]]"
t_is "as such" "$(grep -h '^{' "$CA_LOG" | jq -r --arg s "$typo" 'select(.event == "revoked_by_hand" and .serial == $s) | .counts')" no
desk FCALL suspend_user 0 carl 'odd traffic' >/dev/null
t_wait 20 has held source=helpdesk user="$(user_of "$carl")"
t_is "a hold" "$(facts held source=helpdesk user="$(user_of "$carl")" 'reason=odd traffic')" 1
desk FCALL restore_user 0 carl >/dev/null
t_wait 20 has restored source=helpdesk user="$(user_of "$carl")"
t_is "and its end, with who lifted it" "$(facts restored user="$(user_of "$carl")" actor="$HELPDESK_NAME")" 1
desk FCALL suspend_user 0 carl 'again' >/dev/null
t_wait 20 has held 'reason=again'

# --- never twice, and nothing is missed while the CA is down ------------------------------------------
# The first certificate of somebody and the follower may write the same person at once, which changes nothing.
n_facts() { jl export | jq -r '.type' | grep -cE '^(revoked|held|restored|person|device)$'; }
before=$(n_facts)
t_stop ca >/dev/null
t_start ca
sleep 1
t_is "a new start writes nothing again" "$(n_facts)" "$before"
t_stop ca >/dev/null
desk FCALL revoke_cert 0 "$dora" 'while the CA is down' >/dev/null
desk FCALL restore_user 0 carl >/dev/null
t_start ca
t_wait 20 has revoked id="$dora"
t_is "what was revoked while the CA was down" "$(facts revoked id="$dora" 'reason=while the CA is down')" 1
t_wait 20 eval '[[ $(facts restored user="$(user_of "$carl")") == 2 ]]'
t_is "what was lifted meanwhile" "$(facts restored user="$(user_of "$carl")")" 2
t_like "the journal is good" "$(jl verify)" '^[0-9]+ records'

# --- Redis stopped ------------------------------------------------------------------------------------
issuer=$SCEPAUTH_DIR/ca/students/issuing.pem
enrol erin
erin=$(cert_serial erin/cert.pem)
crl() { # leaves now.crl; CRL number, then the serials, each with its reason or "none"
	curl -s -m 20 -f -o now.crl "$SCEP_URL/crl/students.crl" || return 1
	openssl crl -inform der -in now.crl -noout -verify -CAfile "$issuer" >/dev/null 2>&1 || return 1
	openssl crl -inform der -in now.crl -noout -crlnumber | sed 's/.*=\(0x\)\?//'
	openssl crl -inform der -in now.crl -noout -text | awk '
		/Serial Number:/ { if (s) print s, r; s = tolower($3); r = "none" }
		want { sub(/^ */, ""); gsub(/ /, "_"); r = $0; want = 0 }
		s && /Reason Code/ { want = 1 }
		END { if (s) print s, r }'
}
listed() { crl | grep -qx "$1 $2"; }
ocsp() { # CERT: good, revoked, unknown, or what else was said
	local out
	out=$(openssl ocsp -issuer "$issuer" -cert "$1" -url "$SCEP_URL/ocsp" -CAfile "$ROOT_CERT" -verify_other "$issuer" 2>&1)
	sed -n "s|^$1: ||p; s/^Responder Error: //p" <<<"$out"
}
t_ok "the CRL has what the helpdesk revoked" t_wait 20 listed "$alice" Key_Compromise
number=$(crl | head -n 1)
desk FCALL revoke_cert 0 "$erin" 'superseded: a moment before' >/dev/null
desk FCALL suspend_user 0 carl 'and this one is held' >/dev/null
t_wait 20 has revoked id="$erin"
t_wait 20 has held 'reason=and this one is held'
t_stop redis >/dev/null
t_ok "Redis is stopped: a new CRL has what was revoked a moment before" t_wait 40 listed "$erin" Superseded
t_ok "and who is held" listed "$carl" Certificate_Hold
t_ok "and all that was there" listed "$alice" Key_Compromise
t_ok "also what was typed by hand" listed "$bob" none
stopped=$(crl | head -n 1)
t_ok "its number has grown" test "$((16#$stopped))" -gt "$((16#$number))"
t_is "OCSP: revoked" "$(ocsp erin/cert.pem)" revoked
t_is "OCSP: held" "$(ocsp carl/cert.pem)" revoked
t_stop ca >/dev/null
t_start ca
t_ok "a CA that starts without Redis shows it too" t_wait 40 listed "$erin" Superseded
restarted=$(crl | head -n 1)
t_ok "with a greater number" test "$((16#$restarted))" -gt "$((16#$stopped))"
t_start redis
enrol frank
t_is "OCSP with Redis: good" "$(ocsp frank/cert.pem)" good
t_stop redis >/dev/null
t_is "without: nobody can say good" "$(ocsp frank/cert.pem)" "trylater (3)"
t_start redis
desk FCALL restore_user 0 carl >/dev/null
gone() { ! listed "$1" Certificate_Hold; }
t_ok "a hold that is lifted leaves the CRL" t_wait 40 gone "$carl"

# --- Redis loses something ----------------------------------------------------------------------------
root() { REDISCLI_AUTH=$(cat "$SCEPAUTH_DIR/secrets/redis-installer") redis-cli -s "$REDIS_SOCKET" --user installer "$@" 2>&1; }
log=$SCEPAUTH_DIR/log/ca.log
scep_enrol "$w/dora" students "$("$tool" mint "$SCEPAUTH_CONF" students login=dora)" >/dev/null 2>&1
dora=$(cert_serial dora/cert.pem)
desk FCALL suspend_user 0 dora "until she calls" >/dev/null
held() { [[ $(facts held user="$(user_of "$dora")") == 1 ]]; }
t_ok "a hold" t_wait 40 held
root HDEL revoked "$alice" >/dev/null
back() { [[ $(root HGET revoked "$alice") == *" $HELPDESK_NAME keyCompromise"* ]]; }
t_ok "a revocation that vanishes from Redis is put back, in the words of who made it" t_wait 90 back
t_is "which is an event" "$(root XREVRANGE events:ca + - | grep -c ledger_mended)" 1
t_is "and nobody is kept out for that" "$(root HGET meta state)" ready
redis_as ca FCALL suspect 0 'a test' >/dev/null
root HDEL revoked "$alice" >/dev/null
lost() { grep -q "lost the revocation of $alice" "$log"; }
t_ok "in a Redis that was found to lack something it is told loudly" t_wait 90 lost
t_is "once" "$(grep -c "lost the revocation" "$log")" 1
t_is "it stays revoked for OCSP" "$(ocsp alice/cert.pem)" revoked
t_ok "and on the CRL" listed "$alice" Key_Compromise
scep_enrol "$w/greta" students "$("$tool" mint "$SCEPAUTH_CONF" students login=greta)" >/dev/null 2>&1
t_not "and nothing is issued" test -s greta/cert.pem
t_stop ca >/dev/null
root HDEL hold:helpdesk "$(user_of "$dora")" >/dev/null # and a hold with it
rec() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" reconcile "$@"; }
t_is "reconcile --dry-run finds it" "$(rec --dry-run --json | jq -c "[.lost, .lost_revocations]")" "[0,1]"
t_is "and changes nothing" "$(root HEXISTS revoked "$alice")" 0
t_like "reconcile puts it back" "$(rec)" "1 revocations, 1 holds, 0 people and 0 devices lost by the ledger, or older there; put back"
t_like "in the words of who made it" "$(root HGET revoked "$alice")" "^[0-9]+ $HELPDESK_NAME keyCompromise"
t_like "and the hold" "$(root HGET hold:helpdesk "$(user_of "$dora")")" "^[0-9]+ $HELPDESK_NAME until she calls$"
t_is "once more: nothing is left" "$(rec --json | jq -c "[.lost_revocations, .lost_holds]")" "[0,0]"
t_start ca
scep_enrol "$w/greta" students "$("$tool" mint "$SCEPAUTH_CONF" students login=greta)" >/dev/null 2>&1
t_ok "then the CA issues again" test -s greta/cert.pem
root FLUSHALL >/dev/null
t_ok "an emptied Redis: the CRL still has everything" t_wait 40 listed "$erin" Superseded
t_ok "by hand too" listed "$bob" none
t_ok "and the reasons" listed "$alice" Key_Compromise
t_is "nothing was taken back in the journal" "$(facts restored user="$(user_of "$carl")")" 3

t_done
