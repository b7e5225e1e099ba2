#!/usr/bin/env bash
# A phone is gone: from any other device, by a short address, it is cut off, and its owner sees that it is.
# shellcheck source-path=SCRIPTDIR disable=SC2154,SC2119 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"

t_instance
cd "$T_DIR" || exit 1

ask() { # PATH [CURL_OPTION...]: leaves STATUS, AT (where it leads), REFRESH and the file page
	local path=$1
	shift
	STATUS=$(curl -sS --max-time 20 --cacert "$ROOT_CERT" -D headers -o page -w '%{http_code}' "$@" "$PORTAL_URL$path")
	AT=$(sed -n 's/^[Ll]ocation: *//p' headers | tr -d '\r')
	REFRESH=$(sed -n 's/^[Rr]efresh: *//p' headers | tr -d '\r')
}
csrf() { sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' page | head -n 1; }
send() { ask "$1" "${jar[@]}" -H "Origin: $PORTAL_URL" --data-urlencode "csrf=${2-$token}"; }
jar=(-b jar -c jar)

t_ok "a student is in, by the phone" portal_login phone "$STUDENT_LOGIN" "$STUDENT_PASSWORD"
portal_add_device phone "Sam's phone" other || t_bail "no device"
device=$(html_id subject <<<"$PORTAL_PAGE" | sed 's/^CN=//')
t_ok "which enrols" scep_enrol "$T_DIR/phone.d" students "$CHALLENGE"
serial=$(cert_serial phone.d/cert.pem)
eapol_conf phone.conf phone.d/cert.pem phone.d/key.pem
eapol_run phone.conf
t_is "and is on the network" "$EAP_RESULT" accept
noted() { redis_as installer --raw ZRANGE sessions 0 -1 | grep -q .; }
t_ok "(as the ledger knows)" t_wait 20 noted

ask /lost "${jar[@]}"
t_is "elsewhere, the short address leads to the login" "$STATUS $AT" "303 /login"
ask /login "${jar[@]}"
token=$(csrf)
ask /login "${jar[@]}" -H "Origin: $PORTAL_URL" --data-urlencode "csrf=$token" -d "login=$STUDENT_LOGIN" -d password=wrong
t_is "(a wrong password)" "$STATUS" 403
ask /login "${jar[@]}" -H "Origin: $PORTAL_URL" --data-urlencode "csrf=$(csrf)" -d "login=$STUDENT_LOGIN" -d "password=$STUDENT_PASSWORD"
t_is "and the login back" "$STATUS $AT" "303 /lost"
t_not "once" grep -q '__Host-next' jar
ask /lost "${jar[@]}"
t_ok "where the device is to choose" grep -q "href=\"/devices/$device/lost\"" page
ask "/devices/$device/lost" "${jar[@]}"
token=$(csrf)
t_like "it asks first" "$STATUS $(tr -d '\n' <page)" '^200 .*Is this the lost device'
send "/devices/$device/lost" x
t_is "not without the form's token" "$STATUS" 403
t_is "nothing has happened" "$(redis_as installer HGET revoked "$serial")" ""

# Somebody finds a browser that was left open an hour ago.
key=$(od -An -v -tx1 "$SCEPAUTH_DIR/secrets/session.key" | tr -d ' \n')
b64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
user=$(redis_as installer HGET "cert:$serial" user)
then=$(($(date +%s) - 3600))000
plain=$user$'\n'$then$'\n'$then$'\n'$(($(date +%s) + 600))$'\n'$(($(date +%s) + 600))$'\n'00112233445566778899aabbccddeeff
old=$(printf '%s' "$plain" | b64url).$({ printf 'scepauth-session-3\n' && printf '%s' "$plain"; } | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | b64url)
ask /lost -H "Cookie: __Host-portal=$old"
t_is "(a session of an hour ago is taken)" "$STATUS" 200
ask "/devices/$device/lost" -H "Cookie: __Host-portal=$old"
t_like "but cuts nothing off before a sign-in" "$STATUS $(tr -d '\n' <page)" '^403 .*confirm that it is you.*href="/lost"'
t_ok "for which it ends" grep -qi '^set-cookie: __Host-portal=; .*Max-Age=0' headers

t_ok "somebody else is in" portal_login other "$STAFF_LOGIN" "$STAFF_PASSWORD"
portal_curl other /devices
t_not "to whom the device is unknown" portal_post other "/devices/$device/lost"
t_is "not there, that is" "$PORTAL_STATUS$(redis_as installer HGET revoked "$serial")" 200

ask "/devices/$device/lost" "${jar[@]}"
send "/devices/$device/lost"
t_is "yes, it is lost" "$STATUS $AT" "303 /devices/$device/lost"
t_like "the certificate is revoked as one whose key is in foreign hands" "$(redis_as installer HGET revoked "$serial")" '^[0-9]+ portal keyCompromise: reported lost'
at=$AT
ask "$at" "${jar[@]}"
t_like "the page says that it is still being thrown off" "$STATUS $(tr -d '\n' <page)" '^200 .*It is cut off.*state good.*state warn'
t_is "and looks again" "$REFRESH" "2; url=/devices/$device/lost?n=1"
ask "$at?n=60" "${jar[@]}"
t_is "not for ever" "$STATUS $REFRESH" "200 "
t_ok "what else to do is there" grep -q 'Change the password' page
for s in $(redis_as installer --raw ZRANGE sessions 0 -1); do redis_as radius FCALL session_close 0 "$s" >/dev/null; done
ask "/devices/$device/lost" "${jar[@]}"
t_is "once its session has ended all is done" "$(grep -o 'class="state [a-z]*"' page | tr '\n' ' ')$REFRESH" 'class="state good" class="state good" '
eapol_run phone.conf
t_is "it does not come back" "$EAP_RESULT" reject
ask /lost "${jar[@]}"
t_not "and is not offered again" grep -q "/devices/$device/lost" page
portal_add_device jar 'Never set up' other
device=$(html_id subject <<<"$PORTAL_PAGE" | sed 's/^CN=//')
ask "/devices/$device/lost" "${jar[@]}"
token=$(csrf)
send "/devices/$device/lost"
t_is "one that never had a certificate is gone without a trace" "$STATUS $AT" "303 /devices?removed=1"
t_ok "both sides of it are on record" grep -q '"event":"device_lost"' "$SCEPAUTH_DIR/log/portal.log"
t_done
