#!/usr/bin/env bash
# docs/RESTORE.md, word by word, on real parts: Redis emptied, an old copy of it restored, the journal lost. Who was
# good gets in afterwards by eapol_test; who was revoked or held before the loss does not.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis ca
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
[[ -x $tool ]] || t_bail "no $tool: make units"
w=$T_DIR/w
mkdir -p "$w"
sed -i 's/^\treject_delay = 1$/\treject_delay = 0/' "$SCEPAUTH_DIR/raddb/radiusd.conf"
t_start radius

ctl() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" "$@" 2>&1; }
desk() { REDISCLI_AUTH=$HELPDESK_PASSWORD redis-cli -s "$REDIS_SOCKET" --user "$HELPDESK_NAME" "$@" 2>&1; }
code_for() { "$tool" mint "$SCEPAUTH_CONF" students login="$1"; }
enrol() { # LOGIN [CODE]
	scep_enrol "$w/$1" students "${2:-$(code_for "$1")}" >"$w/$1.log" 2>&1 || return 1
	eapol_conf "$w/$1.conf" "$w/$1/cert.pem" "$w/$1/key.pem"
}
serial() { cert_serial "$w/$1/cert.pem"; }
user_of() { redis_as installer HGET "cert:$(serial "$1")" user; }
in_journal() { [[ $(ctl journal export | jq -c "select(.type == \"$1\") | select(.fields.$2 == \"$3\")" | wc -l) -ge 1 ]]; }

log_from=1
reason() { tail -c "+$log_from" "$RADIUS_LOG" | sed -n 's/.*scepauth: reject reason=\([a-z_]*\) .*/\1/p' | paste -sd' '; }
connect() { # LOGIN: what becomes of it; a machine with other work is asked again
	for _ in {1..10}; do
		log_from=$(($(stat -c %s "$RADIUS_LOG") + 1))
		eapol_run "$w/$1.conf" || true
		[[ $EAP_RESULT != accept ]] || return 0
		EAP_RESULT="$EAP_RESULT $(reason)"
		[[ $EAP_RESULT == *backend_timeout* || $EAP_RESULT == *backend_down* || $EAP_RESULT == none* ]] || return 0
		sleep 0.5
	done
}
gets() { # TEXT LOGIN RESULT
	connect "$2"
	t_is "$1" "$EAP_RESULT" "$3" || t_note "$(tail -n 5 "$RADIUS_LOG")"
}
opens() { connect "$1" && [[ $EAP_RESULT == accept ]]; }
# The keys that the journal answers for, with all their fields; times of two clocks, and what it does not know, apart.
dump() {
	local k
	for k in 'cert:*' 'ucerts:*' 'user:*' 'login:*' 'device:*' 'udevices:*' revoked 'hold:*' keyowners; do redis_as installer --scan --pattern "$k"; done |
		sort -u | while read -r k; do
		case $k in
		ucerts:* | udevices:*) redis_as installer ZRANGE "$k" 0 -1 WITHSCORES | paste -sd' ' ;;
		*) redis_as installer HGETALL "$k" | paste -d= - - | grep -vE '^(reserved|committed)=' | sort | paste -sd' ' ;;
		esac | sed "s/^/$k /"
	done
}

# --- before --------------------------------------------------------------------------------------------
alice_code=$(code_for alice)
enrol alice "$alice_code" || t_bail "alice is not enrolled: $(cat "$w/alice.log")"
for name in bob carl; do enrol $name || t_bail "$name is not enrolled: $(cat "$w/$name.log")"; done
unused=$(code_for alice)
t_stop redis >/dev/null
cp -a "$SCEPAUTH_DIR/redis/data" "$w/old" # the copy that somebody will restore one day
t_start redis
t_wait 20 enrol dora || t_bail "dora is not enrolled: $(cat "$w/dora.log")"
desk FCALL revoke_cert 0 "$(serial bob)" 'keyCompromise: stolen' >/dev/null
desk FCALL suspend_user 0 carl 'odd traffic' >/dev/null
t_ok "revocation and hold come into the journal" t_wait 30 in_journal revoked id "$(serial bob)"
t_wait 30 in_journal held user "$(user_of carl)"
t_wait 20 opens alice
gets "the good device gets in" alice accept
gets "so does one of after the copy" dora accept
gets "the revoked one does not" bob "reject cert_revoked"
gets "nor the held one" carl "reject user_held"
dump >"$w/before"

