#!/usr/bin/env bash
# prove.sh [--keep]: brings docker-compose.yml up and plays a device against it: login, ticket,
# enrolment, EAP-TLS accept with the students' VLAN, revocation by the helpdesk, reject. TAP.
# COMPOSE is the compose command (default: docker compose). Without --keep everything, volumes
# included, is taken down at the end. Not part of make test: it builds images.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$top/tests/support/lib.sh"
cd "$top" || exit 1
read -r -a compose <<<"${COMPOSE:-docker compose}"
[[ ${1-} == --keep ]] || t_defer '"${compose[@]}" down -v >/dev/null 2>&1'

inside() { # SERVICE COMMAND...: its output and exit status, whatever the compose command says around them
	local out
	out=$("${compose[@]}" exec -T "$1" sh -c 'echo @begin; "$@"; echo "@end $?"' sh "${@:2}" 2>/dev/null | tr -d "\r" |
		sed -n "/^@begin$/,/^@end/p")
	sed -e "/^@begin$/d" -e "/^@end/d" <<<"$out"
	[[ ${out##*$'\n'} == "@end 0" ]]
}
in_admin() { inside admin "$@"; }
secret() { in_admin cat "campus/secrets/$1"; }
helpdesk() {
	in_admin env "REDISCLI_AUTH=$(secret redis-helen)" redis-cli -s /run/scepauth/redis.sock --user helen "$@"
}
healthy() { inside "$1" entrypoint health "$2"; }

"${compose[@]}" build >"$T_DIR/build.log" 2>&1 || t_bail "the images were not built: $(tail -n 5 "$T_DIR/build.log")"
"${compose[@]}" up -d >"$T_DIR/up.log" 2>&1 || t_bail "no start: $(tail -n 5 "$T_DIR/up.log")"
for pair in admin:admin redis:redis scep_ca:ca onboard_portal:portal freeradius:radius; do
	t_ok "${pair%:*} becomes healthy" t_wait 120 healthy "${pair%:*}" "${pair#*:}" ||
		t_bail "see: ${compose[*]} logs ${pair%:*}"
done

SCEP_URL=http://localhost:${SCEPAUTH_SCEP_PORT:-8080} PORTAL_URL=https://localhost:${SCEPAUTH_PORTAL_PORT:-8443}
RADIUS_HOST=127.0.0.1 RADIUS_PORT=${SCEPAUTH_RADIUS_PORT:-1812} RADIUS_SECRET=$(secret radius-client)
ROOT_CERT=$T_DIR/root.pem
in_admin cat campus/ca/root/root.pem >"$ROOT_CERT"
t_ok "the root certificate is there" openssl x509 -in "$ROOT_CERT" -noout
files() { inside "$1" find /srv/scepauth -type f; }
t_like "the CA holds the issuing keys" "$(files scep_ca)" 'issuing\.key'
t_unlike "and not the root key, nor another's secrets" "$(files scep_ca)" 'root\.key|session\.key|redis-(portal|installer|radius)|server\.key'
t_like "the portal holds its session key" "$(files onboard_portal)" 'session\.key'
t_unlike "and no CA key" "$(files onboard_portal)" '(root|issuing|ra|ocsp)\.key'
t_like "RADIUS holds its own key" "$(files freeradius)" 'radius/server\.key'
t_unlike "and nothing else" "$(files freeradius)" '/ca/|/secrets/'
t_is "nobody in there is root" "$(for s in admin redis scep_ca onboard_portal auto_revoke disconnect scim freeradius; do inside $s id -u; done | sort -u)" 900

t_ok "the student logs in" portal_login "$T_DIR/jar" sam "$(secret password-sam)"
portal_add_device "$T_DIR/jar" laptop linux
t_like "adds a device" "$CHALLENGE" '^[0-9A-F]{32}$'
t_ok "enrols with strongSwan" scep_enrol "$T_DIR/sam" students "$CHALLENGE"
serial=$(cert_serial "$T_DIR/sam/cert.pem")
t_is "the ledger has it" "$(helpdesk HGET "cert:$serial" state)" active
eapol_conf "$T_DIR/sam.conf" "$T_DIR/sam/cert.pem" "$T_DIR/sam/key.pem"
eapol_run "$T_DIR/sam.conf"
t_is "EAP-TLS is accepted" "$EAP_RESULT" accept
t_is "in the students' VLAN" "$EAP_VLAN" 30
helpdesk FCALL revoke_user 0 sam lost >/dev/null
eapol_run "$T_DIR/sam.conf"
t_is "after helpdesk's revoke_user it is rejected" "$EAP_RESULT" reject

in_admin sh -c 'sed -i "s/^tina,staff,Tina Staff,tina@example.edu,active,/tina,staff,Tina Staff,tina@example.edu,disabled,/" campus/leavers/directory.csv'
portal_login "$T_DIR/tina.jar" tina "$(secret password-tina)"
t_ok "a disabled person is held by auto_revoke" t_wait 60 \
	eval '[[ $(helpdesk FCALL_RO why 0 tina) == *"HELD by file"* ]]'

# --- what is set up later: access points, and an identity provider that pushes people -------------
in_admin sh -c 'cd campus && umask 077 && echo secret-of-the-hall >secrets/nas-hall &&
	printf "nas \"hall\" {\n\taddress = \"192.0.2.0/24\"\n\tsecret = \"secrets/nas-hall\"\n}\n" >>scepauth.conf &&
	sed -i -e "/^scim {/,/^}/s|^\t# listen = .*|\tlisten = \"*:9443\"|" -e "/^scim {/,/^}/s|^\t# domain = .*|\tdomain = \"example.edu\"|" \
		-e "/^scim {/,/^}/s|^\t# url = .*|\turl = \"https://localhost:9443/scim/v2\"|" \
		-e "/^leavers {/,/^}/s|^\t\(# \)*format = .*|\tformat = \"scim\"|" -e "/^leavers {/,/^}/s|^\t\(# \)*source = .*|\tsource = \"scim\"|" scepauth.conf &&
	echo another-secret | scepctl -c scepauth.conf user add rita --groups students --name "Rita Student" --email rita@example.edu --password-stdin'
token=$(in_admin scepctl -c campus/scepauth.conf --json scim token add idp | jq -r .token)
t_like "a token for the provider" "$token" '^[0-9a-f]{64}$'
journal() { inside scep_ca sh -c 'cat campus/journal/*.journal | wc -c'; }
before=$(journal)
"${compose[@]}" restart admin >/dev/null 2>&1
handed() { inside disconnect test -s campus/secrets/nas-hall && inside scim grep -q 'listen = "\*:9443"' campus/scepauth.conf; }
t_ok "a restart of admin hands out what changed" t_wait 90 handed
t_unlike "and to nobody else" "$(files auto_revoke; files scim; files onboard_portal)" 'nas-hall'
t_ok "the CA's journal is left alone" test "$before" -gt 0 -a "$(journal)" -ge "$before"
"${compose[@]}" restart auto_revoke disconnect scim >/dev/null 2>&1
scim=https://localhost:${SCEPAUTH_SCIM_PORT:-9443}/scim/v2
push() { # METHOD PATH [BODY]
	curl -fsS --max-time 20 --cacert "$ROOT_CERT" -X "$1" -H "Authorization: Bearer $token" -H 'Content-Type: application/scim+json' \
		${3:+--data-binary "$3"} "$scim$2"
}
answers() { push GET /ServiceProviderConfig >/dev/null 2>&1; }
t_ok "the provider reaches the SCIM server" t_wait 90 answers
id=$(push POST /Users '{"userName":"rita@example.edu","externalId":"r1","active":true}' | jq -r .id)
t_ok "rita logs in" portal_login "$T_DIR/rita.jar" rita another-secret
portal_add_device "$T_DIR/rita.jar" laptop linux
t_ok "and enrols" scep_enrol "$T_DIR/rita" students "$CHALLENGE"
eapol_conf "$T_DIR/rita.conf" "$T_DIR/rita/cert.pem" "$T_DIR/rita/key.pem"
eapol_run "$T_DIR/rita.conf"
t_is "she is let in" "$EAP_RESULT" accept
active() { push PATCH "/Users/$id" '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":'"$1"'}]}' >/dev/null; }
verdict() { eapol_run "$T_DIR/rita.conf"; [[ $EAP_RESULT == "$1" ]]; }
active false
t_ok "disabled by the provider: refused" t_wait 60 verdict reject
active true
t_ok "enabled again: let in" t_wait 60 verdict accept

"${compose[@]}" restart redis >/dev/null 2>&1
t_ok "Redis comes back after a restart" t_wait 60 healthy redis redis
t_is "and knows what was revoked" "$(helpdesk HEXISTS revoked "$serial")" 1
t_done
