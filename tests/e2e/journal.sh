#!/usr/bin/env bash
# The CA's journal on real parts: what is in it, that it is checked, that the CA issues nothing without it,
# and that a crash at any step of an enrolment (scep_ca built with FAULT=1) loses and invents nothing.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
[[ -x $tool ]] || t_bail "no $tool: make units"
ctl=$SCEPAUTH_BIN/scepctl
journal=$SCEPAUTH_DIR/journal
first=$journal/00000000000000000001.journal
url=$SCEP_URL/scep/students
ra=$SCEPAUTH_DIR/ca/students/ra.pem
w=$T_DIR/w
mkdir -p "$w"
cd "$w" || exit 1

jl() { "$ctl" -c "$SCEPAUTH_CONF" journal "$@"; }
code() { "$@" >/dev/null 2>&1 && echo 0 || echo $?; }
as_ca() { REDISCLI_AUTH=$(cat "$SCEPAUTH_DIR/secrets/redis-ca") redis-cli -s "$SCEPAUTH_DIR/run/redis.sock" --user ca --no-auth-warning "$@"; }
# enrol CHALLENGE [MAX_SECONDS]: with a key of its own; leaves PKI_STATUS ("" without a reply) and cert.der
enrol() {
	"$tool" request "$ra" "key.$1" request.der challenge="$1" >tool.out 2>&1 || t_note "$(cat tool.out)"
	rm -f reply.der cert.der
	PKI_STATUS=
	HTTP=$(curl -s -m "${2:-10}" -o reply.der -w '%{http_code}' --data-binary @request.der "$url?operation=PKIOperation") || return 0
	PKI_STATUS=$("$tool" reply "$ra" "key.$1" reply.der cert.der 2>/dev/null | sed -n 's/^status=//p')
}
serial_of() { openssl x509 -inform der -in "$1" -noout -serial | sed 's/serial=//' | tr A-F a-f; }
types_of() { jl export | jq -r --arg s "$1" 'select(.fields.serial == $s) | .type' | xargs; }

# --- what is in it ---------------------------------------------------------------------------------
t_start ca
challenge=$("$tool" mint "$SCEPAUTH_CONF" students login=sam)
enrol "$challenge"
t_is "a device enrols" "$PKI_STATUS" 0
serial=$(serial_of cert.der)
t_like "intent, then issued" "$(types_of "$serial")" '^intent issued'
t_is "the certificate is in it, byte for byte" \
	"$(jl export | jq -r --arg s "$serial" 'select(.type == "issued" and .fields.serial == $s) | .fields.der' | base64 -d | sha256sum)" \
	"$(sha256sum <cert.der)"
t_is "whose it is" "$(jl export --from 2 | jq -r 'select(.type == "intent") | .fields.profile' | head -n 1)" students
t_like "show: a line for each record" "$(jl show | head -n 1)" '^1 20[0-9-]+T[0-9:]+Z opened version='
t_like "verify" "$(jl verify)" '^[0-9]+ records in 1 files, .*head [0-9a-f]{64}$'
t_is "verify as JSON" "$(jl verify --json | jq -c '[.good, .torn, .damage]')" '[true,0,""]'
t_is "verify begins at the beginning" "$(code jl verify --from 2)" 2
t_like "on a terminal nothing is left of the progress" "$(script -qec "'$ctl' -c '$SCEPAUTH_CONF' journal verify" /dev/null | tr -d '\r' | tail -n 1)" '^head [0-9a-f]{64}$'
t_not "no challenge in it" grep -qa "$challenge" "$first"
t_is "mode of the file" "$(stat -c %a "$first")" 600
t_is "one writer" "$(code "$SCEPAUTH_BIN/scep_ca" -c "$SCEPAUTH_CONF")" 1
t_stop ca >/dev/null
t_is "an orderly end notes what was committed" "$(types_of "$serial")" "intent issued committed"

# --- damage ----------------------------------------------------------------------------------------
cp -a "$journal" backup
size=$(stat -c %s "$first")
missed=0
for ((i = 0; i < size; i += 97)); do
	t_flip "backup/${first##*/}" "$i"
	[[ $(code jl verify --dir backup) == 1 ]] || missed=$((missed + 1))
	t_flip "backup/${first##*/}" "$i"
