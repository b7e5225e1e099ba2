#!/usr/bin/env bash
# auto_revoke with a real Redis and the Functions: who leaves is off, nobody else is, and everything
# that happens is in the audit trail.
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"

t_instance redis
export_file=$LEAVERS_FILE
run=$SCEPAUTH_DIR/run
audit=$T_DIR/audit.jsonl
log=$T_DIR/auto_revoke.log
: >"$audit"
: >"$log"
sed -i 's/# interval = 10/interval = 1/' "$SCEPAUTH_CONF"

# --- helpers -------------------------------------------------------------------------------------

as() { redis_as "$1" -e "${@:2}"; } # USER REDIS-CLI-ARGS...
helpdesk() {
	REDISCLI_AUTH=$HELPDESK_PASSWORD redis-cli -s "$REDIS_SOCKET" --user "$HELPDESK_NAME" --no-auth-warning -e "$@"
}
db() { as installer "$@"; }

hex() { printf '%s' "$1" | sha256sum | cut -c1-"$2"; }
uid_of() { echo "u$(hex "$1" 32)"; }

person() { # LOGIN GROUPS: as the portal makes them at a login
	as portal FCALL user_put 0 local "$1" "$(uid_of "$1")" "Name of $1" "$1@example.edu" "$2" 0 >/dev/null
}
ticket() { # LOGIN TAG: an open ticket
	local device
	device=d$(hex "$1 $2" 32)
	as portal FCALL device_put 0 "$device" "$(uid_of "$1")" "laptop $2" linux >/dev/null
	as portal FCALL ticket_put 0 "$(hex "challenge $1 $2" 64)" "$(uid_of "$1")" "$device" students content \
		12345678901234567890123456789012 $(($(date +%s) + 600)) 20 >/dev/null
}
serial_of() { echo "1$(hex "$1 $2 serial" 31)"; }
cert() { # LOGIN TAG: a live certificate
	local serial now
	serial=$(serial_of "$1" "$2")
	now=$(date +%s)
	ticket "$1" "$2"
	as ca FCALL ticket_claim 0 "$(hex "challenge $1 $2" 64)" "$serial" 00112233 "$(uid_of "$1")" \
		"d$(hex "$1 $2" 32)" students "$now" $((now + 86400)) "$(hex "key $1 $2" 64)" >/dev/null
	as ca FCALL cert_commit 0 "$serial" "$(printf 'D%.0s' {1..100})" >/dev/null
}

hold() { db HGET hold:file "$(uid_of "$1")"; }
is_revoked() { [[ $(db HEXISTS revoked "$(serial_of "$1" "$2")") == 1 ]]; }
# Everything that bears on access, as one text.
ledger() {
	local key
	for key in revoked hold:file hold:helpdesk; do db HGETALL "$key" | paste - - | sort; done
	for key in $(db --scan --pattern 'user:*' | sort); do db HMGET "$key" groups leave_at | paste - -; done
}

put() { # TEXT: a new export, written aside and renamed
	printf '%s' "$1" >"$export_file.new"
	mv "$export_file.new" "$export_file"
}
once() { "$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" --once >>"$audit" 2>>"$log"; }
dry() { "$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" --dry-run 2>>"$log"; }
release() { "$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" --release-brake; }
brake() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" brake "$@"; }
events() { jq -c "select($1)" "$audit"; }
count_events() { events "$1" | wc -l; }
seen() { [[ -n $(events "$1") ]]; }

metric() { sed -n "s/^scepauth_leavers_$1 //p" "$run/metrics/auto_revoke.prom"; } # NAME, with labels
metric_is() { [[ $(metric "$1") == "$2" ]]; }
watched() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" watch --since 5 --no-follow "$1" | tail -n 1; }
leavers() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" status leavers "$@"; }

# --- a quiet start -------------------------------------------------------------------------------

person anna staff
person ben students
person carl students
person dora staff
cert anna one
cert anna two
ticket anna open
cert ben one
cert dora one
helpdesk FCALL suspend_user 0 carl "lost laptop" >/dev/null

