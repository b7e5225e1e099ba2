#!/usr/bin/env bash
# auto_revoke and the portal with a real Active Directory domain controller (Samba): what docs/LEAVERS.md says to
# configure, changes within a second or two by the server's counter, and what only a full read finds.
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/samba.sh
. "$(dirname "$0")/../support/samba.sh"

missing=$(ad_missing)
if [[ -n $missing ]]; then
	t_skip "Active Directory: $missing"
	t_done
fi

t_instance redis
ad_make
ad_start
audit=$T_DIR/audit.jsonl log=$T_DIR/auto_revoke.log pid='' run=$SCEPAUTH_DIR/run
: >"$audit" && : >"$log"

# --- helpers -------------------------------------------------------------------------------------

as() { redis_as "$1" -e "${@:2}"; } # USER REDIS-CLI-ARGS...
declare -A ids
person() { # LOGIN GROUPS: as the portal makes them at a login
	ids[$1]=u$({ printf 'ldap\n' && ad_guid "$1" | base64 -d; } | sha256sum | cut -c1-32)
	as portal FCALL user_put 0 ldap "$1" "${ids[$1]}" "Name of $1" "$1@example.edu" "$2" 0 >/dev/null
}
hold() { as installer HGET hold:ldap "${ids[$1]}"; }
held() { [[ $(hold "$1") == *suspended:* ]]; }
removed() { [[ $(hold "$1") == *removed:* ]]; }
free() { [[ -z $(hold "$1") ]]; }
has_groups() { [[ $(as installer HGET "user:${ids[$1]}" groups) == "$2" ]]; }
leaves_at() { [[ $(as installer HGET "user:${ids[$1]}" leave_at) == "$2" ]]; }
state_is() { [[ $(jq -r ".$1" "$run/auto_revoke.sources.json") == "$2" ]]; }
full() { jq -r .last_full "$run/auto_revoke.sources.json"; }
daemon() { # OPTIONS...
	nsenter --net="/run/netns/$AD_NS" "$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" "$@" >>"$audit" 2>>"$log"
}
daemon_start() {
	nsenter --net="/run/netns/$AD_NS" "$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" >>"$audit" 2>>"$log" &
	pid=$!
}
daemon_stop() {
	[[ -z $pid ]] || { kill "$pid" && wait "$pid"; } 2>/dev/null
	pid=''
}
t_defer daemon_stop
change() { # LOGIN LDIF-LINE...
	{
		printf 'dn: %s\nchangetype: modify\n' "$(ad_dn "$1")"
		shift
		printf '%s\n' "$@"
	} | ad_modify
}
account() { change "$1" 'replace: userAccountControl' "userAccountControl: $2"; } # 512 normal, 514 disabled

# --- set-up: as docs/LEAVERS.md says -------------------------------------------------------------

ad_add <<END
dn: ou=people,$AD_BASE
objectClass: organizationalUnit
ou: people

dn: ou=left,$AD_BASE
objectClass: organizationalUnit
ou: left

END
for login in anna ben carl dora reader; do ad_person "$login"; done | ad_add
for login in anna ben carl dora reader; do ad_password "$login" "Some-secret-$login-1"; done
ad_add <<END
dn: cn=Staff Network,cn=Users,$AD_BASE
objectClass: group
sAMAccountName: staff-network
member: $(ad_dn anna)
member: $(ad_dn dora)

dn: cn=Student Network,cn=Users,$AD_BASE
objectClass: group
sAMAccountName: student-network
member: $(ad_dn ben)
member: $(ad_dn carl)
END
ad_conf Some-secret-reader-1
conf_set ldap poll 3600
conf_set leavers format '"ldap"'
conf_set leavers identity '"ldap"'
conf_set leavers source '"ldap"'
conf_set leavers brake-percent 100
sed -i -e "/^group \"staff\" {/a\\	ldap = { \"cn=Staff Network,cn=Users,$AD_BASE\" }" \
	-e "/^group \"students\" {/a\\	ldap = { \"cn=Student Network,cn=Users,$AD_BASE\" }" "$SCEPAUTH_CONF"
person anna staff
person ben students
person carl students
person dora staff

t_ok "the configuration is good" "$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" -t
t_ok "an account without rights reads what is needed" daemon --once
t_ok "all people and their groups" state_is people 5
t_ok "nobody is held" free anna
t_ok "groups are those of the store" has_groups ben students

# --- as it happens -------------------------------------------------------------------------------