done
t_is "a changed byte is found wherever it is" "$missed" 0
t_is "and the copy is good again" "$(code jl verify --dir backup)" 0
t_flip "$first" 100
t_like "damage is told with file, byte and record" "$(jl verify 2>&1)" '0001.journal is damaged at byte 0, after record 0'
t_is "in JSON too" "$(jl verify --json 2>/dev/null | jq -c '[.good, .offset, (.damage | length > 0)]')" '[false,0,true]'
t_like "the CA does not start" "$("$SCEPAUTH_BIN/scep_ca" -c "$SCEPAUTH_CONF" 2>&1)" 'is damaged at byte 0'
t_flip "$first" 100
printf 'SJ1\n\0\0' >>"$first"
t_is "a torn end is told" "$(code jl verify)" 1
t_start ca
t_like "and cut by the CA, which says so" "$(cat "$CA_LOG")" 'ended in 6 bytes of a record that was never finished'
t_is "then all is well" "$(code jl verify)" 0
t_stop ca >/dev/null

# --- no room, no folder ----------------------------------------------------------------------------
limited() { (
	ulimit -f $(($(stat -c %s "$first") / 1024 + 2))
	exec "$SCEPAUTH_BIN/scep_ca" -c "$SCEPAUTH_CONF" >limited.log 2>&1
) & }
limited
pid=$!
t_wait 10 grep -q ready limited.log || t_note "$(cat limited.log)"
for n in 1 2; do # what is left of the limit may take one more
	challenge=$("$tool" mint "$SCEPAUTH_CONF" students login=full$n)
	enrol "$challenge"
done
t_like "a full disk: refused" "$HTTP$PKI_STATUS" '^(503|200[^0])'
t_like "and one line says why" "$(cat limited.log)" 'no room for the journal'
kill "$pid"
wait "$pid" 2>/dev/null
t_is "the journal is whole" "$(code jl verify)" 0
t_start ca
enrol "$challenge"
t_is "with room again the same challenge is good" "$PKI_STATUS" 0
t_stop ca >/dev/null
mv "$journal" "$journal.away"
t_like "without its folder the CA does not start" "$("$SCEPAUTH_BIN/scep_ca" -c "$SCEPAUTH_CONF" 2>&1)" 'journal folder .*mkdir'
t_like "check says so" "$("$ctl" check "$SCEPAUTH_DIR" 2>&1)" 'journal'
mv "$journal.away" "$journal"

# --- a clock that was ahead ------------------------------------------------------------------------
if t_faketime; then
	t_ok "a record is written a year ahead" faketime -f +365d "$ctl" -c "$SCEPAUTH_CONF" journal accept-clock
	t_start ca
	t_is "accept-clock waits for the CA to stop" "$(code jl accept-clock)" 1
	challenge=$("$tool" mint "$SCEPAUTH_CONF" students login=clock)
	enrol "$challenge"
	t_is "behind the journal: nothing is issued" "$HTTP" 503
	t_like "a line says why" "$(cat "$CA_LOG")" "nothing is issued: the clock says $(date -u +%Y)"
	t_is "and an event" "$(grep -c '"event":"clock_behind"' "$CA_LOG")" 1
	enrol "$challenge"
	t_is "the event once" "$(grep -c '"event":"clock_behind"' "$CA_LOG")" 1
	t_stop ca >/dev/null
	t_ok "accept-clock" jl accept-clock
	t_start ca
	enrol "$challenge"
	t_is "then the same challenge is good" "$PKI_STATUS" 0
	t_stop ca >/dev/null
else
	t_skip "a clock that was ahead" "no faketime, or not with the sanitizers"
fi

