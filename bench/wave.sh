#!/usr/bin/env bash
# Leavers by the thousand while the campus is full: 100,000 live sessions at 40 access points that answer at once. A thousand people with
# three devices each are held, all within a moment; then a thousand more are gone from the directory's export. Meanwhile the ledger
# is asked 200 times a second, as by RADIUS servers. Ends with the lines that bench/README.md explains.
# SCEPAUTH_PEOPLE: on the network (33,400); SCEPAUTH_WAVE: who leaves each time (1,000).
# shellcheck source-path=SCRIPTDIR disable=SC2154,SC2034 # variables are from, or for what is evaluated
. "$(dirname "$0")/../tests/support/lib.sh"
# shellcheck source=tests/support/nas.sh
. "$T_TOP/tests/support/nas.sh"
# shellcheck source=tests/support/crowd.sh
. "$T_TOP/tests/support/crowd.sh"
people=${SCEPAUTH_PEOPLE:-33400}
leave=${SCEPAUTH_WAVE:-1000}
points=40
ask=$SCEPAUTH_BIN/../tests/bin/ask_load
figures=$T_DIR/figures

T_INIT=(--group staff:20 --group students:30)
t_instance redis
t_defer nas_stop_all
conf_set leavers brake-percent 100
conf_set leavers brake-count 1000000
conf_set leavers interval 1
ms() { echo $(($(date +%s%N) / 1000000)); }
left() { redis_as installer ZCARD sessions; }
pid() { cut -d' ' -f1 "$SCEPAUTH_DIR/run/$1.pid"; }
mib() { awk '/VmHWM/ { printf "%.0f", $2 / 1024 }' "/proc/$(pid "$1")/status"; }
cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{ printf "%d", ($14 + $15) * 1000 / hz }' "/proc/$(pid "$1")/stat"; }

port=$(nas_ports "$points")
crowd_nas "$points" "$port"
nas_start all "$port-$((port + points - 1))" ack quiet
begin=$(ms)
crowd_people 1 "$people"
# shellcheck disable=SC2046 # one word each
crowd_join 1 "$people" $(seq "$points")
t_is "all are on the network" "$(left)" "$((people * 3))"
t_note "in $(($(ms) - begin)) ms"
# Of those who stay.
for ((i = people; i > people - people / 4; i--)); do printf '50%028x01\n' "$i"; done >"$T_DIR/serials"

asked() { # NAME COMMAND...: how long questions take meanwhile
	local name=$1 asking
	shift
	"$ask" "$SCEPAUTH_CONF" 5 <"$T_DIR/serials" >"$T_DIR/$name.asked" 2>&1 &
	asking=$!
	t_defer "kill $asking 2>/dev/null"
	t_wait 10 grep -q ready "$T_DIR/$name.asked" || t_bail "no questions: $(cat "$T_DIR/$name.asked")"
	"$@"
	kill "$asking"
	wait "$asking"
	echo "questions $name $(grep ^asked "$T_DIR/$name.asked")" >>"$figures"
}
over() { (($(left) <= $1)); }
wave() { # NAME LEFT COMMAND...
	local name=$1 want=$2 begin typed end
	shift 2
	begin=$(ms)
	"$@"
	typed=$(ms)
	t_ok "$name: all of it ends" t_wait 90 over "$want"
	end=$(ms)
	echo "ms wave $name last $((end - begin)) of which telling took $((typed - begin)) sessions_per_s $((leave * 3 * 1000 / (end - begin)))" >>"$figures"
}
hold_all() { for ((i = 1; i <= leave; i++)); do echo "FCALL suspend_user 0 crowd$i wave file"; done | redis_as auto_revoke >/dev/null; }
export_from() { # FIRST: everybody from there on
	{ echo login && seq -f "crowd%.0f" "$1" "$people"; } >"$LEAVERS_FILE.new"
	mv "$LEAVERS_FILE.new" "$LEAVERS_FILE"
}

disk_ms() { # a write of one block that is on the disk
	local begin
	begin=$(ms)
	dd if=/dev/zero of="$T_DIR/block" bs=512 count=50 oflag=dsync 2>/dev/null
	awk -v ms="$(($(ms) - begin))" 'BEGIN { printf "%.1f", ms / 50 }'
}
calls() { redis_as installer INFO commandstats | sed -n 's/^cmdstat_fcall_ro:calls=\([0-9]*\).*/\1/p'; }
sweep() {
	local before cpu begin
	begin=$(ms) before=$(calls) cpu=$(cpu_ms redis)
	sleep "${SCEPAUTH_SWEEP:-15}"
	# 200 of them in a second were questions, each other one looked at 50.
	awk -v ms="$(($(ms) - begin))" -v calls="$(($(calls) - before))" -v cpu="$(($(cpu_ms redis) - cpu))" -v all="$((people * 3))" 'BEGIN {
		printf "sweep round_s %.0f redis_cpu_share %.2f\n", all / 50 / (calls / ms - 0.2) / 1000, cpu / ms }' >>"$figures"
}
echo "disk_ms $(disk_ms)" >>"$figures"
asked nothing_else sleep 3
t_start disconnect
asked sweep sweep
asked held wave held "$(((people - leave) * 3))" hold_all
export_from 1
t_start leavers
t_ok "the export is read" t_wait 60 test -e "$SCEPAUTH_DIR/run/auto_revoke.state"
asked export wave export "$(((people - 2 * leave) * 3))" export_from "$((2 * leave + 1))"

results() {
	redis_as installer EVAL "local n, out = {}, '' for _, k in ipairs(redis.call('KEYS', 'receipt:u*')) do
		for _, e in ipairs(redis.call('XRANGE', k, '-', '+')) do
			for f = 1, #e[2], 2 do if e[2][f] == 'result' then n[e[2][f + 1]] = (n[e[2][f + 1]] or 0) + 1 end end
		end
	end for k, v in pairs(n) do out = out .. ' ' .. k .. ' ' .. v end return out" 0
}
echo "receipts$(results)" >>"$figures"
echo "mib redis $(mib redis) disconnect $(mib disconnect) leavers $(mib leavers)" >>"$figures"
nas_stop all
awk '/^port/ { p += $4; r += $6; a += $8; c += $10; b += $12; if ($14 > m) m = $14 } END {
	print "points packets", p, "requests", r, "again", a, "changed", c, "bad", b, "most_at_once", m }' "$T_DIR/all.nas" >>"$figures"
echo "1..$t_count"
cat "$figures"
t_finished=1
exit $((t_failed > 0))
