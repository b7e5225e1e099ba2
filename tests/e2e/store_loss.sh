#!/usr/bin/env bash
# Redis that was emptied, restored from an old copy, or is another campus', and a journal that is older than Redis:
# nothing is issued and nobody gets in whom the newest state would refuse, until it is repaired.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis ca
sed -i 's/deadline_ms = [0-9]*/deadline_ms = 2000/' "$SCEPAUTH_DIR/raddb/mods-enabled/scepauth" # what is asked here is not how fast
t_start radius
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
[[ -x $tool ]] || t_bail "no $tool: make units"
ctl() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" "$@"; }
jl() { ctl journal "$@"; }
rec() { ctl reconcile "$@" 2>&1; }
root() { REDISCLI_AUTH=$(cat "$SCEPAUTH_DIR/secrets/redis-installer") redis-cli -s "$REDIS_SOCKET" --user installer "$@" 2>&1; }
desk() { redis_as "$HELPDESK_NAME" "$@"; }
w=$T_DIR/w
mkdir -p "$w"
cd "$w" || exit 1

mint() { "$tool" mint "$SCEPAUTH_CONF" students login="$1"; }
enrol() { # NAME [CHALLENGE]: 0 when a certificate came
	rm -f "$1/cert.pem"
	scep_enrol "$w/$1" students "${2-$(mint "$1")}" >/dev/null 2>&1 && [[ -s $1/cert.pem ]] &&
		eapol_conf "$1.conf" "$w/$1/cert.pem" "$w/$1/key.pem"
}
verdict() { # NAME: accept, or reject and why
	local from
	from=$(($(stat -c %s "$RADIUS_LOG") + 1))
	eapol_run "$1.conf" || true
	echo "$EAP_RESULT$(tail -c "+$from" "$RADIUS_LOG" | sed -n 's/.*scepauth: reject reason=\([a-z_]*\) .*/ \1/p')"
}
user_of() { jl export | jq -r --arg s "$1" 'select(.type == "intent" and .fields.serial == $s) | .fields.user'; }
facts() { # TYPE KEY VALUE: how many such records
	jl export | jq -c --arg t "$1" --arg k "$2" --arg v "$3" 'select(.type == $t and .fields[$k] == $v)' | wc -l
}
has() { [[ $(facts "$@") -ge 1 ]]; }
meta() { root HMGET meta "$@" | paste -sd ' '; }
last_seq() { jl export | jq -r .seq | tail -n 1; }
# Redis has acknowledged all of the journal, and this is noted beside it.
acknowledged() { [[ $(meta store epoch head) == "$(cat "$SCEPAUTH_DIR/journal/acknowledged")" && $(meta head) == "$(last_seq)" ]]; }
settled() { t_wait 20 acknowledged || t_bail "Redis does not learn of the journal: $(meta epoch head state), $(cat "$SCEPAUTH_DIR/journal/acknowledged")"; }
is_suspect() { [[ $(meta state) == suspect ]]; }
said() { tail -c "+$log_from" "$CA_LOG" | grep -qE "$1"; }
mark() { log_from=$(($(stat -c %s "$CA_LOG") + 1)); }
save() { # NAME: a copy of Redis' data
	t_stop redis >/dev/null
	cp -a "$SCEPAUTH_DIR/redis/data" "$w/$1"
	t_start redis
	mark
	settled
}
restore() { # NAME
	t_stop redis >/dev/null
	rm -r "$SCEPAUTH_DIR/redis/data"
	cp -a "$w/$1" "$SCEPAUTH_DIR/redis/data"
	mark
	t_start redis
}

# --- all is well ------------------------------------------------------------------------------------
t_ok "a device enrols" enrol alice
alice=$(cert_serial alice/cert.pem)
t_is "and connects" "$(verdict alice)" accept
settled
store=$(meta store)
t_is "the journal knows which store it belongs to" "$(jl export | jq -c 'select(.type == "epoch") | [.fields.store, .fields.epoch]')" "[\"$store\",\"1\"]"
t_is "Redis knows the newest record" "$(meta head_hash)" "$(jl export | jq -r .hash | tail -n 1)"
beat=$(meta beat)
t_ok "and hears of the CA" test "$beat" -gt $(($(date +%s) - 60))

