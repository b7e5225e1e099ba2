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
t_is "nobody in there is root" "$(for s in admin redis scep_ca onboard_portal auto_revoke disconnect freeradius; do inside $s id -u; done | sort -u)" 900

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

"${compose[@]}" restart redis >/dev/null 2>&1
t_ok "Redis comes back after a restart" t_wait 60 healthy redis redis
t_is "and knows what was revoked" "$(helpdesk HEXISTS revoked "$serial")" 1
t_done
