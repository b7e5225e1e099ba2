#!/usr/bin/env bash
# Logins at the portal by a real slapd: who may in, who may not, and what is said when the directory is away.
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/slapd.sh
. "$(dirname "$0")/../support/slapd.sh"

T_INIT=(--group staff:20 --group students:30)
t_instance redis
slapd_make
slapd_start
slapd_tree || t_bail "no tree"
cd "$T_DIR" || exit 1

# --- helpers -------------------------------------------------------------------------------------

try() { # LOGIN PASSWORD: STATUS and BODY of one login; the cookie stays in jar
	rm -f jar
	curl -sS --max-time 30 --cacert "$ROOT_CERT" -c jar -o page "$PORTAL_URL/login"
	STATUS=$(curl -sS --max-time 30 --cacert "$ROOT_CERT" -b jar -c jar -o page -w '%{http_code}' \
		-H "Origin: $PORTAL_URL" --data-urlencode "login=$1" --data-urlencode "password=$2" \
		--data-urlencode "csrf=$(sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' page | head -n 1)" "$PORTAL_URL/login")
	BODY=$(<page)
}
db() {
	REDISCLI_AUTH=$(<"$SCEPAUTH_DIR/secrets/redis-installer") redis-cli -s "$REDIS_SOCKET" --user installer \
		--no-auth-warning -e "$@"
}
portal() { t_stop portal && t_start portal; } # anew: the throttle forgets
change() { # LOGIN LDIF-LINE...
	{
		printf 'dn: uid=%s,ou=people,%s\nchangetype: modify\n' "$1" "$SLAPD_BASE"
		shift
		printf '%s\n' "$@"
	} | slapd_modify
}
dn() { echo "uid=$1,ou=people,$SLAPD_BASE"; }

for login in anna ben carl 'a*b'; do slapd_person "$login" "secret of $login"; done | slapd_add
slapd_add <<END
dn: cn=employees,ou=groups,$SLAPD_BASE
objectClass: groupOfNames
cn: employees
member: cn=lab,ou=groups,$SLAPD_BASE

dn: cn=lab,ou=groups,$SLAPD_BASE
objectClass: groupOfNames
cn: lab
member: $(dn anna)
member: cn=employees,ou=groups,$SLAPD_BASE

dn: cn=students,ou=groups,$SLAPD_BASE
objectClass: groupOfNames
cn: students
member: $(dn ben)
member: $(dn carl)
END
(umask 077 && echo "$SLAPD_READER_PASSWORD" >"$SCEPAUTH_DIR/secrets/ldap-password")
conf_set ldap uri "\"ldap://127.0.0.1:1 ldap://127.0.0.1:$SLAPD_PORT\""
conf_set ldap ca "\"$SLAPD_DIR/tls/ca.pem\""
conf_set ldap bind-dn "\"$SLAPD_READER\""
conf_set ldap base "\"$SLAPD_BASE\""
conf_set ldap filter '"(objectClass=inetOrgPerson)"'
conf_set ldap group-class '"groupOfNames"'
conf_set ldap timeout 2000
conf_set portal login '"ldap"'
sed -i '0,/^group "staff" {/s//group "staff" {\n\tldap = { "CN=Employees, ou=groups, dc=example,dc=edu" }/' "$SCEPAUTH_CONF"
t_start portal

# --- who may in ----------------------------------------------------------------------------------

try anna 'secret of anna'
t_is "the right password lets in, the first server being away" "$STATUS" 303
id=u$(printf 'ldap\n%s' "$(slapd_uuid anna)" | sha256sum | cut -c1-32)
t_is "as the person of the directory's stable id" "$(db HMGET "user:$id" source login name email | tr '\n' ' ')" \
	"ldap anna Name of anna anna@example.edu "
t_is "in the group that a nested group leads to, a ring of groups being no harm" "$(db HGET "user:$id" groups)" staff
t_is "and on the page for devices" "$(curl -sS --cacert "$ROOT_CERT" -b jar -o page -w '%{http_code}' "$PORTAL_URL/devices")" 200
try BEN 'secret of ben'
t_is "a login in capitals is the same person" "$STATUS $(db HGET "user:u$(printf 'ldap\n%s' "$(slapd_uuid ben)" | sha256sum | cut -c1-32)" login)" "303 ben"

# --- who may not ---------------------------------------------------------------------------------

