# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are for the scripts around
# slapd.sh: sourced after lib.sh. A directory of its own for a test: real slapd, own CA, syncprov.
#
#   slapd_make                 certificates, configuration, an empty tree dc=example,dc=edu
#   slapd_start [tls|plain]    on $SLAPD_PORT (ldap, StartTLS) and $SLAPD_TLS_PORT (ldaps), 127.0.0.1
#   slapd_stop; slapd_kill     ends it; the latter without asking
#   slapd_add, slapd_modify    LDIF on standard input
#   slapd_person LOGIN         LDIF of a person; slapd_uuid LOGIN

SLAPD_DIR=$T_DIR/slapd SLAPD_BASE=dc=example,dc=edu
SLAPD_ADMIN=cn=admin,$SLAPD_BASE SLAPD_ADMIN_PASSWORD=admin-secret
SLAPD_READER=cn=reader,$SLAPD_BASE SLAPD_READER_PASSWORD=reader-secret
SLAPD_PID='' SLAPD_PORT='' SLAPD_TLS_PORT=''

slapd_make() {
	local d=$SLAPD_DIR schema
	mkdir -p "$d/db" "$d/tls"
	(
		cd "$d/tls" || exit 1
		openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj "/CN=Test directory CA"
		openssl req -x509 -newkey rsa:2048 -nodes -keyout wrong.key -out wrong.pem -days 2 -subj "/CN=Another CA"
		openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj "/CN=directory"
		openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem \
			-extfile <(echo "subjectAltName=IP:127.0.0.1")
	) >"$d/tls.log" 2>&1 || t_bail "no certificates for slapd"
	# A copy: Debian's AppArmor profile goes by path and knows only Debian's folders.
	cp /usr/sbin/slapd "$d/slapd-test"
	{
		for schema in core cosine nis inetorgperson; do echo "include /etc/ldap/schema/$schema.schema"; done
		echo "modulepath /usr/lib/ldap"
		echo "moduleload back_mdb"
		echo "moduleload syncprov"
		echo "#tls TLSCACertificateFile $d/tls/ca.pem"
		echo "#tls TLSCertificateFile $d/tls/server.pem"
		echo "#tls TLSCertificateKeyFile $d/tls/server.key"
		echo "sizelimit 500"
		cat <<-END
			database mdb
			suffix $SLAPD_BASE
			rootdn $SLAPD_ADMIN
			rootpw $SLAPD_ADMIN_PASSWORD
			directory $d/db
			maxsize 1073741824
			dbnosync
			index objectClass,uid,member,entryUUID,entryCSN eq
			access to attrs=userPassword by anonymous auth by * none
			access to * by dn.exact="$SLAPD_READER" read by * none
			limits dn.exact="$SLAPD_READER" size=unlimited
			overlay syncprov
			syncprov-sessionlog 1000
		END
	} >"$d/template"
	t_defer slapd_stop
}

slapd_start() { # [tls|plain]
	local d=$SLAPD_DIR try
	sed "s/^#${1:-tls} //; /^#/d" "$d/template" >"$d/slapd.conf"
	for try in {1..20}; do
		[[ -n $SLAPD_PORT ]] || SLAPD_PORT=$((20000 + RANDOM % 12000)) SLAPD_TLS_PORT=$((SLAPD_PORT + 1))
		"$d/slapd-test" -f "$d/slapd.conf" -d 0 -h "ldap://127.0.0.1:$SLAPD_PORT $(
			[[ ${1:-tls} != tls ]] || echo "ldaps://127.0.0.1:$SLAPD_TLS_PORT"
		) ldapi://${d//\//%2F}%2Fapi" >>"$d/log" 2>&1 &
		SLAPD_PID=$!
		if t_wait 20 slapd_up_or_gone && kill -0 "$SLAPD_PID" 2>/dev/null; then return; fi
		SLAPD_PORT=''
	done
	t_note "$(tail -n 20 "$d/log")"
	t_bail "slapd does not start"
}

slapd_up_or_gone() {
	! kill -0 "$SLAPD_PID" 2>/dev/null || slapd_as_admin ldapsearch -s base -b '' 1.1
}

slapd_stop() {
	[[ -z $SLAPD_PID ]] || { kill -CONT "$SLAPD_PID" && kill "$SLAPD_PID" && wait "$SLAPD_PID"; } 2>/dev/null
	SLAPD_PID=''
}

slapd_kill() {
	{ kill -KILL "$SLAPD_PID" && wait "$SLAPD_PID"; } 2>/dev/null
	SLAPD_PID=''
}

slapd_as_admin() { # PROGRAM ARGS...
	local program=$1
	shift
	LDAPNOINIT=1 "$program" -x -H "ldapi://${SLAPD_DIR//\//%2F}%2Fapi" -D "$SLAPD_ADMIN" -w "$SLAPD_ADMIN_PASSWORD" "$@"
}
slapd_add() { slapd_as_admin ldapadd >>"$SLAPD_DIR/ldif.log" 2>&1; }
slapd_modify() { slapd_as_admin ldapmodify >>"$SLAPD_DIR/ldif.log" 2>&1; }
slapd_uuid() { slapd_as_admin ldapsearch -LLL -o ldif-wrap=no "(uid=$1)" entryUUID -b "$SLAPD_BASE" | sed -n 's/^entryUUID: //p'; }

slapd_person() { # LOGIN [PASSWORD]
	cat <<-END
		dn: uid=$1,ou=people,$SLAPD_BASE
		objectClass: inetOrgPerson
		objectClass: shadowAccount
		uid: $1
		cn: Name of $1
		sn: $1
		mail: $1@example.edu
		userPassword: ${2:-secret of $1}

	END
}

slapd_tree() { # the tree, its reader, folders for people and groups
	slapd_add <<-END
		dn: $SLAPD_BASE
		objectClass: dcObject
		objectClass: organization
		dc: example
		o: Example

		dn: $SLAPD_READER
		objectClass: organizationalRole
		objectClass: simpleSecurityObject
		cn: reader
		userPassword: $SLAPD_READER_PASSWORD

		dn: ou=people,$SLAPD_BASE
		objectClass: organizationalUnit
		ou: people

		dn: ou=groups,$SLAPD_BASE
		objectClass: organizationalUnit
		ou: groups
	END
}