head='login,status,groups,name,email,leave_at'
row() { echo "$1,$2,$3,Name of $1,$1@example.edu,${4-}"; }
everybody() { # [LOGIN STATUS]: the four, one of them with another status
	local login status groups
	echo "$head"
	for login in anna ben carl dora; do
		status=active groups=students
		[[ $login != anna && $login != dora ]] || groups=staff
		[[ $login != "${1-}" ]] || status=$2
		[[ $status == absent ]] || row "$login" "$status" "$groups"
	done
}
put "$(everybody)
"
before=$(ledger)
t_ok "a first look at an export that agrees is fine" once
t_is "and changes nothing" "$(ledger)" "$before"
t_is "no hold of ours is set" "$(db HLEN hold:file)" 0
t_ok "the state of the good read is kept" grep -qx 'people 4' "$run/auto_revoke.state"
t_not "nothing was applied" seen '.event == "directory_applied"'
t_ok "what happened before is in the audit trail" seen '.event == "cert_issued" and .actor == "ca" and .login == "anna"'
t_ok "every line of it is JSON with the whole envelope" \
	jq -es 'all(has("time") and has("program") and has("event") and has("actor") and (.time | test("^20[0-9-]+T[0-9:]+Z$")))' "$audit"

# --- suspended and back --------------------------------------------------------------------------

put "$(everybody ben disabled)
"
t_is "a dry run says what would be done" "$(dry | head -1)" "suspend $(uid_of ben) ben"
t_is "and does nothing" "$(ledger)" "$before"
t_ok "a disabled person is suspended" once
t_like "by our hold" "$(hold ben)" '^[0-9]+ auto_revoke suspended:'
t_not "but no certificate is revoked" is_revoked ben one
t_ok "the event names actor and person" seen '.event == "user_suspended" and .actor == "auto_revoke" and .login == "ben" and .hold == "file"'
t_ok "and the cycle is summed up" seen '.event == "directory_applied" and .suspended == "1" and .removed == "0"'
before=$(ledger) n=$(wc -l <"$audit")
t_ok "looking again" once
t_is "changes nothing" "$(ledger)" "$before"
t_is "and tells nothing" "$(wc -l <"$audit")" "$n"
put "$(everybody)
"
t_ok "an enabled person is restored" once
t_is "our hold is gone" "$(hold ben)" ""
t_like "helpdesk's hold of another is untouched" "$(db HGET hold:helpdesk "$(uid_of carl)")" 'lost laptop'
put "$(everybody carl disabled)
"
once
put "$(everybody)
"
once
t_is "also after we held and released that person" "$(hold carl)" ""
t_like "it stands" "$(db HGET hold:helpdesk "$(uid_of carl)")" 'lost laptop'

# --- removed -------------------------------------------------------------------------------------

put "$(everybody anna absent)
"
t_ok "a person who is gone from the export is removed" once
t_ok "the first certificate is revoked" is_revoked anna one
t_ok "the second one too" is_revoked anna two
t_is "the open ticket too" "$(db HEXISTS revoked "$(hex "challenge anna open" 64)")" 1
t_like "the hold says so" "$(hold anna)" '^[0-9]+ auto_revoke removed:'
t_not "nobody else's certificate is" is_revoked ben one
t_ok "the event is there" seen '.event == "user_revoked" and .actor == "auto_revoke" and .login == "anna" and .certs == "2"'
before=$(ledger) n=$(wc -l <"$audit")
t_ok "looking again" once
t_is "changes nothing" "$(ledger)" "$before"
t_is "and tells nothing" "$(wc -l <"$audit")" "$n"
put "$(everybody ben disabled | grep -v ^anna)
"
once
t_not "one is suspended" is_revoked ben one
put "$(everybody ben removed | grep -v ^anna)
"
t_ok "and then removed" once
t_ok "certificates go" is_revoked ben one
t_like "and the hold is reworded" "$(hold ben)" 'removed:'
n=$(wc -l <"$audit")
once
t_is "once" "$(wc -l <"$audit")" "$n"
put "$(everybody)
"
t_ok "they come back" once
t_is "the holds are lifted" "$(hold anna)$(hold ben)" ""
t_ok "the certificates stay revoked" is_revoked anna one

