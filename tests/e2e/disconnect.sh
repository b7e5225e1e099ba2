#!/usr/bin/env bash
# Live sessions end when the ledger says no, whatever the access point is like: yes, no, silence, another
# secret, lost packets; and nothing is forgotten while auto_revoke --disconnect is down.
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"
# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis
# shellcheck source=tests/support/nas.sh
. "$T_TOP/tests/support/nas.sh"
t_defer nas_stop_all
ctl() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" "$@"; }
helen() { redis_as "$HELPDESK_NAME" "$@"; }
log=$DISCONNECT_LOG

# --- access points of all kinds ---------------------------------------------------------------------------
declare -A port
for n in good moves stubborn no silent forged lossy; do
	port[$n]=$(nas_port)
	while [[ " ${used-} " == *" ${port[$n]} "* ]]; do port[$n]=$(nas_port); done
	used="${used-} ${port[$n]}"
done
nas_section good '"192.0.2.1", "2001:db8::/48"' "${port[good]}" vendor=hostapd
nas_section moves '"192.0.2.2"' "${port[moves]}" vendor=aruba
nas_section stubborn '"192.0.2.3"' "${port[stubborn]}" vlan-change=coa
nas_section no '"192.0.2.4"' "${port[no]}"
nas_section silent '"192.0.2.5"' "${port[silent]}"
nas_section forged '"192.0.2.6"' "${port[forged]}"
nas_section lossy '"192.0.2.7"' "${port[lossy]}"
nas_section others '"192.0.2.0/25"' "${port[good]}"
sed -i '/^disconnect {/,/^}/ { s/# give-up = .*/give-up = 3/; s/# sweep = .*/sweep = 600/ }' "$SCEPAUTH_CONF"
nas_start good "${port[good]}" ack
nas_start moves "${port[moves]}" ack
nas_start stubborn "${port[stubborn]}" coa-nak=405
nas_start no "${port[no]}" nak=501
nas_start silent "${port[silent]}" silent
nas_start forged "${port[forged]}" forge
nas_start lossy "${port[lossy]}" drop=1
t_ok "the configuration is good" "$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" --disconnect -t
t_start disconnect
pid() { cut -d' ' -f1 "$SCEPAUTH_DIR/run/disconnect.pid"; }
t_like "it may not gain privileges" "$(grep NoNewPrivs "/proc/$(pid)/status")" '1$'
t_like "and runs under seccomp" "$(grep 'Seccomp:' "/proc/$(pid)/status")" '2$'

# --- each reason, each answer --------------------------------------------------------------------------------
person ann students
on_network ann 192.0.2.1 nas_port 4
t_ok "somebody good stays" sleep 0.5
t_ok "on the network" is_on "$TOKEN"
helen FCALL suspend_user 0 ann "odd traffic" >/dev/null
t_ok "a held person's session ends" t_wait 20 is_off "$TOKEN"
t_ok "with a receipt" t_wait 10 receipt_is ann result ended
t_is "that says why" "$(receipt ann reason)" user_held
t_like "and for a person" "$(ctl receipts ann)" '02-00-00-00-00-01 at 192.0.2.1, ended \(user_held\): the access point has ended'
t_is "also by serial" "$(receipt "${SERIAL[ann]}" token)" "$TOKEN"
t_is "and by the device's address, however spelt" "$(receipt 02:00:00:00:00:01 token)" "$TOKEN"
t_like "the request was in order, as hostapd wants it" "$(sed -n 2p "$T_DIR/good.nas")" \
	'^40 [0-9]+ first good 31=02-00-00-00-00-01 44=A-ann 55=[^ ]+ 80=[^ ]+$'
t_like "the event tells" "$(redis_as installer XREVRANGE events:disconnect + - COUNT 1)" "session_ended.*ann.*user_held"
t_is "helpdesk reads receipts too" "$(helen FCALL_RO receipts 0 ann | grep -c '^ended$')" 1
t_like "but cannot write them" "$(helen FCALL receipts_put 0 "action disconnect"$'\n'"token $TOKEN"$'\n'"result ended"$'\n')" NOPERM
helen FCALL restore_user 0 ann >/dev/null
on_network ann 2001:db8::7
sleep 0.5
t_ok "who is restored comes back and stays" is_on "$TOKEN"
helen FCALL revoke_cert 0 "${SERIAL[ann]}" "stolen" >/dev/null
t_ok "a revoked certificate's session ends, by IPv6 prefix" t_wait 20 is_off "$TOKEN"
t_ok "and why is kept" t_wait 10 receipt_is ann reason cert_revoked

