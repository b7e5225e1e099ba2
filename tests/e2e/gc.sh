#!/usr/bin/env bash
# scepctl gc, on certificates as they are in a year: what ended long ago goes, the rest stays, and the journal's
# readers do not take what went for lost.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis ca
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
w=$T_DIR/w
mkdir -p "$w"
ctl() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" "$@"; }
later() { faketime -f +400d "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" "$@"; }
enrol() { scep_enrol "$w/$1" students "$("$tool" mint "$SCEPAUTH_CONF" students login="$1" lifetime="$2")" >/dev/null || t_bail "$1 is not enrolled"; }
in_journal() { [[ $(ctl journal export | jq -c --arg s "$1" 'select(.type == "revoked" and .fields.id == $s)' | wc -l) == 1 ]]; }
has() { redis_as installer EXISTS "cert:$1"; }

enrol anna 86400
enrol bert 86400
enrol carl 31536000
anna=$(cert_serial "$w/anna/cert.pem") bert=$(cert_serial "$w/bert/cert.pem") carl=$(cert_serial "$w/carl/cert.pem")
for s in "$anna" "$carl"; do redis_as auto_revoke FCALL revoke_cert 0 "$s" stolen >/dev/null; done
t_ok "the journal has the revocations" t_wait 20 eval "in_journal $anna && in_journal $carl"
t_stop ca >/dev/null

t_is "now there is nothing to remove" "$(ctl gc --json | jq -c '[.removed, .certificates, .revocations]')" '[true,0,0]'

# --- in 400 days: two ended a year ago, one within redis.keep ---------------------------------------
ago() { # SERIAL DAYS: as if it had ended then
	local at=$(($(date +%s) - $2 * 86400))
	redis_as installer HSET "cert:$1" not_after "$at" >/dev/null
	redis_as installer ZADD "ucerts:$(redis_as installer HGET "cert:$1" user)" "$at" "$1" >/dev/null
}
ago "$anna" 399
ago "$bert" 399
ago "$carl" 35
sed -i '/^redis {/a\	keep = 40' "$SCEPAUTH_CONF"
t_is "--dry-run counts" "$(ctl gc --dry-run --json | jq -c '[.removed, .certificates, .revocations]')" '[false,2,1]'
t_is "and changes nothing" "$(has "$anna")$(has "$bert")" 11
t_like "gc" "$(ctl gc)" '^removed: 2 certificates, 1 revocations, '
t_is "what ended long ago is gone" "$(has "$anna")$(has "$bert")$(redis_as installer HEXISTS revoked "$anna")" 000
t_is "what ended within redis.keep is not" "$(has "$carl")$(redis_as installer HEXISTS revoked "$carl")" 11
t_is "again: nothing" "$(ctl gc --json | jq .certificates)" 0
t_like "an event says so" "$(redis_as installer XREVRANGE events:gc + - | xargs)" 'records_removed .*certs 2 revocations 1'
t_ok "the journal has all of it" in_journal "$anna"

# --- reconcile -------------------------------------------------------------------------------------------
found() { jq -c '[.lost, .lost_revocations, .lost_holds]'; }
if t_faketime; then
	t_is "reconcile does not take what went for lost" "$(later reconcile --json | found)" '[0,0,0]'
else
	t_skip "reconcile does not take what went for lost" "no faketime, or not with the sanitizers"
fi
t_is "and puts nothing back" "$(redis_as installer HEXISTS revoked "$anna")" 0
# The same state a year earlier is a loss.
t_is "but it does take for lost what should be there" "$(ctl reconcile --dry-run --json | found)" '[2,1,0]'

t_not "only the user gc may" ctl --as portal gc
t_is "less than eight days cannot be asked for" "$(sed -i 's/keep = 40/keep = 7/' "$SCEPAUTH_CONF"; ctl gc 2>&1 | grep -c keep)" 1
t_done
