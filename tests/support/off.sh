# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables are for, or from, the scripts around
# off.sh: sam, a student with a device at a real port, and the ways to say that he may not be on. After lib.sh, slapd.sh, nas.sh and wired.sh,
# for e2e/disconnect_wired, e2e/disconnect_scim and bench/revoke.sh.
#
#   off_port                  his certificate, the port, its section nas; T_INIT and t_instance before
#   off_by_ldap, off_by_scim  auto_revoke takes leavers from there; each starts what pushes or holds them, not auto_revoke
#   off_entry LDIF-LINE...    changes his entry in the directory
#   off_scim METHOD PATH [BODY]   a request of the provider; the answer, its status in the last line
#   off_active true|false     his account at the provider
#   off_joined                whether the device came onto the network, and the ledger knows
#   off_cut REASON            whether the newest receipt says that he was ended for it
#   off_refused REASON        whether the device tries again and is refused for it

off_conf() { # SECTION KEY VALUE
	sed -i "/^$1 {/,/^}/ s|^\t\(# \)\{0,1\}$2 = .*|\t$2 = $3|" "$SCEPAUTH_CONF"
}

off_port() {
	wired_device_cert sam students "$T_DIR/w"
	wired_make "$T_DIR/w/cert.pem" "$T_DIR/w/k.pem"
	nas_section hall '"127.0.0.1"' "$WIRED_DAS" vendor=hostapd
}

off_by_ldap() {
	local login
	slapd_make
	slapd_start
	slapd_tree || t_bail "no tree"
	for login in sam anna ben carl; do slapd_person "$login"; done | slapd_add
	(umask 077 && echo "$SLAPD_READER_PASSWORD" >"$SCEPAUTH_DIR/secrets/ldap-password")
	off_conf ldap uri "\"ldap://127.0.0.1:$SLAPD_PORT\""
	off_conf ldap ca "\"$SLAPD_DIR/tls/ca.pem\""
	off_conf ldap bind-dn "\"$SLAPD_READER\""
	off_conf ldap base "\"$SLAPD_BASE\""
	off_conf ldap filter '"(objectClass=inetOrgPerson)"'
	off_conf leavers format '"ldap"'
	off_conf leavers source '"ldap"'
}

off_entry() {
	{
		printf 'dn: uid=sam,ou=people,%s\nchangetype: modify\n' "$SLAPD_BASE"
		printf '%s\n' "$@"
	} | slapd_modify
}

off_by_scim() {
	off_conf scim listen '"127.0.0.1:0"'
	off_conf scim url '"https://scim.example.edu/scim/v2"'
	off_conf scim domain '"example.edu"'
	off_conf leavers format '"scim"'
	off_conf leavers source '"scim"'
	OFF_TOKEN=$("$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" --json scim token add provider | jq -r .token)
	t_start scim
	OFF_SCIM=https://localhost:$(sed -n 's/.*ready 127.0.0.1:\([0-9]*\).*/\1/p' "$SCEPAUTH_DIR/log/scim.log" | tail -n 1)/scim/v2
	OFF_USER=$(off_scim POST /Users '{"userName":"sam@example.edu","externalId":"object-sam","active":true}' | head -n 1 | jq -r .id)
	[[ $OFF_USER =~ ^[0-9a-f]+$ ]] || t_bail "no user at the SCIM server"
}

off_scim() {
	curl -sS --max-time 20 --cacert "$ROOT_CERT" -X "$1" -H "Authorization: Bearer $OFF_TOKEN" -H 'Content-Type: application/scim+json' \
		${3:+--data-binary "$3"} -w '\n%{http_code}\n' "$OFF_SCIM$2"
}
off_active() {
	off_scim PATCH "/Users/$OFF_USER" '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":'"$1"'}]}' |
		tail -n 1 | grep -qx 200
}

off_known() { [[ $("$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" --json sessions sam | jq '.sessions | length') -ge 1 ]]; }
off_joined() {
	wired_join
	t_wait 20 wired_on && t_wait 20 off_known
}
off_cut() { t_wait 20 receipt_is sam result ended && [[ $(receipt sam reason) == "$1" ]]; }
off_refused() {
	local before
	before=$(grep -c "scepauth: reject reason=$1" "$RADIUS_LOG")
	wired_join
	# shellcheck disable=SC2016
	t_wait 20 eval '(($(grep -c "scepauth: reject reason='"$1"'" "$RADIUS_LOG") > '"$before"'))' && wired_off
}
off_held() { [[ -n $(redis_as installer HGET "hold:$1" "$(redis_as installer HGET login:local sam)") ]]; }
off_free() { ! off_held "$1"; }