# --- Redis is lost -------------------------------------------------------------------------------------
t_stop redis >/dev/null
rm -rf "$SCEPAUTH_DIR/redis/data"
mkdir -m 700 "$SCEPAUTH_DIR/redis/data"
t_start redis
connect alice
t_like "an empty Redis lets nobody in" "$EAP_RESULT" '^reject '
gets "nor the revoked one" bob "$EAP_RESULT"
enrol erin
t_not "and nothing is issued" test -s "$w/erin/cert.pem"
t_like "rebuild --dry-run counts while the CA runs" "$(ctl rebuild --dry-run)" \
	'certificates +4 in the journal, +4 lacking.*nothing was changed'
t_is "and changes nothing" "$(redis_as installer DBSIZE)" 0
t_like "rebuild waits for the CA to stop" "$(ctl rebuild)" 'scep_ca is running.*stop it first'
t_stop ca >/dev/null
cp -a "$SCEPAUTH_DIR/journal/acknowledged" "$w/note"
read -r store epoch head <"$w/note"
echo "$store $epoch $((head + 100))" >"$SCEPAUTH_DIR/journal/acknowledged"
t_like "an old copy of the journal is not taken for the newest" "$(ctl rebuild)" "had record $((head + 100)) .*newest state back.*--old-journal"
t_is "and nothing is put back" "$(redis_as installer DBSIZE)" 0
t_like "unless somebody says that it is lost for good" "$(ctl rebuild --old-journal --dry-run)" 'certificates +4 in the journal'
cp -a "$w/note" "$SCEPAUTH_DIR/journal/acknowledged"
ended=0 killed=0
for after in 0.01 0.02 0.03 0.04 0.05 0.06 0.07; do
	redis_as installer FLUSHALL >/dev/null
	"$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" rebuild >/dev/null 2>&1 &
	sleep "$after"
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
	[[ $(redis_as installer HGET meta state) == ready ]] || ((++killed))
	ctl rebuild >"$w/again" || [[ $(<"$w/again") == *"not empty"* ]] || t_note "$(<"$w/again")"
	[[ $(redis_as installer HGET meta state) != ready ]] || ((++ended))
done
t_is "killed anywhere, the same command again ends it (killed before the end: $killed)" "$ended" 7
redis_as installer HSET meta state suspect head 0 >/dev/null
redis_as installer DEL "cert:$(serial alice)" >/dev/null
t_like "also when it was killed just before the end" "$(ctl rebuild)" 'certificates +4 in the journal, +1 put back'
redis_as installer FLUSHALL >/dev/null
out=$(ctl rebuild)
t_like "rebuild" "$out" 'certificates +4 in the journal, +4 put back'
t_like "says how many of each" "$out" 'revocations +1 .* 1 put back.*holds +1 .* 1 put back.*people +4 .*devices +5 '
t_like "and what the journal has not" "$out" 'Not in the journal.*sessions'
dump >"$w/after"
t_ok "Redis has the same as before" diff "$w/before" "$w/after"
t_is "with the helpdesk's own names" "$(redis_as installer HGET actors "$HELPDESK_NAME")" helpdesk
t_is "and no actor that is none" "$(redis_as installer HKEYS actors | sort | paste -sd' ')" \
	"$(printf '%s\n' auto_revoke ca disconnect front gc "$HELPDESK_NAME" portal radius | sort | paste -sd' ')"
t_start ca
t_wait 20 opens alice
gets "the good device gets in again" alice accept
gets "the later one too" dora accept
gets "the revoked one does not" bob "reject cert_revoked"
gets "nor the held one" carl "reject user_held"
t_like "with the words of who revoked it" "$(ctl why "$(serial bob)")" "REVOKED .*$HELPDESK_NAME.*keyCompromise: stolen"
t_ok "and the CA issues again" t_wait 30 enrol erin
cp -a "$w/alice" "$w/thief" && rm -f "$w/thief/cert.pem" "$w/thief/key.pem"
enrol thief "$alice_code"
t_not "a code that was used stays used" test -s "$w/thief/cert.pem"
enrol thief "$unused"
t_not "one that was not used is gone: a new one is needed" test -s "$w/thief/cert.pem"
t_like "a rebuild of a Redis that is not empty is refused" "$(t_stop ca >/dev/null; ctl rebuild)" 'Redis is not empty.*--merge'
t_is "with --merge it finds nothing to do" "$(ctl rebuild --merge --json | jq -c '[.[] | objects | .put_back] | add')" 0
desk FCALL restore_user 0 carl >/dev/null
t_start ca
gets "the helpdesk lifts its hold as ever" carl accept
desk FCALL suspend_user 0 carl 'once more' >/dev/null
t_ok "and sets it" t_wait 30 in_journal held reason 'once more'

