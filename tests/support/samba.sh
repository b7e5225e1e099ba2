# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are for the scripts around
# samba.sh: sourced after lib.sh. An Active Directory of its own for a test: Samba as domain controller in a network
# namespace, where its ports are free. Needs root.
#
#   ad_missing                 why it cannot run here, or ""
#   ad_make; ad_start; ad_stop a new domain campus.test; LDAP with TLS on 127.0.0.1 in namespace $AD_NS
#   ad_modify, ad_add          LDIF on standard input
#   ad_person LOGIN [DN-PART]  LDIF of a person, below ou=people
#   ad_password LOGIN TEXT     sets it, and enables the account
#   ad_conf PASSWORD           section ldap of the instance, for a person "reader" with this password
#   ad_guid LOGIN              objectGUID in base64

AD_DIR=$T_DIR/ad AD_NS=ad-$$ AD_BASE=dc=campus,dc=test AD_PID=''
AD_ADMIN=Administrator@CAMPUS.TEST AD_ADMIN_PASSWORD='Admin-secret-1'
AD_URI=ldaps://127.0.0.1

ad_missing() {
	((EUID == 0)) || { echo "needs root" && return; }
	command -v samba-tool >/dev/null || { echo "no samba-tool here (packaging/deps.sh --test)" && return; }
	command -v samba >/dev/null || [[ -x /usr/sbin/samba ]] || { echo "no samba here" && return; }
	ip netns add "$AD_NS" 2>/dev/null || { echo "network namespaces cannot be made here" && return; }
	ip netns del "$AD_NS"
}

ad_conf() { # PASSWORD
	(umask 077 && echo "$1" >"$SCEPAUTH_DIR/secrets/ldap-password")
	conf_set ldap uri "\"$AD_URI\""
	conf_set ldap ca "\"$AD_DIR/tls/ca.pem\""
	conf_set ldap bind-dn '"reader@campus.test"'
	conf_set ldap base "\"ou=people,$AD_BASE\""
	conf_set ldap filter '"(\&(objectClass=user)(!(objectClass=computer)))"'
	conf_set ldap login '"sAMAccountName"'
	conf_set ldap id '"objectGUID"'
	conf_set ldap member-of '"memberOf"'
	conf_set ldap timeout 5000
}

ad_make() {
	local d=$AD_DIR
	mkdir -p "$d/tls"
	(
		cd "$d/tls" || exit 1
		openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj "/CN=Test domain CA"
		openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj "/CN=dc1.campus.test"
		openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem \
			-extfile <(echo "subjectAltName=IP:127.0.0.1")
		chmod 600 server.key
	) >"$d/tls.log" 2>&1 || t_bail "no certificates for the domain controller"
	# Extended attributes in a file of its own: the file system of a container has none.
	samba-tool domain provision --realm=CAMPUS.TEST --domain=CAMPUS --adminpass="$AD_ADMIN_PASSWORD" --server-role=dc \
		--host-name=dc1 --host-ip=127.0.0.1 --dns-backend=SAMBA_INTERNAL --targetdir="$d/dc" \
		--option="vfs objects=dfs_samba4 acl_xattr xattr_tdb" --option="tls keyfile=$d/tls/server.key" \
		--option="tls certfile=$d/tls/server.pem" --option="tls cafile=$d/tls/ca.pem" --option="server services=ldap" \
		--option="interfaces=lo" --option="bind interfaces only=yes" --option="log file=$d/samba.log" \
		>"$d/provision.log" 2>&1 || t_bail "no domain: $(tail -n 3 "$d/provision.log")"
	ip netns add "$AD_NS" || t_bail "no network namespace"
	t_defer ad_end
	nsenter --net="/run/netns/$AD_NS" ip link set lo up
}
ad_end() {
	ad_stop
	ip netns del "$AD_NS" 2>/dev/null || true
}
ad_start() {
	PATH=$PATH:/usr/sbin nsenter --net="/run/netns/$AD_NS" samba -F --no-process-group -M single -s "$AD_DIR/dc/etc/smb.conf" >>"$AD_DIR/samba.out" 2>&1 &
	AD_PID=$!
	t_wait 30 ad_answers || t_bail "the domain controller does not answer: $(tail -n 3 "$AD_DIR/samba.out")"
}
ad_stop() {
	[[ -z $AD_PID ]] || { kill "$AD_PID" && wait "$AD_PID"; } 2>/dev/null
	AD_PID=''
}

ad_tool() { # PROGRAM OPTIONS...: as the domain's administrator
	local program=$1
	shift
	LDAPTLS_CACERT=$AD_DIR/tls/ca.pem nsenter --net="/run/netns/$AD_NS" "$program" -x -H "$AD_URI" -D "$AD_ADMIN" -w "$AD_ADMIN_PASSWORD" "$@"
}
ad_answers() { ad_tool ldapsearch -LLL -s base -b "$AD_BASE" 1.1 >/dev/null 2>&1; }
ad_modify() { ad_tool ldapmodify >>"$AD_DIR/ldif.log" 2>&1; }
ad_add() { ad_tool ldapadd >>"$AD_DIR/ldif.log" 2>&1; }
ad_person() { # LOGIN
	printf '%s\n' "dn: cn=Name of $1,ou=people,$AD_BASE" 'objectClass: user' "cn: Name of $1" "sAMAccountName: $1" \
		"displayName: Name of $1" "mail: $1@example.edu" ''
}
ad_dn() { echo "cn=Name of $1,ou=people,$AD_BASE"; }
ad_password() {
	printf 'dn: %s\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: %s\n-\nreplace: userAccountControl\nuserAccountControl: 512\n' \
		"$(ad_dn "$1")" "$(printf '"%s"' "$2" | iconv -t UTF-16LE | base64 -w 0)" | ad_modify
}
ad_guid() { ad_tool ldapsearch -LLL -b "$AD_BASE" "(sAMAccountName=$1)" objectGUID | sed -n 's/^objectGUID:: //p'; }
