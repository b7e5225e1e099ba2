#!/usr/bin/env bash
# A leaving date in the future through a real FreeRADIUS: the session is told to end at that second, and from that second
# on nobody is let in, though nothing at all happens then. Set by an export, by LDAP in days (shadowExpire) and by LDAP in
# Active Directory's file time (accountExpires).
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/slapd.sh
. "$(dirname "$0")/../support/slapd.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis ca
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
log=$T_DIR/auto_revoke.log w=$T_DIR/w
mkdir -p "$w"
cd "$w" || exit 1
sed -i 's/^\treject_delay = 1$/\treject_delay = 0/' "$SCEPAUTH_DIR/raddb/radiusd.conf"
conf_set leavers interval 1
t_start radius
openssl genrsa -out k.pem 2048 2>/dev/null
challenge=$("$tool" mint "$SCEPAUTH_CONF" students login=sam)
ra=$SCEPAUTH_DIR/ca/students/ra.pem
"$tool" request "$ra" k.pem request.der challenge="$challenge" >/dev/null
curl -s -o reply.der --data-binary @request.der "$SCEP_URL/scep/students?operation=PKIOperation"
"$tool" reply "$ra" k.pem reply.der cert.der >/dev/null
openssl x509 -inform der -in cert.der -out cert.pem || t_bail "no certificate"
eapol_conf sam.conf cert.pem k.pem
# Certificate and group's session time end after any date below: what is told is the date's.
serial=$(openssl x509 -in cert.pem -noout -serial | sed 's/.*=//' | tr A-F a-f)
redis_as installer HSET "cert:$serial" not_after $(($(date +%s) + 900000)) >/dev/null
redis_as installer HSET group:students session_timeout 604800 >/dev/null

# --- helpers -------------------------------------------------------------------------------------

once() { "$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" --once >>audit.jsonl 2>>"$log"; }
user=$(redis_as installer HGET login:local sam)
leave_at() { redis_as installer HGET "user:$user" leave_at; }
reason() { sed -n 's/.*scepauth: reject reason=\([a-z_]*\) .*/\1/p' "$RADIUS_LOG" | tail -n 1; }
connect() { # leaves BEGIN and END, in seconds, and what eapol_run leaves
	BEGIN=$(date +%s)
	eapol_run sam.conf
	END=$(date +%s)
	[[ $EAP_RESULT == accept ]]
}
until_then() { # TEXT LEAVE_AT: accepted, for exactly so long
	connect
	t_is "$1: accepted" "$EAP_RESULT" accept
	t_note "Session-Timeout $EAP_SESSION_TIMEOUT, $(($2 - END)) to $(($2 - BEGIN)) s before the date"
	t_ok "for what is left of the time, to the second" test "$EAP_SESSION_TIMEOUT" -ge $(($2 - END)) -a "$EAP_SESSION_TIMEOUT" -le $(($2 - BEGIN))
}
ends() { # TEXT LEAVE_AT: connects until it is refused
	local last=0
	while connect && ((BEGIN <= $2 + 20)); do last=$BEGIN; done
	t_is "$1: refused" "$EAP_RESULT $(reason)" "reject user_left"
	t_ok "no connection of that second or later was let in" test "$last" -lt "$2"
	t_ok "and none before it was refused" test "$END" -ge "$2"
}

# --- by an export --------------------------------------------------------------------------------

put() { # LEAVE_AT-FIELD
	printf 'login,groups,name,email,status,leave_at\nsam,students,Sam Student,sam@example.edu,active,%s\ntina,staff,Tina Staff,tina@example.edu,active,\n' "$1" >export.new
	mv export.new "$LEAVERS_FILE"
}
conf_set leavers brake-percent 100
connect
t_is "without a date the group's session time" "$EAP_RESULT $EAP_SESSION_TIMEOUT" "accept 604800"
then=$(($(date +%s) + 40000))
put "$(date -u -d "@$then" +%Y-%m-%dT%H:%M:%SZ)"
t_ok "a date in an export" once
t_is "is in the ledger" "$(leave_at)" "$then"
until_then "hours before it" "$then"
then=$(($(date +%s) + 12))
put "$(date -u -d "@$then" +%Y-%m-%dT%H:%M:%SZ)"
once
until_then "seconds before it" "$then"
ends "then, with nothing else done" "$then"
put ""
t_ok "the date is taken back" once
connect
t_is "and the device is on again" "$EAP_RESULT $EAP_SESSION_TIMEOUT" "accept 604800"

# --- by LDAP -------------------------------------------------------------------------------------

slapd_make
sed -i "s|^modulepath|attributetype ( 1.2.840.113556.1.4.159 NAME 'accountExpires' SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )\nobjectclass ( 1.3.6.1.4.1.32473.1.1 NAME 'adAccount' SUP top AUXILIARY MAY accountExpires )\n&|" "$SLAPD_DIR/template"
slapd_start
slapd_tree || t_bail "no tree"
for login in sam tina; do slapd_person "$login"; done | slapd_add
(umask 077 && echo "$SLAPD_READER_PASSWORD" >"$SCEPAUTH_DIR/secrets/ldap-password")
conf_set ldap uri "\"ldap://127.0.0.1:$SLAPD_PORT\""
conf_set ldap ca "\"$SLAPD_DIR/tls/ca.pem\""
conf_set ldap bind-dn "\"$SLAPD_READER\""
conf_set ldap base "\"$SLAPD_BASE\""
conf_set ldap filter '"(objectClass=inetOrgPerson)"'
conf_set leavers format '"ldap"'
conf_set leavers source '"ldap"'
sam() { # LDIF-LINE...
	{
		printf 'dn: uid=sam,ou=people,%s\nchangetype: modify\n' "$SLAPD_BASE"
		printf '%s\n' "$@"
	} | slapd_modify || t_note "$(tail -n 3 "$SLAPD_DIR/ldif.log")"
}
t_ok "the directory is read" once
day=$(($(date +%s) / 86400 + 2))
sam 'replace: shadowExpire' "shadowExpire: $day"
t_ok "a date by shadowExpire" once
t_is "is the beginning of that day" "$(leave_at)" $((day * 86400))
until_then "before that day" $((day * 86400))
sam 'delete: shadowExpire'
then=$(($(date +%s) + 12))
sam 'add: objectClass' 'objectClass: adAccount' - 'add: accountExpires' "accountExpires: $(((then + 11644473600) * 10000000))"
t_ok "a date by accountExpires" once
t_is "to the second" "$(leave_at)" "$then"
until_then "seconds before it" "$then"
ends "then, while auto_revoke does not even run" "$then"
sam 'replace: accountExpires' 'accountExpires: 0'
t_ok "never" once
connect
t_is "and the device is on again" "$EAP_RESULT" accept

t_done