refused() { # TEXT LOGIN PASSWORD [STATUS]
	try "$2" "$3"
	t_is "$1: refused" "$STATUS" "${4:-403}"
	t_not "and no session came of it" grep -q 'devices/new' page
}
refused "a wrong password" anna 'secret of ben'
wrong=$(sed 's/value="[^"]*"//g' page)
refused "an unknown login" nobody-here x
t_is "with the same page" "$(sed 's/value="[^"]*"//g' page)" "$wrong"
refused "an empty password" anna '' 422
refused "a star for a login" '*' 'secret of anna'
refused "a star in a login" 'ann*' 'secret of anna'
refused "a filter for a login" 'anna)(uid=*' 'secret of anna'
refused "a name of the tree for a login" "$(dn anna)" 'secret of anna'
portal
refused "a literal star is no login name of ours" 'a*b' 'secret of a*b'
change ben 'replace: shadowExpire' 'shadowExpire: 0'
refused "a disabled person with the right password" ben 'secret of ben'
change ben 'replace: shadowExpire' "shadowExpire: $(($(date +%s) / 86400 + 5))"
try ben 'secret of ben'
t_is "an account that ends next week lets in" "$STATUS" 303
change anna 'add: employeeType' 'employeeType: left'
try anna 'secret of anna'
t_is "a mark that means nothing here" "$STATUS" 303
conf_set ldap leaver '"(employeeType=left)"'
portal
refused "who matches the site's own filter of leavers" anna 'secret of anna'
try ben 'secret of ben'
t_is "not who does not" "$STATUS" 303
change anna 'replace: employeeType' 'employeeType: staff'
try anna 'secret of anna'
t_is "nor who is back" "$STATUS" 303
conf_set ldap leaver '"(leftWhen=*)"'
portal
refused "a filter that the directory cannot decide lets nobody in" anna 'secret of anna'
conf_set ldap leaver '"(employeeType=left"'
portal
try anna 'secret of anna'
t_is "one that is no filter: come back later" "$STATUS" 503
conf_set ldap leaver '""'
portal
try anna 'secret of anna'
t_is "(in again)" "$STATUS" 303
slapd_as_admin ldapdelete "$(dn carl)"
refused "who is deleted" carl 'secret of carl'
portal

# --- a login name is used again ------------------------------------------------------------------

slapd_as_admin ldapdelete "$(dn ben)"
slapd_person ben 'another secret' | slapd_add
try ben 'another secret'
t_is "somebody else with a used login name is refused, not an error" "$STATUS" 403
t_like "and told why in plain words" "$BODY" 'We cannot tell who you are'
t_not "somebody else with a used login name does not get the other's devices" test "$STATUS" = 303
t_like "and the log says who is who" "$(tail -n 3 "$PORTAL_LOG")" 'ldap:ben is somebody else in the directory now'

# --- a person has another login name ---------------------------------------------------------------

slapd_person dana 'secret of dana' | slapd_add
try dana 'secret of dana'
t_is "dana logs in" "$STATUS" 303
dana=$(db HGET login:ldap dana)
slapd_as_admin ldapmodrdn -r "$(dn dana)" uid=dana.new >>"$SLAPD_DIR/ldif.log" 2>&1
try dana.new 'secret of dana'
t_is "the same person by another name is refused until somebody has looked" "$STATUS" 403
t_like "is told that nothing is lost" "$BODY" 'Nothing is lost'
t_like "the log names the person" "$(tail -n 3 "$PORTAL_LOG")" "user id $dana belongs to somebody else"
t_is "nothing leads to them by the new name" "$(db HGET login:ldap dana.new)" ''
t_is "an administrator gives the name" "$(db HSETNX login:ldap dana.new "$dana")" 1
t_is "and takes the other away" "$(db HDEL login:ldap dana)" 1
try dana.new 'secret of dana'
t_is "the new name lets in" "$STATUS" 303
t_is "as the same person" "$(db HGET "user:$dana" login)" dana.new

# --- the directory is not well -------------------------------------------------------------------

away() { # TEXT: a login that is told to come back, and is no wrong password
	try anna 'secret of anna'
	t_is "$1: come back later" "$STATUS" 503
	t_unlike "not a wrong password" "$BODY" 'is not right'
}
slapd_stop
away "no server"
slapd_start plain
away "StartTLS taken away"
slapd_stop
slapd_start
kill -STOP "$SLAPD_PID"
away "a server that keeps silent"
kill -CONT "$SLAPD_PID"
slapd_person anna2 | sed 's/^dn: .*/dn: cn=second,ou=people,'"$SLAPD_BASE"'/; s/^uid: .*/uid: anna/; s/^cn: .*/cn: second/' | slapd_add
away "two people with one login"
slapd_as_admin ldapdelete "cn=second,ou=people,$SLAPD_BASE"
conf_set ldap ca "\"$SLAPD_DIR/tls/wrong.pem\""
portal
away "a certificate of another CA"
conf_set ldap ca "\"$SLAPD_DIR/tls/ca.pem\""
(umask 077 && echo wrong >"$SCEPAUTH_DIR/secrets/ldap-password")
portal
away "our own reader's password is wrong"
(umask 077 && echo "$SLAPD_READER_PASSWORD" >"$SCEPAUTH_DIR/secrets/ldap-password")
portal
try anna 'secret of anna'
t_is "and with everything mended it is as before" "$STATUS" 303
t_is "no password is in the log" "$(grep -c 'secret' "$PORTAL_LOG")" 0
for i in {1..12}; do
	try anna "wrong $i"
	[[ $STATUS != 429 ]] || break
done
t_is "guessing is slowed down" "$STATUS" 429

# --- the configuration ---------------------------------------------------------------------------

t_ok "it is good" "$SCEPAUTH_BIN/onboard_portal" -c "$SCEPAUTH_CONF" -t
conf_set ldap base '""'
t_like "a missing base is told" "$("$SCEPAUTH_BIN/onboard_portal" -c "$SCEPAUTH_CONF" -t 2>&1)" 'ldap: uri and base must be given'
conf_set ldap base "\"$SLAPD_BASE\""
conf_set portal login '"ldaps"'
t_like "another kind of login too" "$("$SCEPAUTH_BIN/onboard_portal" -c "$SCEPAUTH_CONF" -t 2>&1)" 'is none of local, ldap, oidc and header'

t_done
