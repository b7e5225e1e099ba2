#!/usr/bin/env bash
# Logins at the portal by the headers of a web server in front of it, which curl plays.
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"

T_INIT=(--group staff:20 --group students:30)
t_instance redis
cd "$T_DIR" || exit 1

ask() { # PATH [CURL_OPTION...]: STATUS, LOCATION and BODY
	local path=$1
	shift
	STATUS=$(curl -sS --max-time 30 --cacert "$ROOT_CERT" -b jar -c jar -D headers -o page -w '%{http_code}' "$@" "$PORTAL_URL$path")
	LOCATION=$(tr -d '\r' <headers | sed -n 's/^location: //Ip')
	BODY=$(<page)
}
secret=$(openssl rand -hex 32)
proxied=(-H "X-Portal-Secret: $secret" -H 'X-Portal-User: anna@example.edu')

t_start portal
ask /login/sso "${proxied[@]}"
t_is "off unless configured" "$STATUS" 404
t_stop portal
(umask 077 && echo "$secret" >"$SCEPAUTH_DIR/secrets/header-secret")
conf_set portal login '{ "header" }'
t_like "the proxy must be named" "$("$SCEPAUTH_BIN/onboard_portal" -c "$SCEPAUTH_CONF" -t 2>&1)" 'header: proxy: 1 to'
t_like "which scepctl check says too" "$("$SCEPAUTH_BIN/scepctl" check "$SCEPAUTH_DIR")" 'header.proxy: must be given'
conf_set header proxy '{ "127.0.0.1" }'
conf_set header domain '"example.edu"'
conf_set header groups '"X-Portal-Groups"'
conf_set header button '"Campus Login"'
t_start portal

ask /login
t_like "the login page has a button" "$BODY" 'href="/login/sso">Sign in with <bdi>Campus Login</bdi>'
t_unlike "and no form" "$BODY" 'name="password"'
ask /login/sso
t_is "nothing comes of the page alone" "$STATUS" 403
ask /login/sso -H 'X-Portal-User: anna@example.edu'
t_is "nor of a name" "$STATUS" 403
t_like "which is written down" "$(tail -n 3 "$PORTAL_LOG")" '"reason":"header_refused"'
ask /login/sso -H "X-Portal-Secret: ${secret%?}" -H 'X-Portal-User: anna@example.edu'
t_is "nor of a wrong secret" "$STATUS" 403
ask /login/sso "${proxied[@]}" -H 'X-Portal-User: ben@example.edu'
t_is "nor of two names" "$STATUS" 403
ask /devices "${proxied[@]}"
t_is "nor on any other page" "$STATUS $LOCATION" "303 /login"
ask /login/sso "${proxied[@]}" -H 'X-Portal-Groups: member;staff'
t_is "the proxy's word lets in" "$STATUS $LOCATION" "303 /devices"
ask /devices
t_like "as that person" "$STATUS $BODY" '^200 .*anna'
who() {
	REDISCLI_AUTH=$(<"$SCEPAUTH_DIR/secrets/redis-installer") redis-cli -s "$REDIS_SOCKET" --user installer --no-auth-warning -e \
		HMGET "user:$(REDISCLI_AUTH=$(<"$SCEPAUTH_DIR/secrets/redis-installer") redis-cli -s "$REDIS_SOCKET" --user installer \
			--no-auth-warning -e HGET login:saml anna)" source login groups | tr '\n' ' '
}
t_is "with its groups" "$(who)" "saml anna staff "
rm -f jar
ask /login/sso "${proxied[@]}"
t_is "and again as the same one" "$STATUS $(who)" "303 saml anna  "
t_unlike "the secret is not in the log" "$(<"$PORTAL_LOG")" "$secret"

# All people come from the proxy's address: its connections are not counted as those of one.
idle=()
for _ in {1..130}; do
	exec {fd}<>"/dev/tcp/127.0.0.1/${PORTAL_URL##*:}" && idle+=("$fd")
done
sockets() { find "/proc/$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/portal.pid")/fd" -lname 'socket:*' 2>/dev/null | wc -l; }
t_ok "a proxy may have many connections" t_wait 10 eval '(($(sockets) >= 130))'
ask /about
t_is "and one more" "$STATUS" 200
for fd in "${idle[@]}"; do exec {fd}>&-; done

t_done