# --- groups and dates ----------------------------------------------------------------------------

put "$head
$(row anna active 'staff')
$(row ben active 'staff; students')
$(row carl active students)
$(row dora active staff 2031-05-01)
"
t_ok "changed groups and leaving dates" once
t_like "reach the store" "$(db HGET "user:$(uid_of ben)" groups)" '^(staff,students|students,staff)$'
t_is "as unix time" "$(db HGET "user:$(uid_of dora)" leave_at)" 1935360000
n=$(wc -l <"$audit")
once
t_is "and only once" "$(wc -l <"$audit")" "$n"
printf 'login\nanna\nben\ncarl\ndora\n' >"$export_file"
once
t_like "an export without groups leaves them alone" "$(db HGET "user:$(uid_of ben)" groups)" students
helpdesk FCALL restore_user 0 carl >/dev/null

# --- what must touch nobody ----------------------------------------------------------------------

good="$(everybody)
"
put "$good"
once
before=$(ledger)
refuse() { # TEXT WHAT-IS-SAID: the export as it is now is refused, and nobody is touched
	local n rc
	n=$(wc -l <"$audit")
	once && rc=0 || rc=$?
	t_is "$1: refused" "$rc" 1
	t_is "$1: nobody is touched" "$(ledger)" "$before"
	t_like "$1: the alarm says why" "$(tail -n +$((n + 1)) "$audit" | jq -r 'select(.event == "source_failed") | .detail')" "$2"
}
: >"$export_file"
refuse "an empty file" "the file is empty"
put "$head
"
refuse "a header alone" "nobody is listed"
put "${good::-30}"
refuse "cut off in a line" "no line end"
put "${good::-1}"
refuse "cut off before the last line end" "no line end"
head -c 20000 /dev/urandom >"$export_file"
refuse "garbage" "directory.csv: line "
put "<html><body>502 Bad Gateway</body></html>
"
refuse "an error page" "no column named login"
put "${good/ben,active/ben,actve}"
refuse "an unknown status" "line 3: unknown status"
put "$good$(row Ben active staff)
"
refuse "a login twice" "line 6: ben is listed twice, also in line 3"
put "$good$(printf 'zo\xeb'),active,staff,,,
"
refuse "not UTF-8" "line 6: not UTF-8"
put "${good}eve,active
"
refuse "a ragged row" "line 6: 2 fields"
rm "$export_file" && mkdir "$export_file"
refuse "a folder" "not a regular file"
rmdir "$export_file" && mkfifo "$export_file"
refuse "a FIFO" "not a regular file"
rm "$export_file"
t_not "a missing file fails" once
t_is "and touches nobody" "$(ledger)" "$before"
put "$(everybody ben absent)
"
touch -d '2020-01-01' "$export_file"
refuse "an old export put back" "older than the export that was applied last"
put "$good# end 4
"
t_ok "an export with an end line" once
put "$(everybody ben absent)
"
refuse "its cut-off successor" "end line .* is missing"
put "$(everybody ben absent)
# end 4
"
refuse "a wrong end line" "says 4 people, the file lists 3"
put "$(everybody ben disabled)
# end 4
"
t_ok "a right one" once
t_like "is followed" "$(hold ben)" suspended
rm "$run/auto_revoke.state"
put "$good"
once
t_is "all is well again" "$(ledger)" "$before"

# A writer that takes its time: what is there in between is not acted on.
(
	printf '%s\n' "$head"
	for login in anna ben carl dora; do
		row "$login" active "$([[ $login == [ad]* ]] && echo staff || echo students)"
		sleep 0.4
	done
) >"$export_file" &
writer=$!
sleep 0.3
t_ok "an export that is being written is waited for" once
wait "$writer"
t_is "and nobody is touched by its first half" "$(ledger)" "$before"

# --- the brake -----------------------------------------------------------------------------------

for n in $(seq -w 60); do
	echo "FCALL user_put 0 local p$n $(uid_of "p$n") P$n p$n@example.edu students 0"
