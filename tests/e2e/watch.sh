#!/usr/bin/env bash
# quick: scepctl watch shows what happens, as it happens, and nothing that a writer smuggles into the terminal.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis
ctl() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" "$@"; }
as() { redis_as "$@"; }
t_ok "a helpdesk person" ctl helpdesk add anna --password-file "$SCEPAUTH_DIR/secrets/redis-anna"
id=u$(printf '0%.0s' {1..32})
as portal FCALL user_put 0 local carl "$id" "Carl" carl@example.edu students 0 >/dev/null

t_like "what there is" "$(ctl watch --since 5 --no-follow)" '20[0-9-]+T[0-9:]+Z  actor_added +by installer  anna'
sleep 1.1 # the start is a whole second
t_is "nothing of before without --since" "$(ctl watch --no-follow)" ""
t_is "only what has every word" "$(ctl watch --since 5 --no-follow carl portal | grep -c .)" 1
t_is "and nothing else" "$(ctl watch --since 5 --no-follow carl installer | grep -c .)" 0
t_is "as JSON" "$(ctl watch --since 5 --no-follow --json user_added | jq -r '[.event, .actor, .login, .user, (.event_id | test("^[0-9]+-[0-9]+$"))] | @csv')" \
	"\"user_added\",\"portal\",\"carl\",\"$id\",true"

ctl watch --count 2 carl >"$T_DIR/live" 2>"$T_DIR/live.err" &
watcher=$!
sleep 0.5
ctl --as anna suspend carl "stolen phone" >/dev/null
t_ok "it is seen while it happens" t_wait 10 grep -q "user_suspended.*by anna  carl.*stolen phone" "$T_DIR/live"
# Redis goes and comes back: the watch goes on.
t_stop redis
t_ok "it says that Redis is away" t_wait 20 grep -q "trying again" "$T_DIR/live.err"
t_start redis
t_ok "and that it is back" t_wait 20 grep -q "is back" "$T_DIR/live.err"
ctl --as anna restore carl >/dev/null
t_ok "it ends after the events that were asked for" t_wait 20 eval "! kill -0 $watcher 2>/dev/null"
t_like "the second came after Redis was back" "$(tail -n 1 "$T_DIR/live")" "user_restored"
t_is "two lines" "$(wc -l <"$T_DIR/live")" 2

as anna XADD events:anna '*' event cert_revoked login $'\e[2J\a\r' actor root time 1 reason $'\xc2\x9b31m\xff' >/dev/null
t_unlike "control characters do not reach the terminal" "$(ctl watch --since 5 --no-follow anna | LC_ALL=C tr -d '\n' | LC_ALL=C grep -cP '[\x00-\x08\x0b-\x1f\x7f\x80-\xff]')" '[1-9]'
t_is "an actor that somebody claims is not the actor" "$(ctl watch --since 5 --no-follow --json root | jq -r '[.actor, .x_actor] | @csv')" '"anna","root"'
as anna XADD events:anna 18446744073709551615-1 event end >/dev/null
t_like "an id from the end of time" "$(ctl watch --since 5 --no-follow end)" "1970.*end .*by anna"
t_is "too long ago" "$(ctl watch --since 99999999 --no-follow >/dev/null 2>&1; echo $?)" 2
t_stop redis
t_is "no Redis at the start" "$(ctl watch --no-follow >/dev/null 2>&1; echo $?)" 3
t_like "help" "$(ctl watch --help)" "since MINUTES"
t_done
