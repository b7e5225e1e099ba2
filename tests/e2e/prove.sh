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
openssl genrsa -out k.pem 2048 2>/dev/null

jl() { "$ctl" -c "$SCEPAUTH_CONF" journal "$@"; }
code() { "$@" >/dev/null 2>&1 && echo 0 || echo $?; }
enrol() { # LOGIN: prints the serial
	local challenge
	challenge=$("$tool" mint "$SCEPAUTH_CONF" students "login=$1")
	"$tool" request "$ra" k.pem request.der challenge="$challenge" >tool.out 2>&1 || t_note "$(cat tool.out)"
	curl -s -m 30 -o reply.der --data-binary @request.der "$SCEP_URL/scep/students?operation=PKIOperation"
	"$tool" reply "$ra" k.pem reply.der cert.der >status 2>&1
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
t_start ca
t_is "put back, it serves again" "$(enrol three | wc -c)" 33
t_done