done | as portal >/dev/null
crowd() { # SED-EXPRESSION: the four and the sixty, edited
	{
		everybody
		for n in $(seq -w 60); do row "p$n" active students; done
	} | sed "${1-}"
}
put "$(crowd)
"
once
before=$(ledger)
put "$(crowd '/^p0[1-7]/s/active/disabled/')
"
once && rc=0 || rc=$?
t_is "7 of 64 people are more than a tenth: the brake" "$rc" 1
t_is "nothing is applied" "$(ledger)" "$before"
t_is "the alarm counts" "$(events '.event == "brake_engaged"' | jq -r '[.why, .affected, .known, .listed] | join(" ")')" \
	"percent 7 64 64"
t_like "and shows a sample" "$(events '.event == "brake_engaged"' | jq -r .sample)" '^p01 p02 p03'
t_is "the list is there for the operator" "$(grep -c '^suspend u' "$run/auto_revoke.brake")" 7
t_like "the log says how to release" "$(cat "$log")" 'scepctl -c CONF brake release file REASON'
brake show >"$T_DIR/show.txt" && rc=0 || rc=$?
t_is "scepctl shows it, with an exit status for monitoring" "$rc" 1
t_like "how many of whom, and why" "$(cat "$T_DIR/show.txt")" \
	'7 of 64 people would lose access: remove 0, suspend 7, groups or date 0'
t_like "since when, and for which source" "$(head -1 "$T_DIR/show.txt")" '^file: the brake holds since 20[0-9T:-]+Z: more of all people'
t_is "a sample of them" "$(grep -c '^  suspend p0' "$T_DIR/show.txt")" 7
t_is "all of them" "$(brake show --all | grep -c "^suspend u")" 7
t_is "as JSON" "$(brake show --json | jq -c '[.engaged, .source, .why, .affected, .known, .suspend, (.sample | length), .sample[0].login, .released]')" \
	'[true,"file","percent",7,64,7,7,"p01",false]'
t_not "a release needs a source" brake release
t_not "and a reason" brake release file
t_not "and the right source" brake release ldap "term ended"
t_not "and a reason that is one line" brake release file $'term\nended'
t_not "of a list that was another" brake release file "term ended" --list 0123456789abcdef
t_like "which is said" "$(brake release file "term ended" --list 0123456789abcdef 2>&1)" 'another one by now'
t_like "a dry run says what would be released" "$(brake release file "term ended" --dry-run | tail -1)" '^# would be released by uid .*7 of 64'
t_not "and releases nothing" test -e "$run/auto_revoke.approved"
put "$(crowd '/^p0[1-6]/s/active/disabled/')
"
t_ok "6 of 64 people are not" once
t_like "they are suspended" "$(hold p06)" suspended
t_not "the brake is off" test -e "$run/auto_revoke.brake"
t_ok "which is told" seen '.event == "brake_cleared"'
before=$(ledger)
put "$(crowd '/^p0[1-7]/s/active/disabled/')
"
once && rc=0 || rc=$?
t_is "one more in the next read is: slices of a day add up" "$rc" 1
t_is "nothing is applied" "$(ledger)" "$before"
put "$(crowd '/^p0[2-7]/s/active/disabled/')
"
t_ok "who came back does not count" once
put "$(crowd '/^p0[2-7]/s/active/disabled/; s/,students,/,chess,/')
"
once && rc=0 || rc=$?
t_is "groups that give no access, for all: the brake" "$rc" 1
put "$(crowd '/^p0[2-7]/s/active/disabled/; s/\(^p.*edu,\)$/\1'"$(date -u -d tomorrow +%F)"'/')
"
once && rc=0 || rc=$?
t_is "all leave tomorrow: the brake" "$rc" 1
t_is "no date is set" "$(db HGET "user:$(uid_of p20)" leave_at)" 0
put "$(crowd)
"
once
before=$(ledger)
put "$(crowd '/^p[0-2]/s/active/removed/')
"
once
t_ok "an operator releases" release
digest=$(sed -n 's/^digest //p' "$run/auto_revoke.approved")
put "$(crowd '/^p[0-2]/s/active/removed/;/^p30/d')
"
once && rc=0 || rc=$?
t_is "an export that takes one more off needs a new release" "$rc" 1
t_is "nothing is applied" "$(ledger)" "$before"
t_not "the old release is void" test -e "$run/auto_revoke.approved"
t_unlike "the new list has another digest" "$(sed -n 's/^digest //p' "$run/auto_revoke.brake")" "^$digest$"
put "$(crowd '/^p[0-2]/s/active/removed/')
"
once
release >"$T_DIR/release.txt"
t_like "the release shows whom it is about" "$(cat "$T_DIR/release.txt")" "remove $(uid_of p07) p07"
t_is "what waits for the next look is shown" "$(brake show --json | jq .released)" true
list=$(brake show --json | jq -r .list)
t_ok "the same by scepctl, with a reason" brake release file "term ended" --list "${list:0:16}"
t_ok "what was released is applied" once
t_is "to all of them" "$(db HVALS hold:file | grep -c 'removed:')" 29
t_ok "and it is told who released" seen '.event == "brake_released" and .affected == "29" and (.by | test("^uid [0-9]+")) and .reason == "term ended"'
t_is "the brake is off" "$(brake show)" "file: the brake is not engaged"
t_not "so there is nothing to release" brake release file "term ended"
t_not "brake and release are gone" compgen -G "$run/auto_revoke.[ab][pr]*"
n=$(wc -l <"$audit")
once
t_is "looking again does nothing" "$(wc -l <"$audit")" "$n"
t_not "there is nothing to release now" release