person bob students
on_network bob 192.0.2.4
helen FCALL revoke_user 0 bob "left" >/dev/null
t_ok "a NAK is a receipt" t_wait 20 receipt_is bob result refused
t_is "with its Error-Cause" "$(receipt bob cause)" 501
t_like "in words, and how long the device stays" "$(ctl receipts bob)" \
	'refused .*switched off there.*Error-Cause 501.*on until 20[0-9-]+T.* at the latest'
t_like "the event says that it is still on" "$(redis_as installer XREVRANGE events:disconnect + - COUNT 1)" "session_kept.*bob.*refused.*501"
t_ok "the session is still known" is_on "$TOKEN"
n=$(wc -l <"$T_DIR/no.nas")
helen FCALL restore_user 0 bob >/dev/null
# shellcheck disable=SC2016
t_ok "another event about the person asks again at once" t_wait 10 eval '(($(wc -l <"$T_DIR/no.nas") > n))'

person carl students
on_network carl 192.0.2.5
helen FCALL revoke_user 0 carl "left" >/dev/null
t_ok "silence is a receipt" t_wait 30 receipt_is carl result silent
t_like "every packet was the same" "$(cut -d' ' -f3 "$T_DIR/silent.nas" | paste -sd' ')" '^ready first again'
t_is "with one Identifier" "$(sed 1d "$T_DIR/silent.nas" | cut -d' ' -f2 | sort -u | wc -l)" 1
t_is "and one content" "$(sed 1d "$T_DIR/silent.nas" | cut -d' ' -f4- | sort -u | wc -l)" 1

person dora students
on_network dora 192.0.2.6
helen FCALL revoke_user 0 dora "left" >/dev/null
t_ok "a forged yes is none" t_wait 30 receipt_is dora result wrong_secret
t_ok "the session is still known" is_on "$TOKEN"
t_ok "and the log asks for the secret" grep -q 'section nas forged.*wrong authenticator' "$log"

person emil students
on_network emil 192.0.2.7
helen FCALL revoke_user 0 emil "left" >/dev/null
t_ok "a lost packet goes out again" t_wait 30 receipt_is emil result ended
t_is "and only once more" "$(receipt emil tries)" 2

person fred students
on_network fred 198.51.100.9
helen FCALL revoke_user 0 fred "left" >/dev/null
t_ok "an access point that nobody configured is said" t_wait 20 receipt_is fred result unconfigured
person gina students
redis_as radius FCALL session_open 0 "$(printf %032x 99)" "${SERIAL[gina]}" 3600 nas 192.0.2.1 login gina >/dev/null
helen FCALL revoke_user 0 gina "left" >/dev/null
t_ok "what names nobody alone is never sent" t_wait 20 receipt_is gina result unnameable
t_unlike "to anybody" "$(cat "$T_DIR/good.nas")" gina

# --- another VLAN --------------------------------------------------------------------------------------------
person hugo students
on_network hugo 192.0.2.2 vlan 30
redis_as auto_revoke FCALL user_put 0 local hugo "${ID[hugo]}" hugo "" students 0 >/dev/null
sleep 0.5
t_unlike "no new group, no request" "$(cat "$T_DIR/moves.nas")" hugo
redis_as installer HSET "group:staff" issuers "$(redis_as installer HGET group:students issuers)" >/dev/null
redis_as auto_revoke FCALL user_put 0 local hugo "${ID[hugo]}" hugo "" staff 0 >/dev/null
t_ok "a new group moves the device" t_wait 20 receipt_is hugo result moved
t_like "by CoA-Request with the new VLAN" "$(sed -n 2p "$T_DIR/moves.nas")" '^43 .* good .* 64=%00%00%00%0d 65=%00%00%00%06 81=20 '
t_is "which the ledger knows" "$(redis_as installer HGET "session:$TOKEN" vlan)" 20
t_like "and the event tells" "$(redis_as installer XREVRANGE events:disconnect + - COUNT 1)" 'session_moved.*hugo'
person ida students
on_network ida 192.0.2.3 vlan 30
redis_as auto_revoke FCALL user_put 0 local ida "${ID[ida]}" ida "" staff 0 >/dev/null
t_ok "who refuses the move ends the session, so that the device comes back" t_wait 20 receipt_is ida result ended
t_is "a CoA-Request first, then a Disconnect-Request" "$(sed 1d "$T_DIR/stubborn.nas" | cut -d' ' -f1 | paste -sd' ')" "43 40"
person jan students
on_network jan 192.0.2.1 vlan 30
redis_as auto_revoke FCALL user_put 0 local jan "${ID[jan]}" jan "" staff 0 >/dev/null
t_ok "who takes no moves too" t_wait 20 receipt_is jan reason vlan
t_is "at once" "$(receipt jan result)" ended

