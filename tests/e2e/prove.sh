#!/usr/bin/env bash
# Checkpoints of the journal and proofs against them, on a real instance, and judged by a verifier that shares
# nothing with ours: openssl, xxd and bash (C2SP signed-note and tlog-checkpoint, RFC 9162 section 2.1.3.2).
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
ra=$SCEPAUTH_DIR/ca/students/ra.pem
w=$T_DIR/w
mkdir -p "$w"
cd "$w" || exit 1

jl() { "$ctl" -c "$SCEPAUTH_CONF" journal "$@"; }
code() { "$@" >/dev/null 2>&1 && echo 0 || echo $?; }
enrol() { # LOGIN: prints the serial
	local challenge
	challenge=$("$tool" mint "$SCEPAUTH_CONF" students "login=$1")
	"$tool" request "$ra" "k.$1" request.der challenge="$challenge" >tool.out 2>&1 || t_note "$(cat tool.out)"
	curl -s -m 30 -o reply.der --data-binary @request.der "$SCEP_URL/scep/students?operation=PKIOperation"
	"$tool" reply "$ra" "k.$1" reply.der cert.der >status 2>&1
	openssl x509 -inform der -in cert.der -noout -serial | sed 's/serial=//' | tr A-F a-f
}

# --- a verifier of its own: text and binary files in, yes or no out ----------------------------------

hex_of() { xxd -p | tr -d '\n'; }
sha_hex() { xxd -r -p | sha256sum | cut -d' ' -f1; } # of hex on standard input