# A released plan that was cut short goes on; without that, the rest would need a new release.
put "$(crowd '/^p[0-2]/s/active/removed/;/^p[345]/s/active/removed/')
"
once
digest=$(sed -n 's/^digest //p' "$run/auto_revoke.brake")
t_is "another thirty wait" "$(grep -c '^remove u' "$run/auto_revoke.brake")" 30
release >/dev/null
as auto_revoke FCALL revoke_user 0 "$(uid_of p30)" "removed: not in the directory any more" file >/dev/null
cp "$run/auto_revoke.brake" "$run/auto_revoke.approved" "$T_DIR"
before=$(ledger)
once
t_is "a smaller plan than the released one waits as well" "$(ledger)" "$before"
cp "$T_DIR/auto_revoke.brake" "$T_DIR/auto_revoke.approved" "$run"
echo "applying $digest" >>"$run/auto_revoke.state"
t_ok "unless it is the rest of it" once
t_is "which is then applied" "$(db HVALS hold:file | grep -c 'removed:')" 59
# Cut short when everything was applied and only the note of it was not: those people were released all the same.
sed -i 's/^counted_from .*/counted_from 7/' "$run/auto_revoke.state"
echo "applying $digest" >>"$run/auto_revoke.state"
t_ok "the rest may be nothing" once
t_ok "which ends the release, and whom it took counts no more" grep -qE '^counted_from [1-9][0-9]{9}$' "$run/auto_revoke.state"
t_not "for good" grep -q '^applying' "$run/auto_revoke.state"

# Half the people gone is the mark of half an export, however few of them we know.
rm "$run/auto_revoke.state"
put "$(everybody; for n in $(seq 20); do echo "x$n,active,,,,"; done)
"
t_ok "a good read of twenty-four" once
put "$(everybody carl absent)
"
once && rc=0 || rc=$?
t_is "a list of less than half the last one: the brake" "$rc" 1
t_like "for that reason" "$(sed -n 's/^why //p' "$run/auto_revoke.brake")" '^shrunk$'
t_is "carl keeps access" "$(hold carl)" ""
put "$good"
t_ok "a short list that takes nothing from anybody passes" once
t_ok "but is not the measure for the next" grep -qx "people 24" "$run/auto_revoke.state"
rm "$run/auto_revoke.state"
once

# --- the daemon ----------------------------------------------------------------------------------

