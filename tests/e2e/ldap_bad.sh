#!/usr/bin/env bash
# A real slapd that gives auto_revoke what it must not believe: expired and foreign certificates, a wrong password, a
# schema without what is asked for, servers that refer to one another. Each time a clear error, a source that
# `scepctl sources` calls failing, nobody taken off and nobody let in.
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/slapd.sh
. "$(dirname "$0")/../support/slapd.sh"

t_instance redis
slapd_make
slapd_start
slapd_tree || t_bail "no tree: $(tail -n 5 "$SLAPD_DIR/ldif.log")"
audit=$T_DIR/audit.jsonl log=$T_DIR/auto_revoke.log pid='' tls=$SLAPD_DIR/tls
: >"$audit" && : >"$log"

# --- helpers -------------------------------------------------------------------------------------

as() { redis_as "$1" -e "${@:2}"; } # USER REDIS-CLI-ARGS...
declare -A ids
person() { # LOGIN GROUPS: as the portal makes them at a login by LDAP
	ids[$1]=u$(printf 'ldap\n%s' "$(slapd_uuid "$1")" | sha256sum | cut -c1-32)
	as portal FCALL user_put 0 ldap "$1" "${ids[$1]}" "Name of $1" "$1@example.edu" "$2" 0 >/dev/null
}
held() { [[ $(as installer HGET hold:ldap "${ids[$1]}") == *suspended:* ]]; }
free() { [[ -z $(as installer HGET hold:ldap "${ids[$1]}") ]]; }
ledger() {
	as installer HGETALL hold:ldap | paste - - | sort
	for id in "${ids[@]}"; do as installer HMGET "user:$id" groups leave_at | paste - -; done
}
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
sources() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" sources "$@"; }
state_is() { [[ $(sources --json | jq -r .state) == "$1" ]]; }
stale() { # TEXT REGEX: a look that fails, says why, and changes nothing
	: >"$log"
	t_not "$1: refused" once
	t_like "and the log says why" "$(cat "$log")" "$2"
	t_not "scepctl sources fails" sources
	t_like "and names the cause" "$(sources --json | jq -r '"\(.state) \(.detail)"')" "^failing .*($2)"
	t_is "nobody is taken off, nobody is let in" "$(ledger)" "$before"
}
good() { # TEXT
	t_ok "$1: read again" once
	t_ok "and scepctl sources agrees" state_is good
	t_is "and it is all as before" "$(ledger)" "$before"
}
change() { # LOGIN LDIF-LINE...
	{
		printf 'dn: uid=%s,ou=people,%s\nchangetype: modify\n' "$1" "$SLAPD_BASE"
		shift
		printf '%s\n' "$@"
	} | slapd_modify
}
# certificate NAME DAYS-FROM DAYS-TO SAN: of the right CA
certificate() {
	local from to
	from=$(date -u -d "$2 days" +%y%m%d%H%M%SZ) to=$(date -u -d "$3 days" +%y%m%d%H%M%SZ)
	: >"$tls/index.txt"
	openssl rand -hex 8 >"$tls/serial"
	printf '[ca]\ndefault_ca = d\n[d]\ndatabase = %s/index.txt\nserial = %s/serial\nnew_certs_dir = %s\ndefault_md = sha256\npolicy = p\n[p]\ncommonName = supplied\n' \
		"$tls" "$tls" "$tls" >"$tls/ca.conf"
	openssl ca -batch -config "$tls/ca.conf" -cert "$tls/ca.pem" -keyfile "$tls/ca.key" -in "$tls/server.csr" -notext \
		-startdate "$from" -enddate "$to" -extfile <(echo "subjectAltName=$4") -out "$tls/$1.pem" >>"$SLAPD_DIR/tls.log" 2>&1 ||
		t_bail "no certificate $1: $(tail -n 3 "$SLAPD_DIR/tls.log")"
}
shows() { # CERTIFICATE: slapd anew, with this one
	slapd_stop
	sed -i "s|TLSCertificateFile .*|TLSCertificateFile $tls/$1.pem|" "$SLAPD_DIR/template"
	slapd_start
}

# --- set-up --------------------------------------------------------------------------------------

certificate expired -10 -1 IP:127.0.0.1
certificate early 2 9 IP:127.0.0.1
certificate elsewhere -1 9 DNS:other.example.edu
for login in anna ben carl; do slapd_person "$login"; done | slapd_add
slapd_add <<END
dn: cn=staff,ou=groups,$SLAPD_BASE
objectClass: groupOfNames
cn: staff
member: uid=anna,ou=people,$SLAPD_BASE

dn: cn=students,ou=groups,$SLAPD_BASE
objectClass: groupOfNames
cn: students
member: uid=ben,ou=people,$SLAPD_BASE
member: uid=carl,ou=people,$SLAPD_BASE
END
(umask 077 && echo "$SLAPD_READER_PASSWORD" >"$SCEPAUTH_DIR/secrets/ldap-password")
conf_set ldap uri "\"ldap://127.0.0.1:$SLAPD_PORT\""
conf_set ldap ca "\"$tls/ca.pem\""
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
conf_set leavers brake-percent 100
person anna staff
person ben students
person carl students
change ben 'replace: employeeType' 'employeeType: left'
t_ok "a first look" once
t_ok "the leaver is held" held ben
t_ok "the others are not" free anna
before=$(ledger)

# --- certificates --------------------------------------------------------------------------------