# --- an old state that lacks nothing but a hold -------------------------------------------------------
alice_id=$(user_of "$alice")
put_alice() { # ACTOR NAME LEAVE_AT
	redis_as "$1" FCALL user_put 0 local alice "$alice_id" "$2" '' students "$3"
}
person() { root HMGET "user:$alice_id" name groups leave_at | paste -sd ' '; }
leaves_in_journal() { [[ $(jl export | jq -r --arg u "$alice_id" 'select(.type == "person" and .fields.user == $u) | .fields.record' | tail -n 1 | jq -r .leave_at) == "$1" ]]; }
put_alice portal Alice 0 >/dev/null
t_wait 20 leaves_in_journal 0
save before-hold
desk FCALL suspend_user 0 alice 'until she calls' >/dev/null
t_wait 20 has held user "$(user_of "$alice")"
put_alice auto_revoke Alice 2000000000 >/dev/null
t_wait 20 leaves_in_journal 2000000000 || t_bail "her leaving date is not in the journal"
t_is "a person is held" "$(verdict alice)" "reject user_held"
settled
restore before-hold
t_like "an old state without the hold: she is not let in" "$(verdict alice)" '^reject store_(rolled_back|not_ready)$'
t_ok "the CA marks it" t_wait 20 is_suspect
t_is "then nobody is asked about" "$(verdict alice)" "reject store_not_ready"
t_ok "and says what it is and what to do" t_wait 40 said 'the ledger knew record [0-9]+ of the journal and now knows [0-9]+: .*scepctl reconcile'
t_not "nothing is issued" enrol bob "$(printf '%032d' 1)"
t_is "nobody gets a ticket either" "$(mint bob 2>&1 | grep -c 'scepctl reconcile')" 1
sleep 2 # some turns of the follower, a whole comparison among them
t_is "the hold does not count as lifted" "$(facts restored user "$(user_of "$alice")")" 0
put_alice portal 'Alice Later' 0 >/dev/null # she logs in meanwhile
t_like "reconcile waits for the CA to stop" "$(rec)" 'stop it first'
t_stop ca >/dev/null
before=$(jl export | sha256sum)
t_is "reconcile --dry-run tells" "$(rec --dry-run --json | jq -c '[.older_state, .lost, .lost_revocations, .lost_holds, .lost_people, .new_epoch]')" "[true,0,0,1,1,false]"
t_is "and changes nothing" "$(jl export | sha256sum) $(meta state)" "$before suspect"
t_is "nor her leaving date" "$(person)" "Alice Later students 0"
t_like "reconcile puts the hold back" "$(rec)" '0 revocations, 1 holds, 1 people and 0 devices lost by the ledger, or older there; put back'
t_is "and her leaving date, while what is newer stays" "$(person)" "Alice Later students 2000000000"
t_is "and the store is ready, in a new epoch" "$(meta store epoch state)" "$store 2 ready"
t_is "she is still held" "$(verdict alice)" "reject user_held"
t_is "once more: nothing to do" "$(rec --json | jq -c '[.older_state, .lost_holds, .new_epoch]') $(meta epoch)" "[false,0,false] 2"
t_start ca
t_ok "the CA issues again" enrol bob
desk FCALL restore_user 0 alice >/dev/null
t_is "she calls" "$(verdict alice)" accept
t_ok "which the journal hears of" t_wait 20 has restored user "$(user_of "$alice")"