daemon_start
t_ok "auto_revoke asks for the server's counter" t_wait 30 state_is mode usn
t_like "scepctl sources says so" "$("$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" sources)" 'source +ldap, usn'
account ben 514
t_ok "a disabled account is held" t_wait 30 held ben
was=$(full)
account ben 512
t_ok "and let go when it is enabled" t_wait 30 free ben
change dora 'replace: accountExpires' "accountExpires: $(((1900000000 + 11644473600) * 10000000))"
t_ok "accountExpires is a leaving date" t_wait 30 leaves_at dora 1900000000
change dora 'replace: accountExpires' 'accountExpires: 9223372036854775807'
t_ok "and never is none" t_wait 30 leaves_at dora 0
change dora 'replace: displayName' 'displayName: Dora Newname'
account carl 514
t_ok "changes of several people arrive together" t_wait 30 held carl
account carl 512
t_ok "and so does the second one" t_wait 30 free carl
t_is "without the whole directory being read again" "$(full)" "$was"

printf '%s\n' "dn: $(ad_dn dora)" 'changetype: modrdn' 'newrdn: cn=Dora Newname' 'deleteoldrdn: 1' | ad_modify
printf '%s\n' "dn: cn=Dora Newname,ou=people,$AD_BASE" 'changetype: modify' 'replace: sAMAccountName' 'sAMAccountName: dorothea' '-' \
	'replace: userAccountControl' 'userAccountControl: 514' | ad_modify
t_ok "who is renamed is the same person" t_wait 30 held dora
t_is "once" "$(jq -r .people "$run/auto_revoke.sources.json")" 5

printf '%s\n' "dn: cn=Student Network,cn=Users,$AD_BASE" 'changetype: modify' 'delete: member' "member: $(ad_dn carl)" | ad_modify
t_ok "who leaves a group loses it, though only the group changed" t_wait 60 has_groups carl ''
t_ok "and nobody else does" has_groups ben students
printf '%s\n' "dn: cn=Student Network,cn=Users,$AD_BASE" 'changetype: modify' 'add: member' "member: $(ad_dn carl)" | ad_modify
t_ok "who comes back has it again" t_wait 60 has_groups carl students

# --- the directory goes away ---------------------------------------------------------------------

failing() { [[ $(grep -c '"source_failed"' "$audit") -gt 0 ]]; }
ad_stop
t_ok "the domain controller ends: an alarm" t_wait 60 failing
t_ok "and the state says so" t_wait 30 state_is state failing
t_ok "nobody is touched" free ben
ad_start
account ben 514
t_ok "it is back: what happened meanwhile arrives" t_wait 60 held ben
account ben 512
t_ok "and goes on as before" t_wait 60 free ben
t_ok "by the counter" state_is mode usn
daemon_stop

# --- what only a full read finds -----------------------------------------------------------------

conf_set ldap poll 3
guid=$(ad_guid carl)
ad_tool ldapdelete "$(ad_dn carl)"
printf '%s\n' "dn: $(ad_dn anna)" 'changetype: modrdn' 'newrdn: cn=Name of anna' 'deleteoldrdn: 1' "newsuperior: ou=left,$AD_BASE" | ad_modify
daemon_start
t_ok "who is deleted is removed" t_wait 60 removed carl
t_ok "and so is who was moved out of the base" t_wait 60 removed anna
t_ok "the others are not" free ben
old=${ids[carl]}
ad_person carl | ad_add
ad_password carl Another-secret-1
listed() { state_is people 4; }
t_ok "somebody new gets the login name" t_wait 60 listed
t_ok "as another object" test "$(ad_guid carl)" != "$guid"
t_like "who does not bring the old one back" "$(as installer HGET hold:ldap "$old")" 'removed:'
t_is "nor gets anything of the old one's" "$(as installer HGET login:ldap carl)" "$old"
daemon_stop
conf_set ldap bind-dn '"reader@campus.test"'
(umask 077 && echo wrong >"$SCEPAUTH_DIR/secrets/ldap-password")
t_not "a wrong password ends it" daemon --once
t_like "and says so" "$(tail -n 3 "$log")" 'nvalid credentials'
t_ok "nobody is touched" free ben
(umask 077 && echo Some-secret-reader-1 >"$SCEPAUTH_DIR/secrets/ldap-password")
conf_set ldap base "\"$AD_BASE\""
t_not "at the root of the domain the server refers elsewhere, and people may be missing" daemon --once
t_like "and says what to do" "$(tail -n 3 "$log")" 'ldap.references'
t_ok "nobody is touched" free ben

t_done
