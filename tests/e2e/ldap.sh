#!/usr/bin/env bash
# auto_revoke with a real slapd (TLS, syncprov) and a real Redis: what the directory says is in the ledger
# within moments, and a directory that is broken, cut or lying takes nobody off.
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/slapd.sh
. "$(dirname "$0")/../support/slapd.sh"

PEOPLE=${SCEPAUTH_LDAP_PEOPLE:-5000}

t_instance redis
slapd_make
slapd_start
slapd_tree || t_bail "no tree: $(tail -n 5 "$SLAPD_DIR/ldif.log")"
audit=$T_DIR/audit.jsonl log=$T_DIR/auto_revoke.log pid=''
run=$SCEPAUTH_DIR/run
: >"$audit" && : >"$log"

# --- helpers -------------------------------------------------------------------------------------

as() { redis_as "$1" -e "${@:2}"; } # USER REDIS-CLI-ARGS...
db() { as installer "$@"; }
id_of() { echo "u$(printf 'ldap\n%s' "$1" | sha256sum | cut -c1-32)"; } # UUID: the id that the portal gives
person() { # LOGIN GROUPS: as the portal makes them at a login by LDAP
	ids[$1]=$(id_of "$(slapd_uuid "$1")")
	as portal FCALL user_put 0 ldap "$1" "${ids[$1]}" "Name of $1" "$1@example.edu" "$2" 0 >/dev/null
}
declare -A ids
hold() { db HGET hold:ldap "${ids[$1]}"; }
held() { [[ $(hold "$1") == *suspended:* ]]; }
removed() { [[ $(hold "$1") == *removed:* ]]; }
free() { [[ -z $(hold "$1") ]]; }
groups() { db HGET "user:${ids[$1]}" groups; }
has_groups() { [[ $(groups "$1") == "$2" ]]; }
ledger() {
	db HGETALL hold:ldap | paste - - | sort
	for key in $(db --scan --pattern 'user:*' | sort); do db HMGET "$key" groups leave_at | paste - -; done
}
seen() { [[ -n $(jq -c "select($1)" "$audit") ]]; }
count() { jq -c "select($1)" "$audit" | wc -l; }
more_than() { (($(count "$2") > $1)); }
once() { "$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" --once >>"$audit" 2>>"$log"; }
daemon_start() {
	"$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" >>"$audit" 2>>"$log" &
	pid=$!
}
daemon_stop() {
	[[ -z $pid ]] || { kill "$pid" && wait "$pid"; } 2>/dev/null
	pid=''
}
t_defer daemon_stop
source_state() { jq -r ".$1" "$run/auto_revoke.sources.json"; }
state_is() { [[ $(source_state "$1") == "$2" ]]; }
change() { # LOGIN LDIF-LINE...
	{
		printf 'dn: uid=%s,ou=people,%s\nchangetype: modify\n' "$1" "$SLAPD_BASE"
		shift
		printf '%s\n' "$@"
	} | slapd_modify
}
members() { # GROUP MEMBER-DN...
	local group=$1
	shift
	printf 'dn: cn=%s,ou=groups,%s\nchangetype: modify\nreplace: member\n' "$group" "$SLAPD_BASE"
	printf 'member: %s\n' "$@"
}
dn() { echo "uid=$1,ou=people,$SLAPD_BASE"; }

# --- set-up: as docs/LEAVERS.md says -------------------------------------------------------------

for login in anna ben carl dora emil; do slapd_person "$login"; done | slapd_add
slapd_add <<END
dn: cn=staff,ou=groups,$SLAPD_BASE
objectClass: groupOfNames
cn: staff
member: $(dn anna)
member: $(dn dora)

dn: cn=students,ou=groups,$SLAPD_BASE
objectClass: groupOfNames
cn: students
member: $(dn ben)
member: cn=Physics,ou=groups,$SLAPD_BASE