# --- what monitoring sees -------------------------------------------------------------------------

prom=$SCEPAUTH_DIR/run/metrics/disconnect.prom
metric_is() { [[ $(sed -n "s/^scepauth_disconnect_$1 //p" "$prom") == "$2" ]]; }
t_like "scepctl watch shows what an access point said in a line" "$(ctl watch --since 10 --no-follow session_kept bob | tail -n 1)" \
	'  session_kept +by disconnect  bob  [0-9a-f]{32}  [a-z_]+: refused, device [-0-9a-f:]+ at 192\.0\.2\.'
t_ok "metrics count who was moved" t_wait 20 metric_is 'receipts_total{result="moved"}' 1
t_ok "who did not answer" metric_is 'receipts_total{result="silent"}' 1
t_ok "who answered with another secret" metric_is 'receipts_total{result="wrong_secret"}' 1
t_ok "and NAKs by their cause" grep -qE '^scepauth_disconnect_naks_total\{cause="501"\} [1-9]' "$prom"
t_ok "and that all sessions were looked at" grep -qE '^scepauth_disconnect_last_sweep_timestamp_seconds [1-9]' "$prom"
t_prom "in good form" "$prom"
t_is "each is described" "$(sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' "$prom" |
	while read -r m; do grep -q "^|.*\`$m\`" "$T_TOP/docs/LEAVERS.md" || echo "$m"; done)" ""

# --- groups that count at one place only -------------------------------------------------------------------------
redis_as installer FCALL group_put 0 hall priority 900 issuers "$(redis_as installer HGET group:students issuers)" vlan 40 ssids eduroam >/dev/null
person lea students
redis_as auto_revoke FCALL user_put 0 local lea "${ID[lea]}" lea "" students,hall 0 >/dev/null
on_network lea 192.0.2.2 vlan 40 called 02-00-00-00-00-AA:eduroam
lea=$TOKEN
on_network lea 192.0.2.2 vlan 30 called 02-00-00-00-00-AA
redis_as auto_revoke FCALL user_put 0 local lea "${ID[lea]}" lea "" students,hall,nothing 0 >/dev/null
sleep 1
t_is "where the group counts the device stays in its VLAN" "$(redis_as installer HGET "session:$lea" vlan)" 40
t_ok "and on" is_on "$lea"
t_is "where the place is not known nothing is moved either" "$(redis_as installer HGET "session:$TOKEN" vlan)" 30
t_unlike "no request" "$(cat "$T_DIR/moves.nas")" lea
redis_as auto_revoke FCALL user_put 0 local lea "${ID[lea]}" lea "" students 0 >/dev/null
t_ok "without that group the device moves" t_wait 20 receipt_is lea result moved

# --- while it was down -------------------------------------------------------------------------------------------
person kim students
on_network kim 192.0.2.1
kim=$TOKEN
# shellcheck disable=SC2046
kill -9 $(pid)
t_wait 10 eval "! kill -0 $(pid) 2>/dev/null"
helen FCALL suspend_user 0 kim "while nobody looks" >/dev/null
# As if it had died after reading: the event is with a reader that is no more.
redis_as disconnect XREADGROUP GROUP disconnect dead COUNT 10 STREAMS "events:$HELPDESK_NAME" '>' >/dev/null
t_stop disconnect
t_start disconnect
t_ok "what happened while it was down is made up for" t_wait 20 is_off "$kim"
pending() { redis_as installer XPENDING "events:$HELPDESK_NAME" disconnect | head -n 1; }
none_pending() { [[ $(pending) == 0 ]]; }
t_ok "an event that a dead reader took is taken over" t_wait 30 none_pending
person lena students
on_network lena 192.0.2.1
redis_as "$HELPDESK_NAME" HSETNX revoked "${SERIAL[lena]}" "$(date +%s) helen by hand" >/dev/null
sleep 1
t_ok "what went past the Functions has no event" is_on "$TOKEN"
t_stop disconnect
sed -i '/^disconnect {/,/^}/ s/sweep = .*/sweep = 1/' "$SCEPAUTH_CONF"
t_start disconnect
t_ok "the sweep finds it" t_wait 20 is_off "$TOKEN"
person mona students
on_network mona 192.0.2.1
redis_as "$HELPDESK_NAME" HSETNX revoked "${SERIAL[mona]}" "" >/dev/null
t_ok "also while it runs, and whatever was typed, be it nothing" t_wait 20 is_off "$TOKEN"
n=$(wc -l <"$T_DIR/no.nas")
sleep 3
t_is "a session that would not end is not asked about at every sweep" "$(wc -l <"$T_DIR/no.nas")" "$n"

