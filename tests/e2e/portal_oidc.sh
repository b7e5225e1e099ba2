#!/usr/bin/env bash
# Logins at the portal by OpenID Connect, with a real provider (glewlwyd).
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/glewlwyd.sh
. "$(dirname "$0")/../support/glewlwyd.sh"

T_INIT=(--group staff:20 --group students:30)
t_instance redis
cd "$T_DIR" || exit 1

# --- helpers -------------------------------------------------------------------------------------

ask() { # JAR PATH-OR-URL [CURL_OPTION...]: STATUS, LOCATION and BODY
	local jar=$1 url=$2
	shift 2
	[[ $url != /* ]] || url=$PORTAL_URL$url
	STATUS=$(curl -sS --max-time 30 --cacert "$ROOT_CERT" -b "$jar" -c "$jar" -D headers -o page -w '%{http_code}' "$@" "$url")
	LOCATION=$(tr -d '\r' <headers | sed -n 's/^location: //Ip')
	BODY=$(<page)
}
begin() { # JAR: LOCATION is where the provider would be asked
	rm -f "$1"
	ask "$1" /login/oidc
}
answer() { # THERE: what the provider leads back to, for who is logged in there
	ask "$1" "$LOCATION&g_continue"
}
log_in() { # JAR THERE: the whole way
	begin "$1"
	answer "$2"
	ask "$1" "$LOCATION"
}
db() {
	REDISCLI_AUTH=$(<"$SCEPAUTH_DIR/secrets/redis-installer") redis-cli -s "$REDIS_SOCKET" --user installer \
		--no-auth-warning -e "$@"
}
portal() { t_stop portal && t_start portal; }
part() { sed -n "s/.*[?&]$1=\([^&]*\).*/\1/p" <<<"$LOCATION"; }

glewlwyd_make
glewlwyd_start
glewlwyd_plugin rsa
glewlwyd_client "$PORTAL_URL/login/oidc/callback"
glewlwyd_person anna employees others
glewlwyd_person ben students
glewlwyd_login anna anna-there || t_bail "anna cannot log in at the provider"
glewlwyd_login ben ben-there

(umask 077 && echo "$GLEWLWYD_SECRET" >"$SCEPAUTH_DIR/secrets/oidc-client-secret")
conf_set oidc issuer "\"$GLEWLWYD_ISSUER\""
conf_set oidc name '"Example Account"'
conf_set oidc client-id '"portal"'
conf_set oidc scopes '"openid"'
conf_set portal login '{ "oidc", "local" }'
sed -i '0,/^group "staff" {/s//group "staff" {\n\toidc = { "employees" }/' "$SCEPAUTH_CONF"
t_start portal

# --- the way in ----------------------------------------------------------------------------------

ask x /login
t_like "the login page has a button" "$BODY" 'href="/login/oidc">Sign in with <bdi>Example Account</bdi>'
t_like "and the form of the other kind" "$BODY" 'name="password"'
begin anna
t_like "the button leads to the provider" "$STATUS $LOCATION" "^303 http://127.0.0.1:$GLEWLWYD_PORT/api/oidc/auth\?response_type=code&client_id=portal&redirect_uri=https%3A"
t_is "with a PKCE challenge" "$(part code_challenge_method) $(part code_challenge | wc -c)" "S256 44"
t_like "and a cookie that comes back from there" "$(grep -i '^set-cookie: __Host-oidc' headers)" 'Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax'
answer anna-there
t_like "the provider leads back" "$STATUS $LOCATION" "^302 $PORTAL_URL/login/oidc/callback\?.*code="
back=$LOCATION
cp anna anna-before
ask anna "$back"
t_is "and the person is in" "$STATUS $LOCATION" "303 /devices"
ask anna /devices
t_is "on the page for devices" "$STATUS" 200
sub=$(sqlite3 "$GLEWLWYD_DIR/db" "SELECT gposi_sub FROM gpo_subject_identifier WHERE gposi_username = 'anna'")
id=u$(printf 'oidc\n%s\nsub\n%s' "$GLEWLWYD_ISSUER" "$sub" | sha256sum | cut -c1-32)
t_is "as the person of issuer and sub" "$(db HMGET "user:$id" source login name email | tr '\n' ' ')" "oidc anna Name of anna anna@example.edu "
t_is "in our group for theirs" "$(db HGET "user:$id" groups)" staff
log_in ben ben-there
ask ben /devices
t_like "another person is another" "$STATUS $BODY" '^200 .*Name of ben'

# --- what is not a way in ------------------------------------------------------------------------

refused() { # TEXT PATTERN
	t_like "$1" "$STATUS $BODY" "^403 .*$2"
	[[ -z ${3-} ]] || t_like "and the log says why" "$(tail -n 4 "$PORTAL_LOG")" "$3"
}
ask anna-before "$back"
refused "the same answer counts once" 'Please start again' 'it was answered before'
begin ben2
answer ben-there
ask nobody "$LOCATION"
refused "an answer for another browser opens nothing here" 'Please start again' 'this browser began no login'
begin eve
state=$(part state)
begin ben2
ask ben2 "/login/oidc/callback?code=abc&state=$state"
refused "nor one with the state of somebody else" 'Please start again' 'answer to another login'
begin ben2
state=$(part state)
ask ben2 "/login/oidc/callback?code=abc&state=$state"
refused "a code that the provider did not give" 'cannot be used here' 'does not take the code: status 403, invalid'
begin ben2
state=$(part state)
ask ben2 "/login/oidc/callback?code=abc&state=$state&iss=https%3A%2F%2Fevil.example"
refused "the issuer of another provider" 'cannot be used here' 'another issuer'
begin ben2
state=$(part state)
ask ben2 "/login/oidc/callback?error=access_denied&state=$state"
t_like "who gives up gets back to the login page" "$STATUS $BODY" '^200 .*did not finish'
begin ben2
state=$(part state)
ask ben2 "/login/oidc/callback?error=%3Cscript%3E&state=$state"
t_is "another error is not the person's" "$STATUS" 503
begin ben2
ask ben2 /login/oidc/callback
refused "an empty answer" 'Please start again'
t_unlike "no code and no secret is in the log" "$(<"$PORTAL_LOG")" 'code=|s3cret'

# --- the provider changes its key, goes away, comes back -----------------------------------------

glewlwyd_plugin rsa
log_in anna anna-there
t_is "a new key of the provider is found at once" "$STATUS $LOCATION" "303 /devices"
begin anna
answer anna-there
glewlwyd_stop
ask anna "$LOCATION"
t_is "with the provider away people are told to come back" "$STATUS" 503
ask anna /login
t_is "the login page is there all the same" "$STATUS" 200
portal
begin anna
t_is "also when nothing is known of the provider yet" "$STATUS" 503
glewlwyd_start
back_again() {
	log_in anna anna-there
	[[ $STATUS == 303 && $LOCATION == /devices ]]
}
t_ok "it is found when it is back" t_wait 60 back_again

# --- logging out ---------------------------------------------------------------------------------

ask anna /devices
token=$(sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' page | head -n 1)
ask anna /logout -H "Origin: $PORTAL_URL" --data-urlencode "csrf=$token"
ask anna "$LOCATION"
t_like "who logs out is offered to do so there too" "$BODY" 'href="/login/oidc/logout">.*Example Account'
ask anna /login/oidc/logout
t_like "and is led there" "$STATUS $LOCATION" "^303 http://127.0.0.1:$GLEWLWYD_PORT/api/oidc/end_session\?client_id=portal&post_logout_redirect_uri=https%3A.*ended%3D1"

# --- the secret, other keys ----------------------------------------------------------------------

glewlwyd_plugin ecdsa
conf_set oidc client-auth '"post"'
portal
log_in anna anna-there
t_is "ES256, and the secret in the form" "$STATUS $LOCATION" "303 /devices"
conf_set oidc algorithms '{ "RS256" }'
portal
log_in anna anna-there
refused "an algorithm that is not allowed" 'cannot be used here' "algorithm is not among those allowed"
conf_set oidc algorithms '{}'
(umask 077 && echo wrong >"$SCEPAUTH_DIR/secrets/oidc-client-secret")
portal
log_in anna anna-there
t_is "a wrong secret is not the person's" "$STATUS" 503
(umask 077 && echo "$GLEWLWYD_SECRET" >"$SCEPAUTH_DIR/secrets/oidc-client-secret")
conf_set oidc require '{ "email_verified=true" }'
portal
log_in anna anna-there
refused "a claim that is not as required" 'cannot be used here' 'email_verified is not as required'

# --- the configuration ---------------------------------------------------------------------------

bad() { # TEXT PATTERN
	t_like "$1" "$("$SCEPAUTH_BIN/onboard_portal" -c "$SCEPAUTH_CONF" -t 2>&1)" "$2"
}
t_ok "the configuration is good" "$SCEPAUTH_BIN/onboard_portal" -c "$SCEPAUTH_CONF" -t
conf_set oidc issuer '"http://login.example.edu"'
bad "an issuer without TLS, elsewhere" 'must be an https URL'
conf_set oidc issuer '"https://login.example.edu"'
conf_set oidc everyone '{ "guests" }'
bad "a group that is none" 'there is no group "guests"'
conf_set oidc everyone '{}'
conf_set oidc identity '"ldap"'
bad "the directory's people without their id" 'needs id'
conf_set oidc identity '"oidc"'
chmod 644 "$SCEPAUTH_DIR/secrets/oidc-client-secret"
bad "a secret that others may read" 'open to group or others'

t_done