dn: cn=physics,ou=groups,$SLAPD_BASE
objectClass: groupOfNames
cn: physics
member: UID=Carl, OU=people, $SLAPD_BASE
member: $(dn emil)
END
(umask 077 && echo "$SLAPD_READER_PASSWORD" >"$SCEPAUTH_DIR/secrets/ldap-password")
conf_set ldap uri "\"ldap://127.0.0.1:$SLAPD_PORT\""
conf_set ldap ca "\"$SLAPD_DIR/tls/ca.pem\""
conf_set ldap bind-dn "\"$SLAPD_READER\""
conf_set ldap base "\"$SLAPD_BASE\""
conf_set ldap filter '"(objectClass=inetOrgPerson)"'
conf_set ldap group-class '"groupOfNames"'
conf_set ldap leaver '"(employeeType=left)"'
conf_set ldap timeout 2000
conf_set leavers format '"ldap"'
conf_set leavers identity '"ldap"'
conf_set leavers source '"ldap"'
conf_set leavers interval 1
person anna staff
person ben students
person carl students
person dora staff
person emil students

t_ok "the configuration is good" "$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" -t
before=$(ledger)
t_ok "a first look by StartTLS is fine" once
t_is "and changes nothing, nested groups and odd spellings of names included" "$(ledger)" "$before"
t_ok "what was read is kept with its cookie" grep -q '^cookie [0-9a-f]\{8,\}$' "$run/auto_revoke.ldap"
t_is "of all people" "$(source_state people)" 5
t_is "no password is in it" "$(grep -c secret "$run/auto_revoke.ldap")" 0

# --- as it happens -------------------------------------------------------------------------------

daemon_start
t_ok "auto_revoke connects" t_wait 30 grep -q 'lists 5 people' "$log"
change ben 'replace: employeeType' 'employeeType: left'
cookie_came() { (($(source_state cookie_from) > 0)); }
t_ok "a change comes with a cookie" t_wait 20 cookie_came
t_like "scepctl sources says how it is" "$("$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" sources)" 'state +good.*people +5, groups 3.*lag +[0-9]+ s.*cookie +20'
t_ok "the site's own mark of a leaver holds" t_wait 20 held ben
change ben 'delete: employeeType'
t_ok "and lets go" t_wait 20 free ben
change ben 'replace: shadowExpire' 'shadowExpire: 0'
t_ok "shadowExpire 0 holds" t_wait 20 held ben
t_ok "the event names person and hold" t_wait 10 seen '.event == "user_suspended" and .login == "ben" and .hold == "ldap"'
change ben 'delete: shadowExpire'
t_ok "without it the hold is lifted" t_wait 20 free ben
change dora 'replace: shadowExpire' "shadowExpire: $(($(date +%s) / 86400 + 30))"
leaves() { (($(db HGET "user:${ids[dora]}" leave_at) == ($(date +%s) / 86400 + 30) * 86400)); }
t_ok "a leaving date arrives" t_wait 20 leaves
members staff "$(dn dora)" | slapd_modify
members students "$(dn ben)" "$(dn anna)" "cn=physics,ou=groups,$SLAPD_BASE" | slapd_modify
t_ok "another group in the directory is another group here" t_wait 20 has_groups anna students
members physics "$(dn carl)" "cn=students,ou=groups,$SLAPD_BASE" | slapd_modify
t_ok "leaving a nested group is leaving the outer one" t_wait 20 has_groups emil ''
t_is "and a ring of groups harms nobody" "$(groups carl)" students
slapd_as_admin ldapdelete "$(dn emil)"
t_ok "who is deleted is removed" t_wait 20 removed emil

# --- a login name is used again ------------------------------------------------------------------

old=${ids[emil]}
slapd_person emil | slapd_add
t_ok "the new one is listed" t_wait 20 state_is people 5
sleep 2
t_like "somebody else with that login name does not bring the old one back" "$(db HGET hold:ldap "$old")" 'removed:'
slapd_as_admin ldapmodrdn -r "$(dn carl)" uid=charles
sleep 2
t_ok "a person with a new login name is still that person" free carl

# --- the directory goes away ---------------------------------------------------------------------