daemon_start() {
	"$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" >>"$audit" 2>>"$log" &
	daemon=$!
	t_defer "kill $daemon 2>/dev/null"
	t_wait 10 grep -q "ready $export_file" "$log"
}
: >"$log"
daemon_start
t_ok "the daemon gets ready" grep -q "ready $export_file" "$log"
t_not "a second one on the same instance does not" once
t_like "and says why" "$(tail -1 "$log")" 'another auto_revoke works on this instance'

cert carl one
helpdesk FCALL revoke_cert 0 "$(serial_of carl one)" $'stolen, says "carl"\xc3\xa9' >/dev/null
t_ok "what helpdesk types in redis-cli is in the audit trail" t_wait 10 seen \
	".event == \"cert_revoked\" and .actor == \"$HELPDESK_NAME\" and .login == \"carl\" and .serial == \"$(serial_of carl one)\""
t_is "with the reason as typed" "$(events ".event == \"cert_revoked\" and .actor == \"$HELPDESK_NAME\"" | jq -r .reason)" \
	$'stolen, says "carl"\xc3\xa9'
helpdesk XADD "events:$HELPDESK_NAME" '*' event cert_issued actor ca program scep_ca time 0 detail $'two\nlines {"event":"x"}' >/dev/null
t_ok "an event made up by hand carries its writer's name" t_wait 10 seen \
	".actor == \"$HELPDESK_NAME\" and .event == \"cert_issued\" and .x_actor == \"ca\" and .x_program == \"scep_ca\""
helpdesk XADD "events:$HELPDESK_NAME" '*' note $'bytes \xff\xfe \x01' >/dev/null
t_ok "and nonsense is shown as such" t_wait 10 seen ".actor == \"$HELPDESK_NAME\" and .event == \"event_malformed\""
t_ok "the trail is still one JSON object a line" jq -es 'all(type == "object")' "$audit"
t_is "and no line is missing one" "$(wc -l <"$audit")" "$(jq -c . "$audit" | wc -l)"

put "$(everybody ben disabled)
"
held() { [[ -n $(hold "$1") ]]; }
free() { [[ -z $(hold "$1") ]]; }
t_ok "a change of the export is seen" t_wait 10 held ben
put "$(everybody)
$(row zoe disabled staff)
"
t_ok "and the next" t_wait 10 free ben
person zoe staff
t_ok "a person who turns up at the portal but is disabled is held at once" t_wait 8 held zoe

t_ok "metrics count what was done" t_wait 15 metric_is 'steps_total{source="file",step="suspended"}' 2
t_is "each by itself" "$(metric 'steps_total{source="file",step="restored"}') $(metric 'steps_total{source="file",step="removed"}')" "1 0"
t_is "how many are listed" "$(metric 'source_people{source="file"}')" 5
t_prom "in good form" "$run/metrics/auto_revoke.prom"
t_is "readable by the collector" "$(stat -c %a "$run/metrics" "$run/metrics/auto_revoke.prom" | xargs)" "755 644"
t_is "each is described" "$(sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' "$run/metrics/auto_revoke.prom" |
	while read -r m; do grep -q "^|.*\`$m\`" "$T_TOP/docs/LEAVERS.md" || echo "$m"; done)" ""
leavers >"$T_DIR/leavers.txt" && rc=0 || rc=$?
t_is "monitoring is told that all is well" "$rc $(wc -l <"$T_DIR/leavers.txt")" "0 1"
t_like "in one line" "$(cat "$T_DIR/leavers.txt")" \
	'^LEAVERS OK - no access points .*; file heard [0-9]+ s ago, 5 people, brake off\|lag=[0-9]+s people=5 held_back=0$'
t_is "as JSON" "$(leavers --json | jq -r .state)" OK
t_like "scepctl status says so too" "$("$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" status)" $'\nleavers   OK - .*, brake off'
t_not "and knows no other word" "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" status joiners

kill -USR1 "$daemon"
t_ok "SIGUSR1 writes a status line" t_wait 5 grep -q 'source good; listed 5; .*brake off; store there' "$run/auto_revoke.status"