# --- an old state of Redis -------------------------------------------------------------------------
t_start ca
challenge=$("$tool" mint "$SCEPAUTH_CONF" students login=old)
enrol "$challenge"
old=$(serial_of cert.der)
t_stop redis >/dev/null
cp -a "$SCEPAUTH_DIR/redis/data" data.old
t_start redis
challenge=$("$tool" mint "$SCEPAUTH_CONF" students login=lost)
enrol "$challenge"
t_is "issued after the backup" "$PKI_STATUS" 0
lost=$(serial_of cert.der)
t_stop ca redis >/dev/null
rm -r "$SCEPAUTH_DIR/redis/data"
cp -a data.old "$SCEPAUTH_DIR/redis/data"
t_start redis
challenge=$("$tool" mint "$SCEPAUTH_CONF" students login=later)
t_start ca
enrol "$challenge"
t_is "an old state of Redis: nothing is issued" "$HTTP" 503
t_like "and a line says what is lost and what to do" "$(tail -n 12 "$CA_LOG")" 'an old state was restored; .*scepctl reconcile'
rec() { "$ctl" -c "$SCEPAUTH_CONF" reconcile "$@"; }
t_like "reconcile waits for the CA to stop" "$(rec 2>&1)" 'stop it first'
t_stop ca >/dev/null
before=$(sha256sum <"$first")
t_is "reconcile --dry-run counts" "$(rec --dry-run --json | jq -c '[.lost, .revoked]')" '[1,false]'
t_is "and changes nothing" "$(sha256sum <"$first")" "$before"
t_like "reconcile" "$(rec)" '1 of them lost by the ledger and revoked'
t_is "what was lost is revoked" "$(as_ca HEXISTS revoked "$lost")" 1
t_is "what was not is not" "$(as_ca HEXISTS revoked "$old")$(as_ca HGET "cert:$old" state)" 0active
t_is "once more: nothing is left" "$(rec --json | jq .lost)" 0
t_is "and the store is in a new epoch" "$(as_ca HMGET meta epoch state | paste -sd ' ')" '2 ready'
t_start ca
enrol "$challenge"
t_is "then the CA goes on" "$PKI_STATUS" 0
t_is "the journal is good" "$(code jl verify)" 0
t_stop ca >/dev/null

# --- crashes ---------------------------------------------------------------------------------------
# Whatever was interrupted: every serial that was drawn has an intent, the ledger has no certificate as
# active that the journal has not as issued, and a device that tries again has exactly one.
check_all() { # TEXT
	local bad=0 s state=
	jl export >all.json
	while read -r s; do
		state=$(as_ca HGET "cert:$s" state)
		if [[ $state == active ]]; then
			jq -se --arg s "$s" 'any(.type == "issued" and .fields.serial == $s)' all.json >/dev/null || bad=$((bad + 1))
		fi
	done < <(jq -r 'select(.type == "intent") | .fields.serial' all.json)
	t_is "$1: nothing is active that was not issued" "$bad" 0
	t_is "$1: nothing is issued without an intent" \
		"$(jq -rs '([.[] | select(.type == "issued") | .fields.serial] - [.[] | select(.type == "intent") | .fields.serial]) | length' all.json)" 0
	t_is "$1: the journal is good" "$(code jl verify)" 0
}
actives() { # TICKET_HASH: how many active, unrevoked certificates came from it
	local s n=0
	while read -r s; do
		[[ $(as_ca HGET "cert:$s" state) == active && $(as_ca HEXISTS revoked "$s") == 0 ]] && n=$((n + 1))
	done < <(jl export | jq -r --arg t "$1" 'select(.type == "intent" and .fields.ticket == $t) | .fields.serial')
	echo "$n"
}
crash() { # POINT N
	local challenge
	challenge=$("$tool" mint "$SCEPAUTH_CONF" students login="crash-$1")
	SCEPAUTH_BIN=$fault SCEPAUTH_FAULT=$1:1 t_start ca
	enrol "$challenge"
	t_is "$1: no certificate left" "$PKI_STATUS" ""
	t_stop ca >/dev/null # the first process may still be collecting the dead
	t_start ca
	enrol "$challenge"
	t_is "$1: the device tries again" "$PKI_STATUS" 0
	t_is "$1: one active certificate" "$(actives "$(printf %s "$challenge" | sha256sum | cut -d' ' -f1)")" 1
	t_is "$1: the one it has" "$(as_ca HGET "cert:$(serial_of cert.der)" state)" active
	check_all "$1"
	t_stop ca >/dev/null
	t_is "$1: nothing is left unfinished" "$(jl export | jq -rs '[.[] | select(.type == "intent") | .fields.serial]
		- [.[] | select(.type == "committed" or .type == "aborted") | .fields.serial] | length')" 0
}
fault=$SCEPAUTH_BIN
if ! grep -qa SCEPAUTH_FAULT "$fault/scep_ca"; then
	fault=$T_TOP/build/fault/bin
	mkdir -p "$T_TOP/build"
	flock "$T_TOP/build/fault.lock" make -s -C "$T_TOP" FAULT=1 BUILD=build/fault build/fault/bin/scep_ca >fault.log 2>&1 || t_note "$(cat fault.log)"
fi
t_ok "scep_ca with fault points" grep -qa SCEPAUTH_FAULT "$fault/scep_ca"
for point in drawn intent claimed signed issued committed; do crash "$point"; done
t_done
