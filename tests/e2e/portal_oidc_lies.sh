#!/usr/bin/env bash
# Logins at the portal by an OpenID provider that answers wrongly, in one way at a time.
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"

T_INIT=(--group staff:20 --group students:30)
t_instance redis
cd "$T_DIR" || exit 1

ask() { # PATH [CURL_OPTION...]: STATUS, LOCATION and BODY
	local path=$1
	shift
	STATUS=$(curl -sS --max-time 60 --cacert "$ROOT_CERT" -b jar -c jar -D headers -o page -w '%{http_code}' "$@" "$PORTAL_URL$path")
	LOCATION=$(tr -d '\r' <headers | sed -n 's/^location: //Ip')
	BODY=$(<page)
}
part() { sed -n "s/.*[?&]$1=\([^&]*\).*/\1/p" <<<"$LOCATION"; }
back() { # MODE [MORE]: the provider is asked as LOCATION says, and answers in this way
	local state nonce
	state=$(part state) nonce=$(part nonce)
	ask "/login/oidc/callback?code=$1.$nonce&state=$state${2-&iss=$iss}"
}
log_in() { # MODE [MORE]
	rm -f jar
	ask /login/oidc
	back "$@"
}
count() { grep -c "^$1" provider.log; }
running() { # [CERT KEY]
	port=$((20000 + RANDOM % 12000))
	"$SCEPAUTH_BIN/../tests/bin/oidc_double" "$port" portal "$@" >provider.log 2>&1 &
	provider=$!
	t_wait 60 eval "grep -q ready provider.log || ! kill -0 $provider"
	kill -0 "$provider" 2>/dev/null
}
running || running || running || t_bail "no provider: $(<provider.log)"
iss=http%3A%2F%2F127.0.0.1%3A$port
t_defer 'kill "$provider" 2>/dev/null'

(umask 077 && echo secret >"$SCEPAUTH_DIR/secrets/oidc-client-secret")
conf_set oidc issuer "\"http://127.0.0.1:$port\""
conf_set oidc client-id '"portal"'
conf_set oidc everyone '{ "students" }'
conf_set oidc timeout 20000
# Redis waits for the disk with each write: a busy one is not what this is about.
conf_set redis deadline 20000
conf_set portal login '{ "oidc" }'
t_start portal

log_in good
t_is "a good answer lets in" "$STATUS $LOCATION" "303 /devices"
[[ $STATUS == 303 ]] || t_note "$(tail -n 5 "$PORTAL_LOG")"
t_like "the code was redeemed with its verifier" "$(<provider.log)" 'token good verifier'

# --- tokens --------------------------------------------------------------------------------------

lie() { # MODE WHY TEXT
	log_in "$1"
	t_is "$3: refused" "$STATUS" 403
	t_like "and why is in the log" "$(tail -n 2 "$PORTAL_LOG")" "$2"
	ask /devices
	t_is "and nobody is in" "$STATUS $LOCATION" "303 /login"
}
lie none 'algorithm is not among' "no signature"
lie hmac 'algorithm is not among' "an HMAC by the public key"
lie stranger 'signature is wrong' "a stranger's signature"
lie iss '\(iss\)' "another issuer"
lie aud '\(aud\)' "another audience"
lie nonce '\(nonce\)' "another nonce"
lie expired '\(exp\)' "an expired token"
lie future '\(iat\)' "a token of the future"
lie twice 'not valid JSON' "a claim twice"
lie cut 'signature is wrong|base64url' "a token that is cut"

# --- keys that change ----------------------------------------------------------------------------

before=$(count jwks)
log_in newer
t_is "a key that is new is asked for" "$STATUS $LOCATION $(($(count jwks) - before))" "303 /devices 1"
lie unknown 'key that the provider does not list' "a key that nobody has"
lie unknown 'key that the provider does not list' "and once more"
t_is "which is not asked for each time" "$(($(count jwks) - before))" 1

# --- answers -------------------------------------------------------------------------------------

log_in good ''
t_is "an answer that does not say whose it is, from a provider that promised to" "$STATUS" 403
log_in good '&iss=http%3A%2F%2F127.0.0.1%3A1'
t_is "an answer that says another's name" "$STATUS" 403
for mode in redirect html giant; do
	log_in "$mode"
	t_like "the token endpoint's $mode is not followed or taken" "$STATUS" '^(403|503)$'
