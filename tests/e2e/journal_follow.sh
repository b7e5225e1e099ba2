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
desk FCALL suspend_user 0 carl 'odd traffic' >/dev/null
t_wait 20 has held source=helpdesk user="$(user_of "$carl")"
t_is "a hold" "$(facts held source=helpdesk user="$(user_of "$carl")" 'reason=odd traffic')" 1
desk FCALL restore_user 0 carl >/dev/null
t_wait 20 has restored source=helpdesk user="$(user_of "$carl")"
t_is "and its end, with who lifted it" "$(facts restored user="$(user_of "$carl")" actor="$HELPDESK_NAME")" 1
desk FCALL suspend_user 0 carl 'again' >/dev/null
t_wait 20 has held 'reason=again'

# --- never twice, and nothing is missed while the CA is down ------------------------------------------
t_stop ca >/dev/null
t_start ca
sleep 1
t_is "a new start writes nothing again" "$(jl export | jq -r '.type' | grep -cE '^(revoked|held|restored|person|device)$')" \
	"$(jl export | jq -c 'select(.type | IN("revoked","held","restored","person","device")) | [.type, .fields]' | sort -u | wc -l)"
t_stop ca >/dev/null
desk FCALL revoke_cert 0 "$dora" 'while the CA is down' >/dev/null
desk FCALL restore_user 0 carl >/dev/null
t_start ca
t_wait 20 has revoked id="$dora"
t_is "what was revoked while the CA was down" "$(facts revoked id="$dora" 'reason=while the CA is down')" 1
t_wait 20 eval '[[ $(facts restored user="$(user_of "$carl")") == 2 ]]'
t_is "what was lifted meanwhile" "$(facts restored user="$(user_of "$carl")")" 2
t_like "the journal is good" "$(jl verify)" '^[0-9]+ records'

t_done