# --- an old state, while no CA runs -------------------------------------------------------------------
save before-revocation
desk FCALL revoke_cert 0 "$alice" 'keyCompromise: stolen' >/dev/null
t_wait 20 has revoked id "$alice"
t_ok "another device enrols" enrol carl
settled
t_is "and connects" "$(verdict carl)" accept
t_stop ca >/dev/null
restore before-revocation
t_is "an old state without a revocation, no CA: it calls itself ready" "$(meta state)" ready
t_is "but nobody gets in" "$(verdict alice)" "reject store_rolled_back"
t_stop radius
t_start radius
t_is "also after a restart of the RADIUS server" "$(verdict bob)" "reject store_rolled_back"
carl_id=$(user_of "$(cert_serial carl/cert.pem)")
mint carl >/dev/null # the old state does not know him, and makes him anew
t_like "who was made anew meanwhile is not mixed with who it was" "$(rec)" "login local:carl leads to u[0-9a-f]+ here and to $carl_id in the journal"
t_is "and nothing was changed" "$(root HEXISTS revoked "$alice") $(meta epoch state)" "0 2 ready"
root HDEL login:local carl >/dev/null
cp -a "$SCEPAUTH_DIR/redis/data" "$w/interrupted"
t_like "reconcile, without that the CA has seen it" "$(rec)" '1 of them lost by the ledger and revoked'
t_is "a device whose certificate was lost has to enrol again" "$(verdict carl)" "reject unknown_cert"
t_is "what was revoked is revoked" "$(verdict alice)" "reject cert_revoked"
t_is "in the words of who did it" "$(root HGET revoked "$alice" | cut -d' ' -f2-)" "$HELPDESK_NAME keyCompromise: stolen"
t_is "a login leads to whom it led" "$(root HGET login:local carl)" "$carl_id"
t_is "the others go on" "$(verdict bob)" accept
# As if reconcile had been interrupted between the journal and Redis.
restore interrupted
t_start ca
t_ok "a journal in a newer epoch: the older one is marked" t_wait 20 is_suspect
t_ok "and named" said 'has epoch 2, the journal 3'
t_stop ca >/dev/null
t_is "reconcile again" "$(rec --json | jq -c '[.older_state, .new_epoch]') $(meta epoch state)" "[true,true] 4 ready"
t_start ca
t_is "the revocations stand" "$(verdict alice), $(verdict carl), $(verdict bob)" "reject cert_revoked, reject unknown_cert, accept"
t_ok "and the CA issues" enrol carl

# --- an old state, and then the newest one again --------------------------------------------------------
save good
t_ok "one more" enrol dora
settled
t_stop redis >/dev/null
cp -a "$SCEPAUTH_DIR/redis/data" newest
restore good
t_ok "an old state is marked" t_wait 20 is_suspect
restore newest
t_ok "with its newest state back the CA goes on by itself" t_wait 30 enrol erin
t_is "and so does the server" "$(verdict dora)" accept

# --- another campus' Redis ----------------------------------------------------------------------------
settled
t_stop redis ca >/dev/null
mv "$SCEPAUTH_DIR/redis/data" "$w/ours"
mkdir -m 700 "$SCEPAUTH_DIR/redis/data"
t_start redis
t_is "an empty data folder: nobody gets in" "$(verdict bob)" "reject backend_error"
t_like "reconcile does not touch it" "$(rec)" 'has no scepauth Functions'
ctl install >/dev/null
theirs=$(meta store)
t_is "a Redis with another id: nobody gets in" "$(verdict bob)" "reject store_foreign"
redis_as ca FCALL beat 0 "$theirs" 1 7 "$(printf '%064d' 1)" 0 >/dev/null
mint stranger >/dev/null
root HSET hold:ldap "$(root HGET login:local stranger)" "1 auto_revoke theirs" >/dev/null
root HSET revoked 00000000000000000000000000000001 "1 installer theirs" >/dev/null
records=$(last_seq)
mark
t_start ca
t_ok "the CA says whose it is" t_wait 40 said "the ledger is store $theirs, this journal belongs to store $store"
t_not "nothing is issued from there" enrol fred
sleep 2
t_is "nobody there is kept out for that" "$(meta state head)" "ready 7"
t_is "and nothing of it comes into the journal" "$(jl export | jq -rc --argjson n "$records" 'select(.seq > $n) | .type' | sort -u)" opened
t_is "its revocation is on no list" "$(curl -sf "$SCEP_URL/crl/students.crl" | openssl crl -inform der -noout -text | grep -c 'Serial Number: 0*1$')" 0
t_stop ca >/dev/null
t_like "reconcile does not touch it" "$(rec --new-store)" "Redis is store $theirs and in use"
t_start ca
t_stop redis >/dev/null
rm -r "$SCEPAUTH_DIR/redis/data"
mv ours "$SCEPAUTH_DIR/redis/data"
t_start redis
t_ok "our own is back: the CA goes on by itself" t_wait 30 enrol fred
t_is "and so does the server" "$(verdict bob)" accept

