#!/usr/bin/env bash
# Logins at the portal by Active Directory, played by a Samba domain controller: by sAMAccountName and userPrincipalName,
# over LDAPS and StartTLS; who is disabled, expired or has to change the password; a login name that is used again.
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/samba.sh
. "$(dirname "$0")/../support/samba.sh"

missing=$(ad_missing)
if [[ -n $missing ]]; then
	t_skip "Active Directory: $missing"
	t_done
fi

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis
ad_make
ad_start
cd "$T_DIR" || exit 1
log=$T_DIR/portal.log pid=''
: >"$log"

# --- helpers -------------------------------------------------------------------------------------

inside() { nsenter --net="/run/netns/$AD_NS" "$@"; }
portal_stop() {
	[[ -z $pid ]] || { kill "$pid" && wait "$pid"; } 2>/dev/null
	pid=''
}
t_defer portal_stop
# shellcheck disable=SC2317 # called by t_wait
serves() { inside curl -fsS --max-time 5 --cacert "$ROOT_CERT" "$PORTAL_URL/healthz" >/dev/null 2>&1; }
portal() { # anew, beside the domain controller
	portal_stop
	nsenter --net="/run/netns/$AD_NS" "$SCEPAUTH_BIN/onboard_portal" -c "$SCEPAUTH_CONF" >>"$log" 2>&1 &
	pid=$!
	t_wait 30 serves || t_bail "no portal: $(tail -n 5 "$log")"
}
try() { # LOGIN PASSWORD: leaves STATUS
	rm -f jar
	inside curl -sS --max-time 30 --cacert "$ROOT_CERT" -c jar -o page "$PORTAL_URL/login"
	STATUS=$(inside curl -sS --max-time 60 --cacert "$ROOT_CERT" -b jar -c jar -o page -w '%{http_code}' \
		-H "Origin: $PORTAL_URL" --data-urlencode "login=$1" --data-urlencode "password=$2" \
		--data-urlencode "csrf=$(sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' page | head -n 1)" "$PORTAL_URL/login")
}
refused() { # TEXT LOGIN PASSWORD
	try "$2" "$3"
	t_is "$1: refused" "$STATUS" 403
}
let_in() { # TEXT LOGIN
	try "$2" "$(secret anna)"
	t_is "$1" "$STATUS" 303
}
secret() { echo "Some-secret-$1-1"; }
id_of() { echo "u$({ printf 'ldap\n' && ad_guid "$1" | base64 -d; } | sha256sum | cut -c1-32)"; } # sAMAccountName
change() { # LOGIN LDIF-LINE...
	{
		printf 'dn: %s\nchangetype: modify\n' "$(ad_dn "$1")"
		shift
		printf '%s\n' "$@"
	} | ad_modify
}
filetime() { echo $((($(date +%s) + $1 + 11644473600) * 10000000)); }

# --- set-up: as docs/LEAVERS.md says -------------------------------------------------------------

printf '%s\n' "dn: ou=people,$AD_BASE" 'objectClass: organizationalUnit' 'ou: people' '' | ad_add
for login in anna ben carl dora emil reader; do ad_person "$login"; done | ad_add
for login in anna ben carl dora emil reader; do ad_password "$login" "$(secret "$login")"; done
printf '%s\n' "dn: cn=Staff Network,cn=Users,$AD_BASE" 'objectClass: group' 'sAMAccountName: staff-network' "member: $(ad_dn anna)" '' | ad_add
change emil 'replace: userPrincipalName' 'userPrincipalName: emil.evans@campus.test'
ad_conf "$(secret reader)"
conf_set portal login '"ldap"'
sed -i "0,/^group \"staff\" {/s//group \"staff\" {\n\tldap = { \"cn=Staff Network,cn=Users,$AD_BASE\" }/" "$SCEPAUTH_CONF"
portal

# --- who may in ----------------------------------------------------------------------------------

let_in "by sAMAccountName over LDAPS" anna
id=$(id_of anna)
t_is "as the person of the object's GUID" "$(redis_as installer HMGET "user:$id" login name email groups | tr '\n' ' ')" \
	"anna Name of anna anna@example.edu staff "
let_in "in capitals" ANNA
conf_set ldap uri '"ldap://127.0.0.1"'
portal
let_in "over StartTLS" anna
conf_set ldap login '"userPrincipalName"'
portal
try Emil.Evans@campus.test "$(secret emil)"
t_is "by userPrincipalName" "$STATUS" 303
t_is "as the person of the same GUID" "$(redis_as installer HGET "user:$(id_of emil)" login)" emil.evans@campus.test
refused "which is no login by the other name" emil "$(secret emil)"
conf_set ldap login '"sAMAccountName"'
portal

# --- who may not ---------------------------------------------------------------------------------

refused "a wrong password" anna "$(secret ben)"
refused "an unknown login" nobody-here x
refused "a domain before the name" 'CAMPUS\anna' "$(secret anna)"
change ben 'replace: userAccountControl' 'userAccountControl: 514'
refused "a disabled account with the right password" ben "$(secret ben)"
change ben 'replace: userAccountControl' 'userAccountControl: 512'
try ben "$(secret ben)"
t_is "enabled again" "$STATUS" 303
portal
change ben 'replace: accountExpires' "accountExpires: $(filetime -60)"
refused "an expired account with the right password" ben "$(secret ben)"
change ben 'replace: accountExpires' "accountExpires: $(filetime 86400)"
try ben "$(secret ben)"
t_is "one that expires tomorrow" "$STATUS" 303
change carl 'replace: pwdLastSet' 'pwdLastSet: 0'
refused "who has to set a new password first" carl "$(secret carl)"

# --- a login name is used again ------------------------------------------------------------------

try dora "$(secret dora)"
t_is "dora is let in" "$STATUS" 303
old=$(id_of dora)
ad_tool ldapdelete "$(ad_dn dora)"
ad_person dora | ad_add
ad_password dora "$(secret dora)"
t_ok "the new dora has another GUID" test "$(id_of dora)" != "$old"
try dora "$(secret dora)"
t_not "she does not get the old one's devices" test "$STATUS" = 303
t_like "and the log says who is who" "$(tail -n 3 "$log")" 'ldap:dora is somebody else in the directory now'
t_is "nothing is known of her" "$(redis_as installer EXISTS "user:$(id_of dora)")" 0

# --- the domain controller is not well -----------------------------------------------------------

portal
openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 2 -subj "/CN=Another CA" 2>/dev/null
conf_set ldap ca "\"$T_DIR/other.pem\""
portal
try anna "$(secret anna)"
t_is "a certificate of another CA: come back later" "$STATUS" 503
conf_set ldap ca "\"$AD_DIR/tls/ca.pem\""
portal
ad_stop
try anna "$(secret anna)"
t_is "no domain controller: come back later" "$STATUS" 503
t_is "no password is in the log" "$(grep -c 'Some-secret' "$log")" 0

t_done
