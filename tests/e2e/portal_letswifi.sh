#!/usr/bin/env bash
# The way of the geteduroam apps (letswifi API v2), with the requests that geteduroam's linux-app and its OAuth library
# send: same addresses, parameters, headers and content types. No app was run. The key opens the network in the end.
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"

T_INIT=(--group staff:20 --group students:30)
t_instance redis
sed -i '/^group "students"/a\	device-limit = 5' "$SCEPAUTH_CONF"
t_start ca portal radius
cd "$T_DIR" || exit 1

get() { # PATH-OR-URL [CURL_OPTION...]: leaves STATUS, TYPE, LOCATION and the files body and headers
	local url=$1
	shift
	[[ $url != /* ]] || url=$PORTAL_URL$url
	: >body
	read -r STATUS TYPE < <(curl -sS --max-time 60 --cacert "$ROOT_CERT" -D headers -o body -w '%{http_code} %{content_type}\n' "$@" "$url")
	LOCATION=$(tr -d '\r' <headers | sed -n 's/^location: //Ip')
}
helpdesk() { redis_as "$HELPDESK_NAME" FCALL "$@" >/dev/null; }
json() { python3 -c 'import json,sys
v = json.load(open("body"))
for k in sys.argv[1:]: v = v.get(k, "") if isinstance(v, dict) else ""
print(v)' "$@"; }
field() { sed -n "s/.*name=\"$1\" value=\"\([^\"]*\)\".*/\1/p" body | head -n 1; }
part() { sed -n "s/.*[?&]$1=\([^&]*\).*/\1/p" <<<"$LOCATION"; }
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

# --- as shipped: no keys, no apps -----------------------------------------------------------------------

accept=(-H 'Accept: application/json' -H 'Accept: application/eap-config')
get / "${accept[@]}"
t_is "as shipped an app is told that there is nothing for it" "$STATUS $TYPE $(json error)" "404 application/json no_app"
t_is "but a browser" "$(json href)" "$PORTAL_URL/"
get /oauth/authorize
t_is "no authorisation" "$STATUS $(grep -c 'makes no keys for apps' body)" "404 1"
get /oauth/token -d grant_type=authorization_code
t_is "no token" "$STATUS" 404
get /api/eap-config -X POST -H "Authorization: Bearer $(printf 'A%.0s' {1..32})"
t_is "no configuration" "$STATUS" 404

sed -i '/^portal *{/a\	server-keys = true\n\tserver-key-lifetime = 7' "$SCEPAUTH_CONF"
"$T_TOP/packaging/instance.sh" stop "$SCEPAUTH_DIR" portal >/dev/null 2>&1
t_start portal

# --- discovery --------------------------------------------------------------------------------------------

get /
t_is "a browser is led to the pages" "$STATUS $LOCATION" "303 /devices"
get / "${accept[@]}"
t_is "an app gets a document, its type without a charset" "$STATUS $TYPE" "200 application/json"
cp body root.json
api='http://letswifi.app/api#v2'
AUTHORIZE=$(json "$api" authorization_endpoint) TOKEN=$(json "$api" token_endpoint)
EAP=$(json "$api" eapconfig_endpoint) MOBILE=$(json "$api" mobileconfig_endpoint)
t_is "all addresses are the portal's" "$(printf '%s\n' "$AUTHORIZE" "$TOKEN" "$EAP" "$MOBILE" | grep -c "^$PORTAL_URL/")" 4
get /.well-known/letswifi.json
t_ok "the same at the well-known address" cmp body root.json
t_not "no other site's script may read it" grep -qi '^access-control' headers

# --- helpers of the flow ----------------------------------------------------------------------------------

CLIENT=app.geteduroam.sh REDIRECT=http://127.0.0.1:49321/
start() { # JAR [PARAMETER=VALUE...]: as the app opens the browser; leaves VERIFIER and STATE. A parameter of ours goes first
	local jar=$1 args=() p
	shift
	VERIFIER=$(openssl rand 32 | base64url) STATE=$(openssl rand 32 | base64url)
	for p in "$@" client_id="$CLIENT" code_challenge="$(printf %s "$VERIFIER" | openssl dgst -sha256 -binary | base64url)" \
		code_challenge_method=S256 redirect_uri="$REDIRECT" response_type=code scope=eap-metadata state="$STATE"; do
		args+=(--data-urlencode "$p")
	done
	get "$AUTHORIZE" -G -b "$jar" -c "$jar" -A "$browser" "${args[@]}"
}
browser='Mozilla/5.0 (X11; Linux x86_64)'
consent() { # JAR ANSWER [NAME]
	get /oauth/consent -b "$1" -c "$1" -A "$browser"
	cp body consent
	cp headers consent-headers
	get /oauth/consent -b "$1" -c "$1" -A "$browser" -H "Origin: $PORTAL_URL" --data-urlencode "csrf=$(field csrf)" \
		--data-urlencode "request=$(field request)" --data-urlencode "name=${3-My laptop}" -d "answer=$2"
}
code() { # JAR [NAME]: leaves CODE
	start "$1"
	consent "$1" yes "${2-My laptop}"
	CODE=$(part code)
	[[ -n $CODE ]] || t_bail "no code: $STATUS $(head -c 300 body)"
}
redeem() { # [PARAMETER=VALUE...]: as the app does; leaves ACCESS
	local args=() p
	for p in "$@" client_id="$CLIENT" code="$CODE" code_verifier="$VERIFIER" grant_type=authorization_code redirect_uri="$REDIRECT"; do
		args+=(--data-urlencode "$p")
	done
	get "$TOKEN" -A 'Go-http-client/1.1' "${args[@]}"
	ACCESS=$(json access_token)
}
fetch() { get "${2-$EAP}" -X POST -A 'Go-http-client/1.1' -H "Authorization: Bearer $1" -H 'Content-Length: 0'; }

# --- from the app to the network ----------------------------------------------------------------------------

start jar
t_is "the browser is led to a page of ours" "$STATUS $LOCATION" "303 /oauth/consent"
get /oauth/consent -b jar -c jar
t_is "who is not signed in signs in first" "$STATUS $LOCATION" "303 /login"
portal_curl jar /login
get /login -b jar -c jar -H "Origin: $PORTAL_URL" -d "csrf=$(portal_csrf)" --data-urlencode login=sam --data-urlencode "password=$STUDENT_PASSWORD" -d 'next=https://evil.example/'
t_is "and comes back to the question, wherever the form says" "$STATUS $LOCATION" "303 /oauth/consent"
consent jar yes 'My laptop'
t_ok "the page names the app" grep -q "<bdi>$CLIENT</bdi>" consent
t_ok "and says whose key it is and for how long" grep -q 'made by our server.*valid: 7' consent
t_ok "its form leads to the portal and to this app only" grep -q "form-action 'self' http://127.0.0.1:49321; frame-ancestors 'none'" consent-headers
t_is "yes leads to the app" "$STATUS ${LOCATION%%\?*}" "303 $REDIRECT"
t_is "with what it sent along" "$(part state)" "$STATE"
CODE=$(part code)
redeem
t_is "the app gets a token" "$STATUS $TYPE $(json token_type)" "200 application/json Bearer"
t_ok "kept nowhere" grep -qi '^cache-control: no-store' headers
t_like "one that fits a header" "$ACCESS" '^[A-Za-z0-9_-]{32}$'
first=$ACCESS
fetch "$ACCESS"
t_is "and for it eap-config" "$STATUS $TYPE" "200 application/eap-config"
cp body app.eap-config
if [[ -f ${SCEPAUTH_VECTORS-}/eap-metadata.xsd ]]; then
	t_ok "right by the schema of eduroam CAT" xmllint --nonet --noout --schema "$SCEPAUTH_VECTORS/eap-metadata.xsd" app.eap-config
else
	t_skip "right by the schema of eduroam CAT" "SCEPAUTH_VECTORS is not set"
fi
in_eap() { xmllint --nonet --xpath "string(//$1)" app.eap-config; }
in_eap ClientCertificate | base64 -d >app.p12
openssl pkcs12 -in app.p12 -passin "pass:$(in_eap Passphrase)" -nodes -nokeys >app.pem 2>/dev/null
openssl pkcs12 -in app.p12 -passin "pass:$(in_eap Passphrase)" -nodes -nocerts >app.key 2>/dev/null
DEVICE=$(openssl x509 -in app.pem -noout -subject -nameopt multiline | sed -n 's/.*commonName *= //p')
t_is "the device is the person's, with the name they gave" "$(redis_as portal hget "device:$DEVICE" name)" 'My laptop'
t_is "of the kind that their browser says" "$(redis_as portal hget "device:$DEVICE" platform)" linux
t_not "its certificate ends within eight days" openssl x509 -in app.pem -noout -checkend $((8 * 86400))
eapol_conf app.conf "$T_DIR/app.pem" "$T_DIR/app.key" "$(in_eap OuterIdentity)"
eapol_run app.conf
t_is "its key opens the network" "$EAP_RESULT $EAP_VLAN" "accept 30"

fetch "$ACCESS"
t_is "the token gives nothing twice" "$STATUS $(json error)" "401 invalid_token"
t_ok "and says so as RFC 6750 wants it" grep -qi '^www-authenticate: Bearer error="invalid_token"' headers
get "/e/$ACCESS"
t_is "it opens no set-up page" "$STATUS" 410
redeem
t_is "the code neither, a second time" "$STATUS $(json error)" "400 invalid_grant"
eapol_run app.conf
t_is "and what came of it ends: a code used twice was stolen" "$EAP_RESULT" reject

# --- the phone's client; no --------------------------------------------------------------------------------------

CLIENT=app.eduroam.geteduroam REDIRECT=app.eduroam.geteduroam:/ browser='Mozilla/5.0 (Linux; Android 15; Pixel 9)'
start jar
t_is "signed in, the phone's app comes to the question at once" "$STATUS $LOCATION" "303 /oauth/consent"
consent jar no
t_is "no leads back without a code" "$STATUS $LOCATION" "303 $REDIRECT?error=access_denied&state=$STATE"
t_ok "the form may lead to the app's scheme" grep -q "form-action 'self' app.eduroam.geteduroam:; frame" consent-headers
code jar 'Phone'
redeem
fetch "$ACCESS"
t_is "yes, and the phone has its file" "$STATUS" 200
start jar
consent jar yes ''
t_is "a device needs a name" "$STATUS $(grep -c 'id="name-error"' body)" "422 1"
code jar 'iPad'
redeem
fetch "$ACCESS" "$MOBILE"
t_is "Apple's profile in its place" "$STATUS $TYPE" "200 application/x-apple-aspen-config"
ipad=$ACCESS

# --- what is refused ----------------------------------------------------------------------------------------------

refused() { # WHAT LOCATION-OR-STATUS PARAMETER...
	local what=$1 want=$2
	shift 2
	start jar "$@"
	[[ $want == 400 ]] && t_is "$what: no way anywhere" "$STATUS $LOCATION" "400 " && return
	t_is "$what: the app is told" "$STATUS $LOCATION" "303 $REDIRECT?error=$want&state=$STATE"
}
refused "an unknown app" 400 client_id=app.example
refused "another address" 400 redirect_uri=https://evil.example/
refused "another app's address" 400 redirect_uri=http://127.0.0.1:80/
refused "plain PKCE" invalid_request code_challenge_method=plain
refused "no PKCE" invalid_request code_challenge=
refused "a token at once" unsupported_response_type response_type=token
refused "another scope" invalid_scope scope=admin

start jar
get /oauth/consent -b jar
form=(-d "request=$(field request)" -d name=x -d answer=yes)
csrf=$(field csrf)
get /oauth/consent -b jar "${form[@]}" -H "Origin: $PORTAL_URL"
t_is "a form without our token" "$STATUS" 403
get /oauth/consent -b jar "${form[@]}" -d "csrf=$csrf" -H "Origin: https://evil.example"
t_is "a form of another site" "$STATUS" 403
get /oauth/consent -b jar -d "request=$(field request)x" -d "csrf=$csrf" -d name=x -d answer=yes -H "Origin: $PORTAL_URL"
t_is "a request that is not sealed by us" "$STATUS $LOCATION" "400 "
get /oauth/consent "${form[@]}" -d "csrf=$csrf" -H "Origin: $PORTAL_URL"
t_is "a form of nobody" "$STATUS $LOCATION" "303 /login"

code jar 'Never'
wrong() { # WHAT PARAMETER...
	local what=$1
	shift
	redeem "$@"
	t_is "$what" "$STATUS $(json error)" "400 invalid_grant"
}
wrong "another verifier" code_verifier="$(openssl rand 32 | base64url)"
wrong "another app" client_id=app.geteduroam.win
wrong "another address" redirect_uri=app.eduroam.geteduroam:/x
wrong "a code that was changed" code="x$CODE"
redeem grant_type=refresh_token
t_is "no other grant" "$STATUS $(json error)" "400 unsupported_grant_type"
redeem code_verifier=
t_is "no verifier" "$STATUS" 400
get "$TOKEN" -G -d grant_type=authorization_code
t_is "no GET" "$STATUS" 405
t_is "none of these made a device" "$(redis_as portal zcard "udevices:$(redis_as portal hget "device:$DEVICE" owner)")" 3

helpdesk suspend_user 0 sam 'lost phone'
redeem
t_is "a hold between yes and token" "$STATUS $(json error)" "400 invalid_grant"
fetch "$ipad"
t_is "and between token and file" "$STATUS $(json error)" "401 invalid_token"
helpdesk restore_user 0 sam
redeem
t_is "restored, the same code still serves" "$STATUS" 200
for bad in '' 'x' "$(printf 'A%.0s' {1..32})" "${ACCESS}x"; do
	fetch "$bad"
	t_is "a token that is none (${#bad})" "$STATUS" 401
done
fetch "$ACCESS"
t_is "and the real one still does" "$STATUS" 200

# --- places ---------------------------------------------------------------------------------------------------------

rm jar
portal_login jar sam "$STUDENT_PASSWORD" || t_bail "sam cannot log in again"
code jar 'Fourth' && redeem
t_is "a fourth device" "$STATUS" 200
code jar 'Fifth' && late=$CODE late_verifier=$VERIFIER
code jar 'Also fifth' && redeem
t_is "a fifth" "$STATUS" 200
redeem code="$late" code_verifier="$late_verifier"
t_is "the sixth is one too many, though it had its yes" "$STATUS $(json error_description)" "400 This person has as many devices as they may."
start jar
get /oauth/consent -b jar
t_is "and the page says so" "$STATUS $(grep -c "<h1>No room for one more device" body)" "409 1"

# --- nothing stays ----------------------------------------------------------------------------------------------------

for secret in "$first" "$ipad" "$CODE" "$late" "$(in_eap Passphrase)" "$VERIFIER"; do
	t_not "nothing of it in a log" grep -rqF -e "$secret" "$SCEPAUTH_DIR/log"
done
redis_as auto_revoke --scan 2>/dev/null | grep -F -e "$first" -e "$ipad" >left
t_not "no token is the name of a key" test -s left
t_ok "yes, no, and the code that came twice are in the trail" \
	test "$(grep -rhoE 'app_(allowed|refused)|app_code_refused.*(used|foreign|held|limit)' "$SCEPAUTH_DIR/log" | grep -oE 'app_allowed|app_refused|used|foreign|held|limit' | sort -u | wc -l)" = 6
t_done