# --- an old journal -----------------------------------------------------------------------------------
t_stop ca >/dev/null
cp -a "$SCEPAUTH_DIR/journal" journal.old
t_start ca
t_ok "one more" enrol gina
settled
t_stop ca >/dev/null
mv "$SCEPAUTH_DIR/journal" journal.newest
cp -a journal.old "$SCEPAUTH_DIR/journal"
mark
t_start ca
t_ok "an old journal: the CA says so" t_wait 40 said 'an old journal was restored: put its newest state back'
t_not "and issues nothing" enrol hugo
t_is "but whoever is in order gets in" "$(verdict gina)" accept
t_stop ca >/dev/null
t_like "reconcile takes it only when told" "$(rec)" 'the journal is older than Redis.*--old-journal'
rm -r "$SCEPAUTH_DIR/journal"
cp -a journal.newest "$SCEPAUTH_DIR/journal"
t_start ca
t_ok "with its newest state back the CA goes on" enrol hugo
t_stop ca >/dev/null
rm -r "$SCEPAUTH_DIR/journal"
mv journal.old "$SCEPAUTH_DIR/journal"
t_is "when it is lost for good" "$(rec --old-journal --json | jq -c '[.older_state, .new_epoch]')" "[true,true]"
mark
t_start ca
t_ok "the CA goes on with an old one" enrol ivan
t_is "and whoever is in order gets in" "$(verdict gina)" accept
t_ok "row 15, journal and Redis disagree: the CA tells of certificates that only Redis knows" t_wait 20 said '"ledger_unknown".*"certificates":"2"'
t_stop ca >/dev/null
rc=0
out=$(rec --json) || rc=$?
t_is "row 15: reconcile lists them, and ends so that a script notices" "$rc $(jq -c '[.unknown, .new_epoch]' <<<"$out") $(jq -r '.unknown_serials[]' <<<"$out" | sort | paste -sd ' ')" \
	"1 [2,false] $(for name in gina hugo; do cert_serial $name/cert.pem; done | sort | paste -sd ' ')"
t_like "row 15: and says what to do" "$(rec)" '2 certificates let somebody in that the journal does not know.*nothing was done to them .docs/RESTORE.md'
t_is "row 15: nothing is deleted" "$(verdict gina), $(verdict hugo)" "accept, accept"
t_ok "row 15: with --old-journal they are meant" ctl reconcile --old-journal --dry-run
t_start ca