# Redis away and back.
t_stop redis
: >"$log"
put "$(everybody ben disabled)
$(row zoe active staff)
"
sleep 3
t_is "Redis away is told once" "$(grep -c 'leavers wait until the store is back' "$log")" 1
t_ok "the daemon lives" kill -0 "$daemon"
t_start redis
t_ok "back again" t_wait 20 grep -q 'the store is back' "$log"
t_ok "the change made meanwhile is applied" t_wait 10 held ben
t_ok "also the other" t_wait 5 free zoe
t_ok "and told" t_wait 5 seen '.event == "user_restored" and .login == "zoe"'

# Brake and release while the daemon runs.
for n in $(seq -w 10); do person "q$n" students; done
put "$(everybody; for n in $(seq -w 10); do row "q$n" active students; done)
"
t_ok "ten more" t_wait 10 free ben
put "$(everybody; for n in $(seq -w 10); do row "q$n" disabled students; done)
"
t_ok "the daemon brakes" t_wait 10 test -s "$run/auto_revoke.brake"
t_is "nobody is held" "$(hold q01)" ""
t_ok "metrics show the brake" t_wait 15 metric_is 'brake_people{source="file"}' 10
leavers >"$T_DIR/leavers.txt" && rc=0 || rc=$?
t_is "monitoring is told" "$rc" 2
t_like "scepctl watch shows it in a line" "$(watched brake_engaged)" '  brake_engaged +by auto_revoke  file  percent, 10 of [0-9]+$'
t_like "what it is" "$(cat "$T_DIR/leavers.txt")" '^LEAVERS CRITICAL - the brake holds back 10 people; '
release >/dev/null
t_ok "a release is noticed" t_wait 10 held q10
t_ok "and the brake is off" t_wait 5 test ! -e "$run/auto_revoke.brake"

# A source that goes silent.
: >"$log"
rm "$export_file"
t_ok "a missing export is an alarm after some looks" t_wait 15 seen '.event == "source_missing"'
t_like "nobody is touched by it" "$(hold q10)" suspended
t_ok "metrics show it" t_wait 15 metric_is 'source_up{source="file"}' 0
t_like "monitoring is told" "$(leavers)" '^LEAVERS CRITICAL - the source cannot be read; '
sleep 3
t_is "told once" "$(count_events '.event == "source_missing"')" 1
put "$(everybody)
"
t_ok "its return is told" t_wait 10 seen '.event == "source_back"'

# An export that nobody writes any more.
kill "$daemon"
wait "$daemon"
sed -i '/^leavers {/,/^}/s/# silent-after = .*/silent-after = 3600/' "$SCEPAUTH_CONF"
: >"$log"
put "$(everybody)
"
touch -d '-30 minutes' "$export_file"
sed -i 's/^mtime_ns .*/mtime_ns 0/' "$run/auto_revoke.state"
daemon_start
t_ok "half an hour is young enough" t_wait 15 metric_is 'source_silent{source="file"}' 0
t_not "so nothing is told" seen '.event == "source_silent"'
touch -d '-2 hours' "$export_file"
sed -i 's/^mtime_ns .*/mtime_ns 0/' "$run/auto_revoke.state"
t_ok "two hours are not" t_wait 15 seen '.event == "source_silent" and .source == "file" and (.detail | test("^nothing was heard since 20.*, for more than 3600 s$"))'
t_ok "metrics show it" t_wait 15 metric_is 'source_silent{source="file"}' 1
t_like "monitoring is told" "$(leavers)" '^LEAVERS CRITICAL - the source is silent; '
touch "$export_file"
t_like "scepctl watch too" "$(watched source_silent)" '  source_silent +by auto_revoke  file  nothing was heard since 20[^ ]+, for more than 3600 s$'
t_is "the audit trail has it once" "$(count_events '.event == "source_silent"')" 1
t_ok "until it is written again" t_wait 15 seen '.event == "source_heard" and .source == "file"'

# Somebody who comes to both between two looks.
kill "$daemon"
wait "$daemon"
sed -i 's/interval = 1$/interval = 3600/' "$SCEPAUTH_CONF"
: >"$log"
daemon_start
t_wait 10 grep -q 'lists 4 people' "$log"
put "$(everybody)
$(row nina active students)
"
person nina students
cert nina one
t_ok "a person who is new to directory and portal is looked for once more" t_wait 20 grep -q 'lists 5 people' "$log"
t_not "and not held" held nina
t_not "nor is the certificate revoked" is_revoked nina one
sed -i 's/interval = 3600$/interval = 1/' "$SCEPAUTH_CONF"

