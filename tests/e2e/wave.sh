#!/usr/bin/env bash
# Sixty people with three devices each leave at once, of seven hundred who are on the network: all of theirs end, nobody else's; a point
# that loses packets gets the same ones again, one that is slow never has more requests than it may, one that is
# silent keeps nobody waiting. bench/wave.sh is the same with 100,000 sessions and a clock.
# shellcheck source-path=SCRIPTDIR disable=SC2154,SC2034 # variables are from, or for what is evaluated
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/nas.sh
. "$T_TOP/tests/support/nas.sh"
# shellcheck source=tests/support/crowd.sh
. "$T_TOP/tests/support/crowd.sh"
people=700 leave=60

T_INIT=(--group staff:20 --group students:30)
t_instance redis
t_defer nas_stop_all
sed -i '/^disconnect {/,/^}/ { s/# give-up = .*/give-up = 20/; s/# sweep = .*/sweep = 1/ }' "$SCEPAUTH_CONF"
left() { redis_as installer ZCARD sessions; }
is_left() { (($(left) == $1)); }
# What a point saw: Acct-Session-Id of each request, once.
asked() { sed -n 's/.* first good .* 44=\([^ ]*\).*/\1/p' "$@" | sort; }
seen() { awk -v key="$2" '/^port/ { for (i = 1; i < NF; i++) if ($i == key) print $(i + 1) }' "$T_DIR/$1.nas" | sort -n | tail -n 1; }
results() { # of these people
	local i
	for ((i = $1; i <= $2; i++)); do redis_as installer XRANGE "receipt:u$(printf %032x "$((1048576 + i))")" - + | grep -A1 '^result$'; done |
		grep -v '^result$\|^--$' | sort | uniq -c | awk '{ printf "%s%s %d", (NR > 1) ? ", " : "", $2, $1 }'
}

# 1 to 12: at once. 13: loses packets. 14, 15: slow, with bounds of their own. 16: silent. 17: no session by that name. 18: slow, bound as shipped.
port=$(nas_ports 18)
crowd_nas 13 "$port"
nas_section crowd14 '"198.51.100.14"' "$((port + 13))" at-once=3
nas_section crowd15 '"198.51.100.15"' "$((port + 14))" at-once=1
for i in 16 17 18; do nas_section "crowd$i" "\"198.51.100.$i\"" "$((port + i - 1))"; done
sed -i 's/\(at-once = \)"\([0-9]*\)"/\1\2/' "$SCEPAUTH_CONF"
nas_start fast "$port-$((port + 11))" ack
nas_start lossy "$((port + 12))" ack drop=1
nas_start slow "$((port + 13))-$((port + 14))" ack delay=200
nas_start silent "$((port + 15))" silent
nas_start gone "$((port + 16))" nak=503
nas_start wide "$((port + 17))" ack delay=300
crowd_people 1 "$people"
# Who leaves: 1 to 20 where all is fast, 21 to 30 where packets get lost, 31 to 45 at the slow ones, 46 to 50 nowhere, 51 to 60 wide, 61 silent.
fast=({1..12})
crowd_join 1 20 "${fast[@]}"
crowd_join 21 30 13
crowd_join 31 40 14
crowd_join 41 45 15
crowd_join 46 50 17
crowd_join 51 60 18
crowd_join 61 70 16
crowd_join 71 "$people" "${fast[@]}" 13 14 15 17 18
t_is "all are on the network" "$(left)" "$((people * 3))"
t_start disconnect

# --- the silent one first, and then the wave -----------------------------------------------------------------
hold() { for ((i = $1; i <= $2; i++)); do echo "FCALL suspend_user 0 crowd$i wave file"; done | crowd_pipe auto_revoke; }
hold 61 70
t_wait 20 grep -q ' first ' "$T_DIR/silent.nas" || t_bail "the silent one was not asked"
hold 1 "$leave"
t_ok "all of it ends" t_wait 60 is_left "$(((people - leave) * 3))"
t_is "while the silent one is still waited for" "$(results 61 70)" ""
t_is "each has a receipt" "$(results 1 "$leave")" "ended 165, gone 15"
t_ok "where nothing was lost each was asked for once" diff <(asked "$T_DIR/fast.nas") <(crowd_acct 1 20 | sort)
all_silent() { [[ $(results 61 70) == "silent 30" ]]; }
t_ok "what waits behind the silent one is told at once" t_wait 60 all_silent
t_is "and is still known" "$(left)" "$(((people - leave) * 3))"

nas_stop_all
t_is "lost packets went out again once" "$(seen lossy again)" 30
t_is "with the same bytes under the same Identifier" "$(seen lossy changed)" 0
t_ok "nobody else was cut off anywhere" diff <(cat "$T_DIR"/{fast,lossy,slow,gone,wide}.nas | asked | sort -u) <(crowd_acct 1 60 | sort)
t_is "nor asked for at the silent one" "$(comm -23 <(asked "$T_DIR/silent.nas" | sort -u) <(crowd_acct 61 70 | sort))" ""
t_is "at most as many at once as the configuration says" "$(awk '/^port/ { print $14 }' "$T_DIR/slow.nas" | paste -sd' ')" "3 1"
t_is "or sixteen" "$(seen wide most)" 16
t_is "no packet was out of order" "$(cat "$T_DIR"/*.nas | awk '/^port/ { n += $12 } END { print n + 0 }')" 0
t_done