# The hold of ben is what a mistake would lift: the directory says nothing against him from here on.
change ben 'delete: employeeType'
change carl 'replace: shadowExpire' 'shadowExpire: 0'
shows expired
stale "an expired certificate, by StartTLS" 'StartTLS failed.*its certificate has expired'
conf_set ldap uri "\"ldaps://127.0.0.1:$SLAPD_TLS_PORT\""
stale "and by ldaps" "its certificate has expired"
shows early
stale "one that is not valid yet" "not valid yet"
shows elsewhere
stale "one of another name" "of another name"
conf_set ldap uri "\"ldap://127.0.0.1:$SLAPD_PORT\""
stale "the same by StartTLS" 'StartTLS failed.*of another name'
daemon_start
failed() { jq -se 'any(.event == "source_failed")' "$audit" >/dev/null; }
t_ok "the daemon raises the alarm" t_wait 30 failed
shows server
t_ok "and goes on by itself when the certificate is replaced" t_wait 60 free ben
t_ok "and what happened meanwhile arrives" t_wait 20 held carl
t_ok "the state is good again" t_wait 20 state_is good
daemon_stop
before=$(ledger)

# --- the password --------------------------------------------------------------------------------

(umask 077 && echo wrong >"$SCEPAUTH_DIR/secrets/ldap-password")
stale "a wrong bind password" 'Invalid credentials'
(umask 077 && echo "$SLAPD_READER_PASSWORD" >"$SCEPAUTH_DIR/secrets/ldap-password")
good "the right one"

# --- the schema ----------------------------------------------------------------------------------

# Each matches nobody without a word from the server: a leaver would be none, a member would be none.
conf_set ldap leaver '"(campusHasLeft=TRUE)"'
stale "a mark of leavers that is no attribute there" 'no attribute campusHasLeft .ldap.leaver'
conf_set ldap sync '"poll"'
stale "the same in a poll" 'no attribute campusHasLeft'
conf_set ldap sync '"auto"'
conf_set ldap leaver '"(employeeType=left)"'
conf_set ldap member-of '"memberOf"'
conf_set ldap group-class '""'
stale "memberOf where the overlay is not loaded" 'no attribute memberOf .ldap.member-of'
conf_set ldap member-of '""'
conf_set ldap group-class '"groupOfFriends"'
stale "a class of groups that is none" 'no object class groupOfFriends'
conf_set ldap group-class '"groupOfNames"'
sed -i 's/^\tfilter = "(objectClass=inetOrgPerson)"/\tfilter = "(|(objectClass=inetOrgPerson)(campusCard=*))"/' "$SCEPAUTH_CONF"
stale "a filter on what is not there" 'no attribute campusCard .ldap.filter'
sed -i 's/(|(objectClass=inetOrgPerson)(campusCard=\*))/(objectClass=inetOrgPerson)/' "$SCEPAUTH_CONF"
conf_set ldap id '"objectGUID"'
stale "an id of another kind of server" 'no attribute objectGUID'
conf_set ldap id '"entryUUID"'
good "what the schema has"
conf_set ldap login '"employeeNumber"'
stale "and an attribute that nobody has" 'has no employeeNumber'
conf_set ldap login '"uid"'

# --- references ----------------------------------------------------------------------------------

# Two servers without the people, each of which says that the other has them.
port=$((20000 + RANDOM % 12000)) peers=()
peer() { # NUMBER: on port+NUMBER, referring to the other
	mkdir -p "$SLAPD_DIR/peer$1"
	{
		grep ^include "$SLAPD_DIR/template"
		sed -n 's/^#tls //p' "$SLAPD_DIR/template"
		echo "referral ldap://127.0.0.1:$((port + 1 - $1))/"
		echo "database config"
	} >"$SLAPD_DIR/peer$1.conf"
	"$SLAPD_DIR/slapd-test" -f "$SLAPD_DIR/peer$1.conf" -d 256 -h "ldap://127.0.0.1:$((port + $1))" 2>"$SLAPD_DIR/peer$1.log" &
	peers[$1]=$!
}
peers_stop() { kill "${peers[@]}" && wait "${peers[@]}"; } 2>/dev/null
t_defer peers_stop
# shellcheck disable=SC2317 # called by t_wait
answer() { ldapsearch -x -H "ldap://127.0.0.1:$port" -s base -b '' 1.1 && ldapsearch -x -H "ldap://127.0.0.1:$((port + 1))" -s base -b '' 1.1; } >/dev/null 2>&1
for _ in {1..5}; do
	peer 0
	peer 1
	! t_wait 15 answer || break
	peers_stop
	port=$((20000 + RANDOM % 12000))
done
answer || t_bail "no pair of servers: $(tail -n 3 "$SLAPD_DIR/peer0.log")"
: >"$SLAPD_DIR/peer1.log"
conf_set ldap uri "\"ldap://127.0.0.1:$port\""
conf_set ldap bind-dn '""'
begin=$SECONDS
stale "servers that refer to one another" 'refers to another server'
conf_set ldap sync '"poll"'
stale "the same in a poll" 'refers to another server'
t_ok "it takes no time" test $((SECONDS - begin)) -lt 60
t_is "since the second is never asked" "$(grep -c ACCEPT "$SLAPD_DIR/peer1.log")" 0
conf_set ldap references true
stale "even where references are passed over: the people are elsewhere" 'refers to another server'
conf_set ldap uri "\"ldap://127.0.0.1:$SLAPD_PORT\""
conf_set ldap bind-dn "\"$SLAPD_READER\""
# In the middle of the tree: a part that lies at the other, where it lies here again.
slapd_add <<END
dn: ou=loop,$SLAPD_BASE
objectClass: referral
objectClass: extensibleObject
ou: loop
ref: ldap://127.0.0.1:$port/ou=loop,$SLAPD_BASE
ref: ldap://127.0.0.1:$SLAPD_PORT/ou=loop,$SLAPD_BASE
END
good "a part of the tree that refers to itself, where references are passed over"
conf_set ldap references false
stale "and where they are not" 'ldap.references'

t_done