# --- a store that is away, a store that is not ready ------------------------------------------------------------------
person nora students
on_network nora 192.0.2.1
nora=$TOKEN
redis_as installer HGET meta epoch >"$T_DIR/epoch"
redis_as installer HDEL meta epoch >/dev/null
sleep 2
t_ok "a store that is not ready puts nobody out" is_on "$nora"
redis_as installer HSET meta epoch "$(cat "$T_DIR/epoch")" >/dev/null
t_stop redis
t_ok "the log says that the store is away" t_wait 20 grep -q 'Redis at .*; trying again' "$log"
t_start redis
t_ok "and that it is back" t_wait 20 grep -q 'the store is back' "$log"
helen FCALL suspend_user 0 nora "after all that" >/dev/null
t_ok "and then it goes on" t_wait 20 is_off "$nora"

# --- a wave ---------------------------------------------------------------------------------------------------------------
for i in 1 2 3 4 5 6 7 8; do
	person "w$i" students
	for j in 1 2 3 4 5; do on_network "w$i" 192.0.2.40 mac "02-00-00-00-0$i-0$j"; done
done
for i in 1 2 3 4 5 6 7 8; do helen FCALL revoke_user 0 "w$i" "left" >/dev/null; done
wave_over() { (($(redis_as installer XLEN "receipt:${ID[w1]}") == 5 && $(redis_as installer XLEN "receipt:${ID[w8]}") == 5)); }
t_ok "many at once all end" t_wait 30 wave_over
t_is "each once" "$(grep -c "44=A-w[1-8] " "$T_DIR/good.nas")" 40

# --- a slip in the policy ---------------------------------------------------------------------------------------------------
t_stop disconnect
sed -i '/^disconnect {/,/^}/ s/# policy-rate = .*/policy-rate = 3/' "$SCEPAUTH_CONF"
issuers=$(redis_as installer HGET group:students issuers)
redis_as installer FCALL group_put 0 guests priority 5 issuers "$issuers" vlan 50 >/dev/null
for i in 1 2 3 4 5 6; do
	person "g$i" students
	redis_as auto_revoke FCALL user_put 0 local "g$i" "${ID[g$i]}" "g$i" "" guests 0 >/dev/null
	on_network "g$i" 192.0.2.50 vlan 50
	guests[i]=$TOKEN
done
t_start disconnect
redis_as installer FCALL group_put 0 guests priority 5 issuers "$issuers" vlan 51 >/dev/null
ended() {
	n=0
	for t in "${guests[@]}"; do ! is_off "$t" || ((++n)); done
	((n >= $1))
}
t_ok "a change of a group ends sessions" t_wait 20 ended 3
t_ok "and the log asks whether that is meant" t_wait 20 grep -q 'would end or move [123] sessions more; that goes on, 3 a minute' "$log"
t_not "the rest takes its time" ended 6
left=$(for i in 1 2 3 4 5 6; do is_off "${guests[i]}" || echo "$i"; done | tail -n 1)
helen FCALL suspend_user 0 "g$left" "odd traffic" >/dev/null
t_ok "whoever is held does not wait" t_wait 10 is_off "${guests[left]}"

# --- bad configuration -----------------------------------------------------------------------------------------------------
bad() { # TEXT SED PATTERN
	sed "$2" "$SCEPAUTH_CONF" >"$SCEPAUTH_DIR/bad.conf"
	t_like "$1" "$("$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_DIR/bad.conf" --disconnect -t 2>&1)" "$3"
}
bad "an address that is none" 's|"192.0.2.0/25"|"192.0.2.0/33"|' 'nas.others.address: "192.0.2.0/33" is no address'
bad "a vendor that is none" 's|vendor = "aruba"|vendor = "arubo"|' 'nas.moves.vendor: "arubo"'
bad "a change that is none" 's|vlan-change = "coa"|vlan-change = "magic"|' 'nas.stubborn.vlan-change'
chmod 644 "$SCEPAUTH_DIR/secrets/nas-no"
bad "a secret that others can read" 's|x|x|' 'nas-no'
chmod 600 "$SCEPAUTH_DIR/secrets/nas-no"
echo short >"$SCEPAUTH_DIR/secrets/nas-no"
bad "a short secret" 's|x|x|' 'nas.no.secret: a secret of less than 8'
t_is "no secret was ever logged" "$(cat "$log" "$T_DIR"/*.log | grep -c "$NAS_SECRET")" 0
t_done