before=$(ledger) n=$(count '.event == "source_failed"')
slapd_kill
t_ok "slapd dies: an alarm" t_wait 30 more_than "$n" '.event == "source_failed"'
t_ok "and the state says so" t_wait 10 state_is state failing
t_not "scepctl sources fails" "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" sources
t_like "and says why" "$("$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" sources --json | jq -r .detail)" "an't contact"
t_is "nobody is touched" "$(ledger)" "$before"
slapd_start
change ben 'replace: shadowExpire' 'shadowExpire: 0'
t_ok "slapd is back: what happened meanwhile arrives" t_wait 30 held ben
t_ok "and the alarm is over" t_wait 10 seen '.event == "source_back"'
kill -STOP "$SLAPD_PID"
n=$(count '.event == "source_failed"')
t_ok "a server that only keeps silent is noticed" t_wait 60 more_than "$n" '.event == "source_failed"'
kill -CONT "$SLAPD_PID"
change ben 'delete: shadowExpire'
t_ok "and it goes on when it speaks again" t_wait 30 free ben

# --- restarts and cookies ------------------------------------------------------------------------

daemon_stop
full=$(source_state last_full)
t_like "when everything was read last is known" "$full" '^[1-9][0-9]{9}$'
change ben 'replace: shadowExpire' 'shadowExpire: 0'
slapd_as_admin ldapdelete "$(dn anna)"
daemon_start
t_ok "after our restart: what changed meanwhile arrives" t_wait 30 held ben
t_ok "deletions too" t_wait 30 removed anna
t_is "from the cookie, without reading everything, and it is still known when that was" "$(source_state last_full)" "$full"
daemon_stop
# Restarts each day must not put off the daily full read for ever.
sed -i "s/^full .*/full $(($(date +%s) - 86300))/" "$run/auto_revoke.full"
t_ok "a restart before the day is over" once
t_ok "does not read everything" state_is last_full "$(sed -n 's/^full //p' "$run/auto_revoke.full")"
sed -i "s/^full .*/full $((full - 86500))/" "$run/auto_revoke.full"
t_ok "one after a day" once
t_ok "does" test "$(source_state last_full)" -ge "$full"
t_ok "and keeps when" grep -qx "full $(source_state last_full)" "$run/auto_revoke.full"
rm "$run/auto_revoke.full"
t_ok "when it is not known" once
t_ok "everything is read as well" grep -qx "full $(source_state last_full)" "$run/auto_revoke.full"
for cookie in 00ff "$(printf 'rid=000,csn=20990101000000.000000Z#000000#000#000000' | od -An -tx1 | tr -d ' \n')" zz; do
	sed -i "s/^cookie .*/cookie $cookie/" "$run/auto_revoke.ldap"
	t_ok "a strange cookie (${cookie:0:8}) is no harm" once
	t_is "and everybody is there" "$(source_state people)" 4
done
t_is "four people are left" "$(source_state people)" 4
head -c 300 "$run/auto_revoke.ldap" >"$run/half" && mv "$run/half" "$run/auto_revoke.ldap"
t_ok "half a cache is no cache" once
t_ok "nobody else was removed by all this" free carl
t_unlike "it was read anew" "$(source_state last_full)" '^0$'

# --- nothing without TLS -------------------------------------------------------------------------