# note_ok NOTE VKEY: the signed note is by this key; leaves ORIGIN, SIZE and ROOT (hex)
note_ok() {
	local name=${2%%+*} rest=${2#*+} id key sig
	id=${rest%%+*}
	key=$(printf %s "${rest#*+}" | base64 -d 2>/dev/null | hex_of)
	[[ ${#key} == 66 && ${key:0:2} == 01 ]] || return 1
	[[ $(printf '%s\n\x01' "$name" | cat - <(printf %s "${key:2}" | xxd -r -p) | sha256sum | cut -c1-8) == "$id" ]] || return 1
	sed '/^$/,$d' "$1" >note.text
	sig=$(sed -n '/^$/,$p' "$1" | grep -aF -- "— $name " | sed 's/.* //' | base64 -d 2>/dev/null | hex_of)
	[[ ${#sig} == 136 && ${sig:0:8} == "$id" ]] || return 1
	printf %s "${sig:8}" | xxd -r -p >note.sig
	printf '302a300506032b6570032100%s' "${key:2}" | xxd -r -p >note.der # RFC 8410
	openssl pkeyutl -verify -pubin -keyform DER -inkey note.der -rawin -in note.text -sigfile note.sig >/dev/null 2>&1 || return 1
	{ read -r ORIGIN && read -r SIZE && read -r ROOT; } <note.text
	ROOT=$(printf %s "$ROOT" | base64 -d | hex_of)
	[[ $ORIGIN == "$name" && ${#ROOT} == 64 ]]
}

# --- the key -----------------------------------------------------------------------------------------

vkey=$(jl key)
t_like "the verifier key is in the form of signed notes" "$vkey" '^[!-*,-~]+\+[0-9a-f]{8}\+AR?[A-Za-z0-9+/]{43}$'
t_is "as JSON" "$(jl key --json | jq -r .key)" "$vkey"
t_is "its name is the SCEP server's" "${vkey%%+*}" "${SCEP_URL#*://}/journal"
t_is "it is the key of the file" "$(printf %s "${vkey#*+*+}" | base64 -d | tail -c 32 | hex_of)" \
	"$(openssl pkey -in "$SCEPAUTH_DIR/secrets/checkpoint.key" -pubout -outform DER | tail -c 32 | hex_of)"
t_like "a key that is there is not replaced" "$(jl key --make 2>&1)" 'exists already'
mv "$SCEPAUTH_DIR/secrets/checkpoint.key" away.key
t_like "without it the CA does not start" "$("$SCEPAUTH_BIN/scep_ca" -c "$SCEPAUTH_CONF" 2>&1)" 'is missing; make it with: scepctl journal key --make'
t_like "a new one can be made" "$(jl key --make)" '^[^+]+\+[0-9a-f]{8}\+'
t_is "it is another" "$([[ $(jl key) != "$vkey" ]] && echo yes)" yes
t_is "its mode" "$(stat -c %a "$SCEPAUTH_DIR/secrets/checkpoint.key")" 600
cp away.key "$SCEPAUTH_DIR/secrets/checkpoint.key"
chmod 644 "$SCEPAUTH_DIR/secrets/checkpoint.key"
t_like "a key that others may read is refused" "$("$SCEPAUTH_BIN/scep_ca" -c "$SCEPAUTH_CONF" 2>&1)" 'chmod 600'
chmod 600 "$SCEPAUTH_DIR/secrets/checkpoint.key"

# --- checkpoints -------------------------------------------------------------------------------------

t_start ca
one=$(enrol one)
t_is "a certificate" "${#one}" 32
t_not "no checkpoint before its time" test -e "$journal/checkpoint"
t_stop ca >/dev/null
t_ok "an orderly end makes one" test -s "$journal/checkpoint"
t_is "its mode" "$(stat -c %a "$journal/checkpoint")" 600
cp "$journal/checkpoint" old.note
t_ok "the other verifier takes its signature" note_ok old.note "$vkey"
note_ok old.note "$vkey"
t_is "it covers all records before its own" "$SIZE" "$(($(jl export | wc -l) - 1))"
root1=$ROOT
t_is "it is in the journal too" "$(jl export | jq -r 'select(.type == "checkpoint") | .fields.note' | base64 -d | sha256sum)" "$(sha256sum <old.note)"
t_is "and an audit event" "$(grep -h '"journal_checkpoint"' "$CA_LOG" | jq -c '[.size, .root, .journal]')" "[\"$SIZE\",\"$root1\",\"$ORIGIN\"]"
cp -a "$journal" "$T_DIR/old.journal"
sed -i 's|^scep {|scep {\n\tcheckpoint-every = 1|' "$SCEPAUTH_CONF"
t_start ca
two=$(enrol two)
t_is "another" "${#two}" 32
t_wait 20 test "$journal/checkpoint" -nt "$T_DIR/old.journal/checkpoint"
t_ok "and one is made when its time has come" note_ok "$journal/checkpoint" "$vkey"
note_ok "$journal/checkpoint" "$vkey"
t_ok "of a larger journal" test "$SIZE" -gt "$(sed -n 2p old.note)"
n() { jl export | jq -c 'select(.type == "checkpoint")' | wc -l; }
settled() { local a b; a=$(n) && sleep 3 && b=$(n) && [[ $a == "$b" ]]; }
t_ok "none is made while nothing grows" t_wait 30 settled
t_stop ca >/dev/null
t_is "the journal is good" "$(code jl verify)" 0

# --- a journal that was rewritten --------------------------------------------------------------------

cp -a "$journal" "$T_DIR/new.journal"
cp "$T_DIR/old.journal/${first##*/}" "$first"
t_is "a cut at a record is nothing that the chain shows" "$(code jl verify)" 0
t_like "the CA does not start with it" "$("$SCEPAUTH_BIN/scep_ca" -c "$SCEPAUTH_CONF" 2>&1)" 'its checkpoint notes [0-9]+: the end is missing'
cp "$T_DIR/new.journal/${first##*/}" "$first"

# --- proofs ------------------------------------------------------------------------------------------

unbase64() { # hex of a base64 text, in no other spelling
	local x
	x=$(printf %s "$1" | base64 -d 2>/dev/null | hex_of)
	[[ $(printf %s "$x" | xxd -r -p | base64 -w0) == "$1" ]] && printf %s "$x"
}
# proof_ok FILE VKEY SERIAL: C2SP tlog-proof of a record that names this serial
proof_ok() {
	local i hash line h fn sn
	[[ $(sed -n 1p "$1") == c2sp.org/tlog-proof@v1 && $(sed -n 2p "$1") == "extra "* && $(sed -n 3p "$1") == "index "* ]] || return 1
	line=$(sed -n 2p "$1")
	h=$(unbase64 "${line#extra }") || return 1
	printf %s "$h" | xxd -r -p >p.record
	i=$(sed -n 's/^index \([0-9]\+\)$/\1/p' "$1" | head -n 1)
	sed '1,/^$/d' "$1" >p.note
	note_ok p.note "$2" || return 1
	[[ -n $i ]] && ((10#$i < SIZE)) || return 1
	hash=$(printf 00%s "$h" | sha_hex) fn=$i sn=$((SIZE - 1))
	while read -r line; do
		h=$(unbase64 "$line") || return 1
		((${#h} == 64 && sn > 0)) || return 1
		if ((fn & 1 || fn == sn)); then
			hash=$(printf '01%s%s' "$h" "$hash" | sha_hex)
			while ((fn > 0 && !(fn & 1))); do fn=$((fn >> 1)) sn=$((sn >> 1)); done
		else
			hash=$(printf '01%s%s' "$hash" "$h" | sha_hex)
		fi
		fn=$((fn >> 1)) sn=$((sn >> 1))
	done < <(sed '1,3d; /^$/,$d' "$1")
	((sn == 0)) && [[ $hash == "$ROOT" ]] && grep -aqF "$3" p.record
}
prove() { "$ctl" -c "$SCEPAUTH_CONF" prove "$@"; }
check() { "$ctl" -c /nonexistent prove --verify "$@"; }

prove "$one" >one.proof
prove "$two" >two.proof
t_ok "the other verifier takes a proof" proof_ok one.proof "$vkey" "$one"
t_ok "and another" proof_ok two.proof "$vkey" "$two"
t_not "but not for another serial" proof_ok one.proof "$vkey" "$two"
other="${vkey%%+*}+00000000+${vkey#*+*+}"
t_not "not with another key" proof_ok one.proof "$other" "$one"
t_like "ours, without configuration, takes it" "$(check one.proof --key "$vkey")" "^proved: record [0-9]+ of the [0-9]+ .*issued serial $one"
t_is "in JSON" "$(check one.proof --key "$vkey" --json | jq -c '[.proved, .type, .serial]')" "[true,\"issued\",\"$one\"]"
t_is "for the serial in any spelling" "$(code check one.proof --key "$vkey" "$(sed 's/../&:/g; s/:$//' <<<"${one^^}")")" 0
t_like "but not for another" "$(check one.proof --key "$vkey" "$two" 2>&1)" 'another serial'
t_is "a key that is none is told" "$(code check one.proof --key "$other")" 2
t_like "the certificate is in the proof" "$(sed -n 's/^extra //p' two.proof | base64 -d | hex_of)" "$(hex_of <cert.der)"
t_is "the proven record is the journal's" "$(prove "$one" --json | jq -r .record | base64 -d | sha256sum)" \
	"$(sed -n 's/^extra //p' one.proof | base64 -d | sha256sum)"
t_is "another type of record" "$(prove "$one" --type intent --json | jq -r '[.type, .serial] | join(" ")')" "intent $one"
t_like "a serial that is not there" "$(prove 7f000000000000000000000000000000 2>&1)" "no record 'issued'"
t_is "no serial at all" "$(code prove x)" 2

# Every bit is tried by test_proof; here some, so that the file's form is tried on both verifiers.
size=$(stat -c %s one.proof) theirs=0 ours=0 n=0
for ((i = 0; i < size; i += size / 40 + 1)); do
	cp one.proof bad.proof
	t_flip bad.proof "$i" $((n++ % 7))
	! proof_ok bad.proof "$vkey" "$one" 2>/dev/null || theirs=$((theirs + 1))
	[[ $(code check bad.proof --key "$vkey") == 1 ]] || ours=$((ours + 1))
done
t_is "one flipped bit: refused by the other verifier, of $n" "$theirs" 0
t_is "and by ours" "$ours" 0
sed '4d' one.proof >bad.proof
t_not "a truncated path is refused" proof_ok bad.proof "$vkey" "$one"
t_is "by ours too" "$(code check bad.proof --key "$vkey")" 1
{ sed '/^$/,$d' one.proof && echo && cat old.note; } >bad.proof
t_not "another root, though signed, is refused" proof_ok bad.proof "$vkey" "$one"
t_is "by ours too" "$(code check bad.proof --key "$vkey")" 1
stranger=$(head -c 32 /dev/urandom | base64 | tr -d '\n')
stranger=$(printf '\x01%s' "" | cat - <(base64 -d <<<"$stranger") | base64 -w0)
id=$({ printf '%s\n' "${vkey%%+*}" && base64 -d <<<"$stranger"; } | sha256sum | cut -c1-8)
t_is "another key of the same name is refused" "$(code check one.proof --key "${vkey%%+*}+$id+$stranger")" 1

# --- from one checkpoint to the next -----------------------------------------------------------------

prove --since old.note >grown.proof
t_like "that nothing before was changed can be proved" "$(check grown.proof --since old.note --key "$vkey")" '^proved: the journal of .* begins with the'
t_is "not as a proof of a record" "$(code check grown.proof --key "$vkey")" 1
cp grown.proof bad.proof
t_flip bad.proof $(($(sed -n '1,2p' grown.proof | wc -c) + 3)) 1
t_is "not with a changed bit" "$(code check bad.proof --since old.note --key "$vkey")" 1
t_is "the journal holds what was noted" "$(code jl verify --checkpoint old.note --key "$vkey")" 0
t_like "and says so" "$(jl verify --checkpoint old.note --key "$vkey")" '[0-9]+ checkpoints; what was noted is there'
cp "$journal/checkpoint" new.note
cp -a "$T_DIR/old.journal" cut
t_like "a journal that was cut between two records does not" "$(jl verify --dir cut --checkpoint new.note 2>&1)" "the journal's end is missing"
t_is "exit status" "$(code jl verify --dir cut --checkpoint new.note)" 1
t_is "in JSON" "$(jl verify --dir cut --checkpoint new.note --json 2>/dev/null | jq -c '[.good, (.damage | length > 0)]')" '[false,true]'
t_is "a backup holds what it had" "$(code jl verify --dir cut --checkpoint old.note --key "$vkey")" 0
sed 's/^[0-9]\+$/2/' old.note >forged.note
t_like "a forged checkpoint is refused with the key" "$(jl verify --checkpoint forged.note --key "$vkey" 2>&1)" 'not signed by this key'
t_like "and shows as another journal without" "$(jl verify --checkpoint forged.note 2>&1)" 'was rewritten'
t_like "and is no beginning" "$(prove --since forged.note 2>&1)" 'was rewritten'
t_start ca
t_is "put back, it serves again" "$(enrol three | wc -c)" 33
t_done
