#!/usr/bin/env bash
# The open network: what devices ask there, the way out of the small window, and from one browser to another.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

T_INIT=(--group staff:20 --group students:30 --onboarding-ssid open-campus)
t_instance redis
# A port of its own: port 0, and the portal's log says which one it is.
conf() { # KEY VALUE: of the section captive
	sed -i "/^captive {/,/^}/s|^\t#\{0,1\} \{0,1\}$1 = .*|\t$1 = $2|" "$SCEPAUTH_CONF"
}
conf listen '"127.0.0.1:0"'
conf networks '{"127.0.0.0/8"}'
printf 'Be kind.\r\n\r\nNo <b>lending</b>.\n' >"$SCEPAUTH_DIR/terms.txt"
sed -i 's|^\t# terms = ""|\tterms = "terms.txt"|' "$SCEPAUTH_CONF"
t_start portal
cd "$T_DIR" || exit 1
port() { sed -n 's/.*the open network is answered on port //p' "$PORTAL_LOG" | tail -n 1; }
OPEN=http://127.0.0.1:$(port)

plain() { # HOST PATH [CURL_OPTION...]: over plain HTTP, as if the name led here; leaves STATUS, TO, file body
	local host=$1 path=$2
	shift 2
	: >body
	read -r STATUS TO < <(curl -sS --max-time 20 --path-as-is -H "Host: $host" -D headers -o body -w '%{http_code} %{redirect_url}\n' "$@" "$OPEN$path")
}
ask() { # PATH [CURL_OPTION...]: of the portal; leaves STATUS, TYPE, file body
	local path=$1
	shift
	: >body
	read -r STATUS TYPE < <(curl -sS --max-time 20 --cacert "$ROOT_CERT" -D headers -o body -w '%{http_code} %{content_type}\n' "$@" "$PORTAL_URL$path")
}
csrf() { sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' body | head -n 1; }
post() { # JAR PATH [FIELD=VALUE]: with the token of the page in body
	local jar=$1 path=$2 token args=()
	token=$(csrf)
	[[ -z ${3-} ]] || args=(--data-urlencode "$3")
	ask "$path" -b "$jar" -c "$jar" -H "Origin: $PORTAL_URL" --data-urlencode "csrf=$token" "${args[@]}"
}
location() { sed -n 's/^[Ll]ocation: //p' headers | tr -d '\r'; }

# --- captive: everything leads to the portal ------------------------------------------------------------

probes='captive.apple.com /hotspot-detect.html
www.apple.com /library/test/success.html
connectivitycheck.gstatic.com /generate_204
clients3.google.com /generate_204
www.msftconnecttest.com /connecttest.txt
www.msftconnecttest.com /redirect
www.msftncsi.com /ncsi.txt
detectportal.firefox.com /success.txt
detectportal.firefox.com /canonical.html
nmcheck.gnome.org /check_network_status.txt
connectivity-check.ubuntu.com /
network-test.debian.org /nm
example.com /
example.com //x/../y?a=b'
wrong=
while read -r host path; do
	plain "$host" "$path"
	[[ "$STATUS $TO" == "302 $PORTAL_URL/welcome" ]] && grep -qi '^cache-control: no-store' headers || wrong+=" $host$path:$STATUS:$TO"
done <<<"$probes"
t_is "a device that is captive is led to the portal, whatever it asks" "$wrong" ""
plain 'evil.example/x"' '/'
t_is "a hostile Host leads nowhere else" "$STATUS $TO" "302 $PORTAL_URL/welcome"
plain example.com / -X POST -d a=b
t_is "nothing is taken over plain HTTP" "$STATUS" 405

ask /captive-api -H 'Accept: application/captive+json'
t_is "RFC 8908: its type, and captive" "$STATUS $TYPE $(jq -c '[.captive, ."user-portal-url", ."venue-info-url"]' body)" \
	"200 application/captive+json [true,\"$PORTAL_URL/welcome\",\"$PORTAL_URL/about\"]"
t_ok "and nobody keeps the answer" grep -qi '^cache-control: private, no-store' headers

# --- out of the small window ----------------------------------------------------------------------------

iphone='Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148'
ask /welcome -b jar -c jar -A "$iphone"
t_ok "Apple's small window is told apart" grep -q 'This small window will not last' body
ask /welcome -b jar -c jar -A "$iphone Version/18.0 Safari/604.1"
t_not "Safari is not" grep -q 'This small window will not last' body
ask /welcome -b jar -c jar -H "Origin: https://evil.example" --data-urlencode "csrf=$(csrf)"
t_is "another site cannot let a device go" "$STATUS" 403
ask /welcome -b jar -c jar
cp body kept
ask /welcome -b jar -c jar -H "Origin: $PORTAL_URL" --data-urlencode "csrf=0000"
t_is "nor a form without its token" "$STATUS" 403
ask /captive-api
t_is "and it is captive as before" "$(jq .captive body)" true
cp kept body
post jar /welcome
t_is "who asks to go on is let go" "$STATUS $(location)" "303 /welcome"
ask /welcome -b jar -c jar
t_ok "the page has the address as a text" grep -q "id=\"portal-url\" href=\"$PORTAL_URL\"" body
t_ok "and as a picture" grep -q '<svg class="qr" viewBox="0 0 [0-9]* [0-9]*" role="img" aria-label="' body
ask /captive-api
t_is "the API says for how long" "$(jq -c '[.captive, ."can-extend-session", (."seconds-remaining" > 1700 and ."seconds-remaining" <= 1800)]' body)" '[false,true,true]'

bytes() { # HOST PATH: status and the body's hash and size
	plain "$1" "$2"
	echo "$STATUS $(stat -c %s body) $(md5sum <body | cut -c1-8)"
}
same() { printf '%b' "$1" | { cat >want && echo "${2:-200} $(stat -c %s want) $(md5sum <want | cut -c1-8)"; }; }
apple='<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>'
t_is "then Apple gets its very bytes" "$(bytes captive.apple.com /hotspot-detect.html)" "$(same "$apple")"
t_is "Android and ChromeOS" "$(bytes connectivitycheck.gstatic.com /generate_204)" "$(same '' 204)"
t_is "Windows" "$(bytes www.msftconnecttest.com /connecttest.txt)" "$(same 'Microsoft Connect Test')"
t_is "older Windows" "$(bytes www.msftncsi.com /ncsi.txt)" "$(same 'Microsoft NCSI')"
t_is "Firefox" "$(bytes detectportal.firefox.com /success.txt)" "$(same 'success\n')"
t_is "GNOME" "$(bytes nmcheck.gnome.org /check_network_status.txt)" "$(same 'NetworkManager is online\n')"
t_ok "with the header that NetworkManager reads" grep -qi '^x-networkmanager-status: online' headers
plain example.com /
t_is "but the open network leads nowhere else" "$STATUS $TO" "302 $PORTAL_URL/welcome"
plain www.msftconnecttest.com /redirect
t_is "and what Windows opens is the portal" "$STATUS $TO" "302 $PORTAL_URL/welcome"

# --- from one browser to another ------------------------------------------------------------------------

t_ok "(a student is in)" portal_login student sam "$STUDENT_PASSWORD"
portal_add_device student 'Phone "1"' apple || t_bail "no device"
link=${PORTAL_AT#"$PORTAL_URL"}
challenge=$CHALLENGE
t_ok "the set-up page shows the way elsewhere" grep -q "href=\"$link/other\"" <<<"$PORTAL_PAGE"
ask "$link/other"
code=$(html_id resume-code <body)
t_like "a code to type" "$code" '^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$'
t_ok "no referrer from there" grep -qi '^referrer-policy: no-referrer' headers
ask "$link/other"
t_is "loaded again it is the same" "$(html_id resume-code <body)" "$code"
ask /r -b other -c other
post other /r 'code=0000-0000'
t_is "a wrong code leads nowhere" "$STATUS" 403
cp body kept
ask /r -b other -c other -H "Origin: $PORTAL_URL" --data-urlencode csrf=0000 --data-urlencode "code=$code"
t_is "a form of another site uses no code" "$STATUS" 403
ask /r -b other -c other -H "Origin: https://evil.example" --data-urlencode "csrf=$(cp kept body && csrf)" --data-urlencode "code=$code"
t_is "nor one from another origin" "$STATUS" 403
cp kept body
post other /r 'code=<x>'
t_is "what is no code is told so" "$STATUS" 422
ask "/r/$code" -b other -c other
t_is "the address in the picture fills the form and uses nothing up" "$STATUS $(grep -c "value=\"$code\"" body)" "200 1"
cp body kept
post other /r "code=$(tr '[:upper:]' '[:lower:]' <<<"${code/-/ }")"
t_is "the code, as people type, leads to the set-up page" "$STATUS $(location)" "303 $link"
ask "$link"
t_is "which shows the same one-time code" "$(html_id challenge <body)" "$challenge"
cp kept body
post other /r "code=$code"
t_is "a second time it leads nowhere" "$STATUS" 403
for _ in {1..12}; do
	cp kept body
	post other /r 'code=0000-0000'
done
t_is "guessing is slowed down" "$STATUS" 429
t_is "neither the code nor the address is in the log" "$(grep -cF -e "$code" -e "${link#/e/}" "$PORTAL_LOG")" 0
t_is "but that somebody went on, and that somebody tried" \
	"$(grep -c '"event":"setup_resumed"' "$PORTAL_LOG") $(($(grep -c '"event":"setup_resume_refused"' "$PORTAL_LOG") > 1))" "1 1"
ask /e/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/other
t_is "there is no code for an address that is none" "$STATUS" 410

# --- what the network sees, and other networks -----------------------------------------------------------

ask /about
t_ok "the terms are shown, as text" grep -q '<p>No &lt;b&gt;lending&lt;/b&gt;\.</p>' body
t_ok "and the contact" grep -q 'id="contact"' body
t_ok "every page leads there" grep -q 'href="/about"' <<<"$PORTAL_PAGE"

t_stop portal
# Whatever is told in detail, codes are not among it, also where somebody types one in a wrong place.
"$SCEPAUTH_BIN/onboard_portal" -v -c "$SCEPAUTH_CONF" >verbose.log 2>&1 &
verbose=$!
# shellcheck disable=SC2016 # later
t_defer 'kill "$verbose" 2>/dev/null'
t_wait 60 grep -q 'ready ' verbose.log || t_bail "$(<verbose.log)"
for path in "/r/$code" "/R/$code" "/$code" "//r/$code" "/r/$code/x" "$link" "$link/other" "/E/${link#/e/}"; do
	ask "$path"
done
t_ok "(requests are logged)" t_wait 30 grep -q 'GET /r/\.\.\. ' verbose.log
ask /about
t_ok "(each of them)" t_wait 30 grep -q 'GET /about ' verbose.log
t_is "nor is one in the log that tells all" "$(grep -cF -e "$code" -e "${link#/e/}" verbose.log)" 0
kill "$verbose"
wait "$verbose"
conf networks '{"192.0.2.0/24"}'
t_start portal
OPEN=http://127.0.0.1:$(port)
ask /captive-api
t_is "who is not on the open network is not captive" "$(jq -c . body)" \
	"{\"captive\":false,\"user-portal-url\":\"$PORTAL_URL/welcome\",\"venue-info-url\":\"$PORTAL_URL/about\"}"
plain captive.apple.com /hotspot-detect.html
t_is "and its system is told so" "$STATUS $(cat body)" "200 $apple"
t_stop portal
conf networks '{"10.1.2.3/8"}'
t_not "a network that is none is refused" "$SCEPAUTH_BIN/onboard_portal" -t -c "$SCEPAUTH_CONF"
conf networks '{}'
conf listen '""'
rm "$SCEPAUTH_DIR/terms.txt"
t_not "terms that cannot be read as well" "$SCEPAUTH_BIN/onboard_portal" -t -c "$SCEPAUTH_CONF"
t_done