done
log_in good
t_is "after all this a good answer still lets in" "$STATUS $LOCATION" "303 /devices"

# --- a provider that is slow ---------------------------------------------------------------------

conf_set oidc timeout 20000
t_stop portal
t_start portal
log_in slow &
slow=$!
t_wait 60 grep -q 'token slow' provider.log
t_is "while one waits for the provider, others get their pages" \
	"$(curl -sS --max-time 10 --cacert "$ROOT_CERT" -o /dev/null -w '%{http_code}' "$PORTAL_URL/login")" 200
touch go
wait "$slow"

# --- proving again who one is --------------------------------------------------------------------

# The cookie of a session that began that long ago with a proof, for who is in jar.
aged() { # SECONDS
	local plain mac now
	now=$(date +%s)
	plain=$(awk '$6 == "__Host-portal" { print $7 }' jar | cut -d. -f1 | tr '_-' '/+' | sed 's/$/===/' | base64 -d 2>/dev/null | head -n 1)
	plain=$(printf '%s\n%s\n%s\n%s\n%s\n%s' "$plain" "$(((now - $1) * 1000))" "$(((now - $1) * 1000))" "$((now + 600))" "$((now + 600))" 00112233445566778899aabbccddeeff)
	mac=$(printf 'scepauth-session-3\n%s' "$plain" | openssl dgst -sha256 -mac HMAC -macopt \
		"hexkey:$(xxd -p -c 64 "$SCEPAUTH_DIR/secrets/session.key")" -binary | base64 -w 0 | tr '/+' '_-' | tr -d =)
	sed -i "s|\(__Host-portal\t\).*|\1$(printf %s "$plain" | base64 -w 0 | tr '/+' '_-' | tr -d =).$mac|" jar
}
csrf() { sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' page | head -n 1; }
log_in good
ask /devices/new
t_is "somebody has a device" "$STATUS" 200
ask /devices/new -H "Origin: $PORTAL_URL" --data-urlencode "csrf=$(csrf)" --data-urlencode name=phone --data-urlencode platform=linux
ask /devices
device=$(sed -n 's|.*href="/devices/\(d[0-9a-f]*\)/remove".*|\1|p' page | head -n 1)
ask "/devices/$device/remove"
t_is "and may remove it, having just logged in" "$STATUS" 200
aged 3000
ask "/devices/$device/remove"
t_like "later the provider is to ask again" "$STATUS $LOCATION" '^303 http://127.0.0.1:.*prompt=login&max_age=0'
cp jar later
back oldauth
t_is "it must have done so" "$STATUS" 403
cp later jar
ask "/devices/$device/remove"
back noauth
t_is "and say so" "$STATUS" 403
cp later jar
ask "/devices/$device/remove"
back ben
t_is "and nobody else may come back" "$STATUS" 403
for mode in oldauth noauth; do
	log_in "$mode"
	t_is "a provider that lets in without asking ($mode)" "$STATUS $LOCATION" "303 /devices"
	ask "/devices/$device/remove"
	t_like "has proved nothing by it" "$STATUS $LOCATION" '^303 http://127.0.0.1:.*prompt=login&max_age=0'
done
cp later jar
ask /devices
token=$(csrf)
ask "/devices/$device/remove" -H "Origin: $PORTAL_URL" --data-urlencode "csrf=$token"
t_like "a form does not go round it" "$STATUS $BODY" "^403 .*Please confirm"
ask "/devices/$device/remove"
back good
t_is "with that the person is back at the page" "$STATUS $LOCATION" "303 /devices/$device/remove"
ask "/devices/$device/remove"
ask "/devices/$device/remove" -H "Origin: $PORTAL_URL" --data-urlencode "csrf=$(csrf)"
t_is "and the device can be removed" "$STATUS $LOCATION" "303 /devices?removed=1"

# --- the help desk, which proves it there, too -----------------------------------------------------

db() {
	REDISCLI_AUTH=$(<"$SCEPAUTH_DIR/secrets/redis-installer") redis-cli -s "$REDIS_SOCKET" --user installer --no-auth-warning -e "$@"
}
"$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" helpdesk add console --password-file "$SCEPAUTH_DIR/secrets/redis-console" >/dev/null
sed -i '/^console {/,/^}/d' "$SCEPAUTH_CONF"
printf 'console {\n\tgroups = {"students"}\n}\n' >>"$SCEPAUTH_CONF"
t_stop portal
t_start portal
anna=$(db HGET login:oidc anna)
act=/console/person/$anna/hold
log_in good
ask "$act"
t_like "an act of who has just proved who they are" "$STATUS $BODY" '^200 .*name="reason"'
t_unlike "wants no password, of which there is none" "$BODY" 'name="password"'
for mode in oldauth noauth; do
	log_in "$mode"
	ask "$act"
	t_like "of who was let in without being asked ($mode): the provider is to ask" "$STATUS $LOCATION" \
		'^303 http://127.0.0.1:.*prompt=login&max_age=0'
done
back oldauth
t_is "and must have done so" "$STATUS" 403
log_in oldauth
ask /devices
ask "$act" -H "Origin: $PORTAL_URL" --data-urlencode "csrf=$(csrf)" --data-urlencode reason=because
t_like "a form does not go round it" "$STATUS $BODY" "^403 .*Please confirm.*href=\"$act\""
t_is "and nobody is held" "$(db FCALL_RO user_get 0 "$anna" | grep -c 'oidc: because\|anna: because')" 0
t_like "which is on record" "$(tail -n 4 "$PORTAL_LOG")" '"console_act_refused".*"reason":"old_login"'
ask "$act"
back ben
t_is "nor may somebody else prove it" "$STATUS" 403
ask "$act"
back good
t_is "with the proof the page comes back" "$STATUS $LOCATION" "303 $act"
ask "$act"
ask "$act" -H "Origin: $PORTAL_URL" --data-urlencode "csrf=$(csrf)" --data-urlencode reason=because
t_is "and the act is done" "$STATUS $LOCATION" "303 /console/person/$anna?done=hold"
t_is "to that person" "$(db FCALL_RO user_get 0 "$anna" | grep -c 'anna: because')" 1

# --- TLS to the provider --------------------------------------------------------------------------

secure() { # CERT KEY CA: a provider with this certificate, and a portal that trusts this CA
	kill "$provider" && wait "$provider" 2>/dev/null
	running "$1" "$2" || running "$1" "$2" || running "$1" "$2" || t_bail "no provider with TLS: $(<provider.log)"
	conf_set oidc issuer "\"https://127.0.0.1:$port\""
	conf_set oidc ca "\"$3\""
	t_stop portal
	t_start portal
	rm -f jar
	ask /login/oidc
}
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=other -addext subjectAltName=DNS:other.example -days 2 \
	-keyout other.key -out other.pem 2>/dev/null
chmod 600 other.key
secure other.pem other.key "$T_DIR/other.pem"
t_is "a certificate for another name" "$STATUS $(count metadata)" "503 0"
t_like "which the log says" "$(tail -n 3 "$PORTAL_LOG")" "subject name"
secure "$SCEPAUTH_DIR/tls/portal.pem" "$SCEPAUTH_DIR/tls/portal.key" /etc/ssl/certs/ca-certificates.crt
t_is "a certificate of a CA that is not the configured one" "$STATUS $(count metadata)" "503 0"
secure "$SCEPAUTH_DIR/tls/portal.pem" "$SCEPAUTH_DIR/tls/portal.key" "$ROOT_CERT"
iss=https%3A%2F%2F127.0.0.1%3A$port
back ben
t_is "and a good one" "$STATUS $LOCATION" "303 /devices" || t_note "$(tail -n 8 "$PORTAL_LOG")"
t_ok "scepctl check finds nothing wrong" "$SCEPAUTH_BIN/scepctl" check "$SCEPAUTH_DIR"

# --- scepctl check -------------------------------------------------------------------------------

chmod 644 "$SCEPAUTH_DIR/secrets/oidc-client-secret"
conf_set oidc client-id '""'
out=$("$SCEPAUTH_BIN/scepctl" check "$SCEPAUTH_DIR")
t_like "scepctl check misses the client" "$out" 'oidc.client-id: must be given'
t_like "and does not like a secret that others may read" "$out" 'secrets/oidc-client-secret: .*open to group or others'

t_done