before=$(ledger)
refused() { # TEXT REGEX: a look that fails and touches nobody
	: >"$log"
	t_not "$1: refused" once
	t_like "and it says why" "$(cat "$log")" "$2"
	t_is "nobody is touched" "$(ledger)" "$before"
}
conf_set ldap ca "\"$SLAPD_DIR/tls/wrong.pem\""
refused "a certificate of another CA" 'StartTLS failed, nothing else was sent'
conf_set ldap uri "\"ldaps://127.0.0.1:$SLAPD_TLS_PORT\""
refused "the same by ldaps" "an't contact"
conf_set ldap ca "\"$SLAPD_DIR/tls/ca.pem\""
t_ok "with the right CA ldaps is fine" once
conf_set ldap uri "\"ldaps://localhost:$SLAPD_TLS_PORT\""
refused "a name that is not in the certificate" "an't contact"
conf_set ldap uri "\"http://localhost\""
refused "another protocol" 'neither ldaps'
slapd_stop
slapd_start plain
conf_set ldap uri "\"ldap://127.0.0.1:$SLAPD_PORT\""
refused "StartTLS taken away" 'StartTLS failed, nothing else was sent'
slapd_stop
slapd_start
(umask 077 && echo wrong >"$SCEPAUTH_DIR/secrets/ldap-password")
refused "a wrong password" 'Invalid credentials'
(umask 077 && echo "$SLAPD_READER_PASSWORD" >"$SCEPAUTH_DIR/secrets/ldap-password")
conf_set ldap login '"employeeNumber"'
refused "an attribute that nobody has" 'has no employeeNumber'
conf_set ldap login '"uid"'
conf_set ldap base '"ou=nowhere,dc=example,dc=edu"'
refused "a base that does not exist" 'No such object'
conf_set ldap base "\"$SLAPD_BASE\""
conf_set ldap filter '"(uid=nobody-at-all)"'
refused "an answer with nobody in it" 'nobody is listed'
conf_set ldap filter '"(objectClass=inetOrgPerson)"'

# --- many people, in pages and by sync -----------------------------------------------------------

for ((i = 0; i < PEOPLE; i++)); do
	printf 'dn: uid=p%d,ou=people,%s\nobjectClass: inetOrgPerson\nuid: p%d\ncn: P%d\nsn: P\n\n' "$i" "$SLAPD_BASE" "$i" "$i"
done | slapd_add
for ((i = 0; i < PEOPLE; i++)); do printf 'ids[p%d]=x\n' "$i"; done >/dev/null
conf_set ldap sync '"poll"'
t_ok "$PEOPLE people in pages" once
t_is "all of them" "$(source_state people)" $((PEOPLE + 4))
conf_set ldap page 0
sed -i 's/^limits/#limits/' "$SLAPD_DIR/template"
slapd_stop && slapd_start
before=$(ledger)
refused "an answer cut at the server's size limit" 'Size limit exceeded'
sed -i 's/^#limits/limits/' "$SLAPD_DIR/template"
slapd_stop && slapd_start
conf_set ldap page 500
slapd_add <<END
dn: ou=elsewhere,$SLAPD_BASE
objectClass: referral
objectClass: extensibleObject
ou: elsewhere
ref: ldap://127.0.0.1:9/ou=elsewhere,$SLAPD_BASE
END
refused "a part of the tree that lies elsewhere" 'refers to another server'
conf_set ldap references true
t_ok "unless that is said to be fine" once
conf_set ldap references false
slapd_as_admin ldapdelete -M "ou=elsewhere,$SLAPD_BASE"
conf_set ldap sync '"auto"'

# --- how long from the directory to the ledger ---------------------------------------------------

daemon_start
t_ok "$PEOPLE people by sync" t_wait 60 grep -q "lists $((PEOPLE + 4)) people" "$log"
ms() { echo $(($(date +%s%N) / 1000000)); }
slapd_person flip | slapd_add
t_wait 60 grep -q "lists $((PEOPLE + 5)) people" "$log"
person flip students
times=()
wanted() { if [[ $1 == 1 ]]; then held flip; else free flip; fi; }
for i in {1..25}; do
	for want in 1 0; do
		if ((want)); then line='replace: shadowExpire' value='shadowExpire: 0'; else line='delete: shadowExpire' value=''; fi
		change flip "$line" ${value:+"$value"}
		begin=$(ms)
		t_wait 30 wanted "$want" || break 2
		times+=($(($(ms) - begin)))
	done
done
t_is "50 changes arrived" "${#times[@]}" 50
mapfile -t times < <(printf '%s\n' "${times[@]}" | sort -n)
t_note "ms ldap-to-ledger p50 ${times[${#times[@]} / 2]} p99 ${times[-1]} ($((PEOPLE + 5)) people, looked at every 50 ms)"
daemon_stop

t_done