kill -TERM "$daemon"
rc=0
wait "$daemon" || rc=$?
t_is "SIGTERM ends it cleanly" "$rc" 0
t_unlike "no sanitizer complained" "$(cat "$log")" 'Sanitizer|runtime error'

# Nothing that happened while it was down is lost.
cert dora two
helpdesk FCALL revoke_user 0 dora "left in anger" >/dev/null
once
t_ok "what happened while it was down is told afterwards" seen \
	".event == \"user_revoked\" and .actor == \"$HELPDESK_NAME\" and .login == \"dora\""
t_is "and nothing is told twice" "$(jq -r 'select(.event_id) | .actor + " " + .event_id' "$audit" | sort | uniq -d)" ""

# As if more had happened meanwhile than Redis keeps.
for n in 1 2 3; do helpdesk FCALL suspend_user 0 ben "time $n" >/dev/null && helpdesk FCALL restore_user 0 ben >/dev/null; done
db XTRIM "events:$HELPDESK_NAME" MAXLEN 2 >/dev/null
once
t_ok "what is gone before it was read is said" seen ".event == \"events_lost\" and .writer == \"$HELPDESK_NAME\" and (.after | test(\"^[0-9]+-[0-9]+$\"))"
t_ok "and what is left is told" seen ".event == \"user_restored\" and .actor == \"$HELPDESK_NAME\" and .login == \"ben\""
once
t_is "once" "$(count_events '.event == "events_lost"')" 1

t_ok "every event seen so far, and each of its fields, is documented" "$T_TOP/tests/e2e/docs-events.sh" "$audit"
t_ok "start and end of the daemon are told" seen '.event == "stopped" and .actor == "auto_revoke"'

# --- LDIF ----------------------------------------------------------------------------------------

sed -i 's/# format = "csv"/format = "ldif"/' "$SCEPAUTH_CONF"
cat >"$export_file" <<-END
	version: 1

	dn: uid=anna,dc=example,dc=edu
	uid: anna
	cn:: QW5uYSDDhA==

	dn: uid=ben,dc=example,dc=edu
	uid: ben
	nsAccountLock: TRUE

	dn: uid=carl,dc=example,dc=edu
	uid: carl

	dn: uid=dora,dc=example,dc=edu
	uid: dora

	$(for n in $(seq -w 10); do printf 'dn: uid=q%s\nuid: q%s\n\n' "$n" "$n"; done)

	dn: uid=zoe
	uid: zoe

	END
t_ok "an LDIF export" once
t_like "suspends" "$(hold ben)" suspended
t_is "and names" "$(db HGET "user:$(uid_of anna)" name)" $'Anna \xc3\x84'
sed -i 's/^dn: uid=carl.*/changetype: delete/' "$export_file"
t_not "a broken one is refused" once

# --- configuration -------------------------------------------------------------------------------

check() { "$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" -t 2>&1; }
t_ok "-t finds the configuration good" check
sed -i 's/format = "ldif"/format = "xml"/' "$SCEPAUTH_CONF"
out=$(check) && rc=0 || rc=$?
t_is "an unknown format is a configuration error" "$rc" 2
t_like "that says so" "$out" 'format: "xml" is neither csv nor ldif'
sed -i 's/format = "xml"/format = "csv"/' "$SCEPAUTH_CONF"
chmod 644 "$SCEPAUTH_DIR/secrets/redis-auto_revoke"
out=$(check) && rc=0 || rc=$?
t_is "a readable password file is refused" "$rc" 2
t_like "with the way to mend it" "$out" 'chmod'
chmod 600 "$SCEPAUTH_DIR/secrets/redis-auto_revoke"
t_stop redis
put "$(everybody)
"
once && rc=0 || rc=$?
t_is "--once without Redis says backend" "$rc" 3
t_not "two modes at a time are refused" "$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" --once --dry-run

t_done