# --- an old copy of Redis ------------------------------------------------------------------------------
old_copy() {
	t_stop redis >/dev/null
	rm -rf "$SCEPAUTH_DIR/redis/data"
	cp -a "$w/old" "$SCEPAUTH_DIR/redis/data"
	t_start redis
}
old_copy
t_ok "the CA sees that an old copy was restored" t_wait 100 grep -q "lost the revocation of $(serial bob)" "$CA_LOG"
enrol frank
t_not "with an old copy nothing is issued" test -s "$w/frank/cert.pem"
t_stop ca >/dev/null
t_start ca
t_ok "and an alarm says what is missing and what to type" t_wait 60 grep -qE "\"ledger_incomplete\".*\"revocations\":\"1\",\"certificates\":\"2\".*rebuild --merge" "$CA_LOG"
t_stop ca >/dev/null
t_like "rebuild --merge adds what it lacks" "$(ctl rebuild --merge)" 'certificates +5 in the journal, +2 put back'
t_start ca
t_wait 20 opens alice
gets "old copy, --merge: the good one gets in" alice accept
gets "one that the copy did not know, too" dora accept
gets "the revoked one does not" bob "reject cert_revoked"
gets "nor the held one" carl "reject user_held"
t_ok "and the CA issues again" t_wait 30 enrol frank

old_copy
t_stop ca >/dev/null
t_like "reconcile gives up what it lacks" "$(ctl reconcile)" '3 of them lost by the ledger and revoked'
t_start ca
t_wait 20 opens alice
gets "old copy, reconcile: the good one gets in" alice accept
gets "the revoked one does not" bob "reject cert_revoked"
gets "nor the held one" carl "reject user_held"
connect dora
t_like "one that the copy did not know must enrol again" "$EAP_RESULT" '^reject '
rm -rf "$w/dora"
t_ok "and can" t_wait 30 enrol dora
gets "and gets in" dora accept

# --- the CA's machine ----------------------------------------------------------------------------------
t_wait 30 in_journal issued serial "$(serial dora)"
cp -a "$SCEPAUTH_DIR/journal" "$w/journal.copy"
t_stop ca radius redis >/dev/null
tar -C "$SCEPAUTH_DIR" --exclude=./journal --exclude=./redis/data --exclude=./log --exclude=./run -cpf "$w/offline.tar" .
mv "$SCEPAUTH_DIR" "$T_DIR/lost"
mkdir -m 700 "$SCEPAUTH_DIR"
tar -C "$SCEPAUTH_DIR" -xpf "$w/offline.tar"
mkdir -m 700 "$SCEPAUTH_DIR/log" "$SCEPAUTH_DIR/run" "$SCEPAUTH_DIR/redis/data"
cp -a "$w/journal.copy" "$SCEPAUTH_DIR/journal"
t_unlike "another machine: scepctl check finds nothing missing" "$(ctl check "$SCEPAUTH_DIR")" '(missing|not there|open to)'
t_start redis
t_is "rebuild" "$(ctl rebuild --json | jq -c "[.certificates | .journal, .put_back]")" "[7,7]"
t_like "status" "$(ctl status)" 'ready'
t_start ca radius
t_wait 20 opens alice
gets "the good one gets in" alice accept
gets "the last one too" dora accept
gets "the revoked one does not" bob "reject cert_revoked"
gets "nor the held one" carl "reject user_held"
t_ok "and the CA issues" t_wait 30 enrol grace

# --- the journal ---------------------------------------------------------------------------------------
t_stop ca >/dev/null
mv "$SCEPAUTH_DIR/journal" "$T_DIR/journal.lost"
gets "without the CA and its journal connections go on" alice accept
cp -a "$w/journal.copy" "$SCEPAUTH_DIR/journal"
t_like "rebuild does not go on with an old copy of it" "$(ctl rebuild --merge)" "older than Redis.*--old-journal"
rm -rf "$SCEPAUTH_DIR/journal"
mkdir -m 700 "$SCEPAUTH_DIR/journal"
t_like "a new journal is not taken for the old one" "$(ctl reconcile)" "older than Redis.*--old-journal"
t_ok "unless somebody says so" ctl reconcile --old-journal
t_start ca
t_ok "a new journal: the CA issues" t_wait 30 enrol heidi
t_ok "and knows who is revoked" t_wait 30 in_journal revoked id "$(serial bob)"
t_wait 20 opens heidi
gets "and that gets in" heidi accept
gets "those of before do" alice accept
gets "the revoked one does not" bob "reject cert_revoked"
desk FCALL revoke_cert 0 "$(serial alice)" 'superseded: new device' >/dev/null
gets "and can be revoked" alice "reject cert_revoked"

t_done