# --- Redis and journal, to the same old state ---------------------------------------------------------------
settled
t_stop ca redis >/dev/null
mkdir machine
cp -a "$SCEPAUTH_DIR/redis/data" "$SCEPAUTH_DIR/journal" machine/
t_start redis ca
t_ok "one more" t_wait 30 enrol lena
desk FCALL revoke_cert 0 "$(cert_serial lena/cert.pem)" lost >/dev/null
t_wait 20 has revoked id "$(cert_serial lena/cert.pem)"
settled
t_is "the server sees the newest state" "$(verdict ivan)" accept
seen=$(meta head)
t_stop ca redis >/dev/null
rm -r "$SCEPAUTH_DIR/redis/data" "$SCEPAUTH_DIR/journal"
mv machine/* "$SCEPAUTH_DIR/"
mv "$SCEPAUTH_DIR/data" "$SCEPAUTH_DIR/redis/data"
t_start redis
t_is "the copy of a machine was restored: nobody gets in" "$(verdict ivan)" "reject store_rolled_back"
t_start ca
has_grown() {
	enrol mona
	[[ $(meta head) -gt $((seen + 2)) ]]
}
t_ok "it fits in itself, the CA issues" t_wait 60 has_grown
t_is "but for the server it is another history, however long" "$(verdict ivan)" "reject store_rolled_back"
t_stop radius
t_start radius
t_is "also after a restart of the RADIUS server" "$(verdict ivan)" "reject store_rolled_back"
t_stop ca >/dev/null
t_is "reconcile finds nothing" "$(rec --old-journal --json | jq -c .new_epoch)" false
t_is "and begins a new epoch when told" "$(rec --old-journal --new-epoch --json | jq -c .new_epoch)" true
t_is "then who is in order gets in" "$(verdict ivan)" accept
t_start ca

# --- emptied and set up anew ----------------------------------------------------------------------------
settled
mark
root FLUSHALL >/dev/null
t_is "an emptied Redis: nobody gets in" "$(verdict bob)" "reject store_not_ready"
t_ok "the CA says so" t_wait 40 said 'the ledger was emptied: .*scepctl rebuild'
t_stop ca >/dev/null
t_like "reconcile does not touch it" "$(rec)" 'Redis is empty: see scepctl rebuild'
ctl install >/dev/null
t_is "set up anew: nobody gets in" "$(verdict bob)" "reject store_foreign"
t_like "reconcile takes it only when told" "$(rec)" 'Redis was set up anew. scepctl rebuild .*--new-store'
epoch=$(jl export | jq -r 'select(.type == "epoch") | .fields.epoch' | tail -n 1)
t_like "then all certificates are given up" "$(rec --new-store)" '[1-9][0-9]* of them lost by the ledger and revoked'
t_is "and it is our store again, in a new epoch" "$(meta store epoch state)" "$store $((epoch + 1)) ready"
t_start ca
t_is "old certificates are out" "$(verdict bob)" "reject unknown_cert"
t_ok "new ones are issued" enrol bob
t_is "and good" "$(verdict bob)" accept
# --- the append-only file is damaged --------------------------------------------------------------------
aof() { ls "$SCEPAUTH_DIR"/redis/data/appendonlydir/*.incr.aof; }
t_ok "one more enrols" enrol jan
jan=$(cert_serial jan/cert.pem)
root FCALL actor_put 0 "$HELPDESK_NAME" helpdesk >/dev/null # who was registered is gone with the rest
settled
size=$(stat -c %s "$(aof)")
desk FCALL suspend_user 0 jan 'odd traffic' >/dev/null
t_wait 20 has held user "$(user_of "$jan")" || t_bail "the hold is not in the journal"
settled
t_stop redis >/dev/null
truncate -s $((size + 20)) "$(aof)" # in the middle of a command
mark
t_start redis
t_ok "row 12, a torn end: Redis starts, and the CA sees what it has lost" t_wait 20 is_suspect
t_is "the held person does not get in" "$(verdict jan)" "reject store_not_ready"
t_stop ca >/dev/null
rec >/dev/null
t_start ca
t_is "after reconcile the hold stands" "$(verdict jan)" "reject user_held"
t_is "and who is in order gets in" "$(verdict bob)" accept
settled
t_stop redis >/dev/null
# Redis has no checksums there: what it can tell is that a command does not begin like one.
middle=$(grep -abo "^[*][0-9]" "$(aof)" | cut -d: -f1 | awk "{a[NR] = \$1} END {print a[int(NR / 2)]}")
printf X | dd of="$(aof)" bs=1 seek="$middle" conv=notrunc status=none
t_not "row 12, damage in the middle: Redis stays down" "$T_TOP/packaging/instance.sh" start "$SCEPAUTH_DIR" redis
t_is "nobody gets in" "$(verdict bob)" "reject backend_down"
t_not "and nothing is issued" enrol kim
t_stop ca >/dev/null
rm -r "$SCEPAUTH_DIR/redis/data"
mkdir -m 700 "$SCEPAUTH_DIR/redis/data"
t_start redis
t_ok "rebuild fills an empty one" ctl rebuild
t_start ca
t_is "who is in order gets in" "$(verdict bob)" accept
t_is "who is held does not" "$(verdict jan)" "reject user_held"
t_ok "and the CA issues" enrol kim
t_like "the journal is good" "$(jl verify)" '^[0-9]+ records'
t_done
