#!/usr/bin/env bash
# onboard_portal on real parts: what people, strangers and browsers do to it.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

T_INIT=(--group staff:20 --group students:30 --onboarding-ssid open-campus)
t_instance redis
sed -i '/^group "students"/,/^}/s/device-limit = .*/device-limit = 2/' "$SCEPAUTH_CONF"
grep -q 'device-limit = 2' "$SCEPAUTH_CONF" || sed -i '/^group "students"/a\	device-limit = 2' "$SCEPAUTH_CONF"
t_start ca portal radius
w=$T_DIR/w
mkdir -p "$w"
cd "$w" || exit 1

# ask METHOD PATH [CURL_OPTION...]: one request without following; leaves STATUS, SIZE, HEAD and BODY.
ask() {
	local method=$1 path=$2
	shift 2
	[[ $method != HEAD ]] || set -- -I "$@"
	[[ $method == GET || $method == HEAD || $method == POST ]] || set -- -X "$method" "$@"
	: >body
	read -r STATUS SIZE < <(curl -sS --max-time 20 --cacert "$ROOT_CERT" -o body -D headers -w '%{http_code} %{size_download}\n' "$@" "$PORTAL_URL$path")
	HEAD=$(tr -d '\r' <headers)
	BODY=$(tr -d '\0' <body)
}
header() { sed -n "s/^$1: //Ip" <<<"$HEAD"; }
csrf_of() { sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' <<<"$1" | head -n 1; }
cookie_of() { awk '$6 == "__Host-portal" { print $7 }' "$1"; }
# form JAR PATH FIELD=VALUE...: posts with the token of TOKEN, not following.
form() {
	local jar=$1 path=$2 args=() field
	shift 2
	for field in "$@"; do args+=(--data-urlencode "$field"); done
	ask POST "$path" -b "$jar" -c "$jar" -H "Origin: $PORTAL_URL" --data-urlencode "csrf=$TOKEN" "${args[@]}"
}
# fresh JAR: a visitor's session and TOKEN
fresh() {
	rm -f "$1"
	ask GET /login -b "$1" -c "$1"
	TOKEN=$(csrf_of "$BODY")
}
try() { # JAR LOGIN PASSWORD
	fresh "$1"
	form "$1" /login "login=$2" "password=$3"
}
helpdesk() { REDISCLI_AUTH=$HELPDESK_PASSWORD redis-cli -s "$REDIS_SOCKET" --user "$HELPDESK_NAME" "$@"; }

# --- headers on every reply ---------------------------------------------------------------------------

csp="default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
protected() { # TEXT
	local missing=
	[[ $(header content-security-policy) == "$csp" ]] || missing+=' content-security-policy'
	[[ $(header strict-transport-security) == max-age=* ]] || missing+=' strict-transport-security'
	[[ $(header x-content-type-options) == nosniff ]] || missing+=' x-content-type-options'
	[[ $(header referrer-policy) =~ ^(same-origin|no-referrer)$ ]] || missing+=' referrer-policy'
	[[ $(header cross-origin-opener-policy) == same-origin ]] || missing+=' cross-origin-opener-policy'
	[[ $(header cross-origin-resource-policy) == same-origin ]] || missing+=' cross-origin-resource-policy'
	[[ $(header cache-control) == no-store || $1 == /static/* || $1 == /network-ca.pem ]] || missing+=' cache-control'
	t_is "security headers: $1 ($STATUS)" "$missing" ""
}
human() { t_like "$1 is a page for people" "$BODY" '<html lang="en".*<h1>.*</html>'; }

for path in / /login /devices /nowhere /e/x /e/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA /static/portal.css /static/mark.svg \
	/network-ca.pem /healthz; do
	ask GET "$path"
	protected "$path"
done
ask GET /nowhere
t_is "an unknown path is not found" "$STATUS" 404
human "an unknown path"
ask GET '/static/../../etc/passwd' --path-as-is
t_is "a path that climbs is not found" "$STATUS" 404
ask GET '/e/%2e%2e/login' --path-as-is
t_is "an escaped climb is not found" "$STATUS" 404
ask PUT /login
t_is "PUT is not allowed" "$STATUS" 405
protected "PUT /login"
human "a refused method"
ask GET /logout
t_is "logging out by GET is not allowed" "$STATUS" 405
# It is refused before its body is read; over TLS the reset that follows may overtake the answer.
head -c 40000 /dev/zero | tr '\0' a >"$T_DIR/big"
for _ in 1 2 3 4 5; do
	ask POST /login -H 'Content-Type: application/x-www-form-urlencoded' --data-binary @"$T_DIR/big"
	[[ $STATUS == 000 ]] || break
done
t_is "a form of 40 kB is too large" "$STATUS" 413
protected "oversized form"
human "an oversized form"
ask POST /login --data-urlencode 'csrf=%00' -H "Origin: $PORTAL_URL" --data 'login=%zz&password=%'
t_like "a form that cannot be decoded is refused" "$STATUS" '^40[03]$'
ask HEAD /login
t_is "HEAD answers like GET" "$STATUS" 200
t_is "HEAD has no body" "$SIZE" 0
protected "HEAD /login"
ask GET /healthz
t_is "healthy" "$STATUS $BODY" "200 ok"
ask GET /
t_is "the first page leads on" "$STATUS $(header location)" "303 /devices"
ask GET /devices
t_is "a stranger is sent to log in" "$STATUS $(header location)" "303 /login"
for path in /devices/new /devices/d00/remove; do
	ask GET "$path"
	t_is "a stranger gets nothing at $path" "$STATUS $(header location)" "303 /login"
done
ask POST /devices/new --data 'name=x&platform=linux'
t_is "a stranger adds nothing" "$STATUS $(header location)" "303 /login"
ask GET /static/portal.css
etag=$(header etag)
t_is "style sheet's type" "$(header content-type)" "text/css; charset=utf-8"
ask GET /static/portal.css -H "If-None-Match: $etag"
t_is "a known style sheet is not sent again" "$STATUS $SIZE" "304 0"
ask GET /static/portal.css -H 'If-None-Match: "other"'
t_is "an old one is" "$STATUS" 200
ask GET /login --http1.0
t_is "HTTP/1.0 is served" "$STATUS" 200

# --- login --------------------------------------------------------------------------------------------

ask GET /login
t_like "session cookie's attributes" "$(header set-cookie)" \
	'^__Host-portal=[A-Za-z0-9_.-]+; Path=/; Max-Age=[0-9]+; Secure; HttpOnly; SameSite=Lax$'
try jar sam 'not the password'
t_is "a wrong password is refused" "$STATUS" 403
protected "failed login"
wrong=$(sed 's/value="[^"]*"//g' body)
try jar2 nobody-here 'not the password'
t_is "an unknown login is refused the same" "$STATUS" 403
t_is "with the same page" "$(sed 's/value="[^"]*"//g' body)" "$wrong"
ask GET /devices -b jar
t_is "and leads nowhere" "$STATUS $(header location)" "303 /login"
timed() { # LOGIN: milliseconds of one failing login
	fresh timing.jar
	curl -sS --cacert "$ROOT_CERT" -o /dev/null -w '%{time_total}' -b timing.jar -H "Origin: $PORTAL_URL" \
		--data-urlencode "csrf=$TOKEN" --data-urlencode "login=$1" --data password=x "$PORTAL_URL/login" |
		awk '{ printf "%d\n", $1 * 1000 }'
}
known=$(printf '%s\n' "$(timed tina)" "$(timed tina)" | sort -n | head -n 1)
unknown=$(printf '%s\n' "$(timed stranger1)" "$(timed stranger2)" | sort -n | head -n 1)
t_ok "unknown and wrong take a similar time ($unknown and $known ms)" test $((unknown * 2)) -ge "$known" -a $((known * 2)) -ge "$unknown"
try jar sam ''
t_is "an empty password is not tried" "$STATUS" 422
try jar '' x
t_is "an empty login neither" "$STATUS" 422
try jar $'sam\nroot' x
t_is "a login with a line break is unknown" "$STATUS" 403
try jar "$(head -c 5000 /dev/zero | tr '\0' a)" x
t_is "a login of 5000 letters is unknown" "$STATUS" 403
try jar sam "$(head -c 5000 /dev/zero | tr '\0' a)"
t_is "a password of 5000 letters is wrong" "$STATUS" 403
try jar '<script>alert(1)</script>' x
t_unlike "what was typed is escaped" "$BODY" '<script'
fresh jar
TOKEN=
form jar /login login=sam "password=$STUDENT_PASSWORD"
t_is "a login form without its token is refused" "$STATUS" 403
fresh jar
fresh other.jar
form jar /login login=sam "password=$STUDENT_PASSWORD"
t_is "a login form with another session's token is refused" "$STATUS" 403
fresh jar
ask POST /login -H "Origin: $PORTAL_URL" --data-urlencode "csrf=$TOKEN" --data login=sam --data-urlencode "password=$STUDENT_PASSWORD"
t_is "a login form without its cookie is refused" "$STATUS" 403
t_like "in words that help" "$BODY" 'did not send its cookie'
fresh jar
ask POST /login -b jar -H 'Origin: https://evil.example' --data-urlencode "csrf=$TOKEN" --data login=sam --data-urlencode "password=$STUDENT_PASSWORD"
t_is "a login form of another site is refused" "$STATUS" 403
human "a foreign form"
ask POST /login -b jar -H 'Origin: null' --data-urlencode "csrf=$TOKEN" --data login=sam --data-urlencode "password=$STUDENT_PASSWORD"
t_is "and one that hides its site" "$STATUS" 403
ask POST /login -b jar -H 'Sec-Fetch-Site: cross-site' --data-urlencode "csrf=$TOKEN" --data login=sam --data-urlencode "password=$STUDENT_PASSWORD"
t_is "and one that the browser calls cross-site" "$STATUS" 403
fresh jar
before=$(cookie_of jar)
form jar /login 'login= SAM ' "password=$STUDENT_PASSWORD"
t_is "the right password lets in, the login in any case" "$STATUS $(header location)" "303 /devices"
t_is "with one new session" "$(header set-cookie | wc -l)" 1
t_ok "that is not the visitor's" test "$before" != "$(cookie_of jar)"
ask GET /devices -b jar
t_is "and in" "$STATUS" 200
protected /devices
ask GET /login -b jar
t_is "who is in needs no login page" "$STATUS $(header location)" "303 /devices"

# --- cookies ------------------------------------------------------------------------------------------

cookie=$(cookie_of jar)
refused() { # TEXT COOKIE
	ask GET /devices -H "Cookie: __Host-portal=$2"
	t_like "$1" "$STATUS $(header location)" '^303 /login'
}
b64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
key=$(od -An -v -tx1 "$SCEPAUTH_DIR/secrets/session.key" | tr -d ' \n')
seal() { # PLAIN KEY: a cookie as the portal makes it
	local mac
	mac=$({ printf 'scepauth-session-3\n' && printf '%s' "$1"; } |
		openssl dgst -sha256 -mac HMAC -macopt "hexkey:$2" -binary | b64url)
	printf '%s.%s' "$(printf '%s' "$1" | b64url)" "$mac"
}
user=$(cut -d. -f1 <<<"$cookie" | tr -- '-_' '+/' | sed 's/$/==/' | openssl base64 -d -A 2>/dev/null | head -n 1)
t_like "the cookie names an opaque person" "$user" '^u[0-9a-f]{32}$'
now=$(date +%s)
nonce=00112233445566778899aabbccddeeff
ask GET /devices -H "Cookie: __Host-portal=$(seal "$user"$'\n'"${now}000"$'\n'"${now}000"$'\n'"$((now + 60))"$'\n'"$((now + 60))"$'\n'"$nonce" "$key")"
t_is "a cookie made with the key is taken (so the next refusals mean something)" "$STATUS" 200
refused "an expired one is not" "$(seal "$user"$'\n'"${now}000"$'\n'"${now}000"$'\n'"$((now - 1))"$'\n'"$((now + 60))"$'\n'"$nonce" "$key")"
refused "nor one that was not used for too long" "$(seal "$user"$'\n'"${now}000"$'\n'"${now}000"$'\n'"$((now + 3000))"$'\n'"$((now - 1))"$'\n'"$nonce" "$key")"
ask GET /devices -H "Cookie: __Host-portal=$(seal "$user"$'\n'"${now}000"$'\n'"${now}000"$'\n'"$((now + 3000))"$'\n'"$((now + 300))"$'\n'"$nonce" "$key")"
used=$(header set-cookie)
t_like "one that was not used for a while is taken, and sealed anew" "$STATUS $used" '^200 __Host-portal=.*Max-Age=(300|29)[0-9]*; Secure; HttpOnly; SameSite=Lax'
fields() { sed 's/^__Host-portal=//;s/\..*//' <<<"$1" | tr -- '-_' '+/' | sed 's/$/==/' | openssl base64 -d -A 2>/dev/null; }
t_is "with the same end" "$(fields "$used" | sed -n 4p)" $((now + 3000))
t_ok "and half an hour until it ends unused" test "$(fields "$used" | sed -n 5p)" -ge $((now + 1800))
ask GET /devices -H "Cookie: ${used%%;*}"
t_is "which is good, and not sealed again at once" "$STATUS $(header set-cookie)" "200 "
refused "one made with another key is not" "$(seal "$user"$'\n'"${now}000"$'\n'"${now}000"$'\n'"$((now + 60))"$'\n'"$((now + 60))"$'\n'"$nonce" "${key//[0-7]/8}")"
refused "one cut short is not" "${cookie%?}"
refused "one with its contents changed is not" "B${cookie#?}"
refused "an empty one is not" ""
refused "a person who does not exist is not" "$(seal "u$nonce"$'\n'"${now}000"$'\n'"${now}000"$'\n'"$((now + 60))"$'\n'"$((now + 60))"$'\n'"$nonce" "$key")"

# --- languages ---------------------------------------------------------------------------------------

ask GET /login -H 'Accept-Language: de-CH, en;q=0.5'
t_like "in the language that the browser asks for" "$(header content-language) $BODY" '^de .*<html lang="de" dir="ltr">'
ask GET /login -H 'Accept-Language: ar-EG, en;q=0.5'
t_like "from right to left" "$(header content-language) $BODY" '^ar .*<html lang="ar" dir="rtl">.*تسجيل الدخول'
ask GET /login -H 'Accept-Language: zh-TW, en;q=0.5'
t_like "in the one Chinese that there is" "$(header content-language) $BODY" '^zh .*<html lang="zh" dir="ltr">.*登录'
ask GET /login -H 'Accept-Language: tlh, en;q=0.1'
t_is "English where there is none of those" "$(header content-language)" en
ask GET '/login?lang=de'
t_like "or in the one that was chosen" "$(header content-language) $(header set-cookie)" '^de .*__Host-language=de; Path=/; Max-Age=31536000; Secure; HttpOnly; SameSite=Lax'
t_like "with a link to the others" "$BODY" '<li lang="en"><a href="\?lang=en" hreflang="en">English</a></li>'
ask GET /nowhere -H 'Cookie: __Host-language=de' -H 'Accept-Language: en'
t_is "which is kept, in pages about errors too" "$STATUS $(header content-language)" "404 de"
for odd in '../en' 'de%0d%0aX-Bad:1' xx '<b>' "$(head -c 3000 /dev/zero | tr '\0' d)"; do
	ask GET "/login?lang=$odd"
	t_is "not in ${odd:0:12}" "$STATUS $(header content-language) $(header x-bad)$(grep -ci 'set-cookie: __Host-language' headers)" "200 en 0"
done
ask GET /login -H 'Cookie: __Host-language=x' -H "Accept-Language: $(head -c 3000 /dev/zero | tr '\0' ,)"
t_is "whatever is sent" "$STATUS $(header content-language)" "200 en"
ask GET /static/portal.css -H 'Accept-Language: de'
t_is "a style sheet has none" "$STATUS $(header content-language)" "200 "

# --- devices ------------------------------------------------------------------------------------------

in_page() { ask GET "$1" -b jar && TOKEN=$(csrf_of "$BODY"); }
in_page /devices/new
t_is "page to add a device" "$STATUS" 200
form jar /devices/new name= platform=linux
t_is "a device without a name is refused" "$STATUS" 422
t_like "saying so" "$BODY" 'Enter a name'
form jar /devices/new name=x platform=toaster
t_is "a platform that is not offered is refused" "$STATUS" 422
form jar /devices/new name=x
t_is "a missing platform is refused" "$STATUS" 422
form jar /devices/new "name=$(head -c 61 /dev/zero | tr '\0' a)" platform=linux
t_is "a name of 61 letters is refused" "$STATUS" 422
form jar /devices/new "name=a"$'\n'"b" platform=linux
t_is "a name with a line break is refused" "$STATUS" 422
good=$TOKEN
for bad in '' "${TOKEN%?}" "${TOKEN}0" "$(tr 0-9a-f 1-9a-f0 <<<"$TOKEN")"; do
	TOKEN=$bad
	form jar /devices/new name=x platform=linux
	t_is "token '${bad:0:4}...' (${#bad}) is refused" "$STATUS" 403
done
TOKEN=$good
ask POST /devices/new -b jar -H 'Origin: https://evil.example' --data-urlencode "csrf=$TOKEN" --data 'name=x&platform=linux'
t_is "another site's form is refused, whatever its token" "$STATUS" 403
in_page /devices
t_like "nothing was added" "$BODY" 'have not added a device'
evil='Anna'\''s "<script>alert(1)</script> & {{csrf}} laptop'
form jar /devices/new "name=$evil" platform=linux
t_like "a device is added and leads to its set-up page" "$STATUS $(header location)" '^303 /e/[A-Za-z0-9_-]{32}$'
link=$(header location)
ask GET "$link"
protected "$link"
t_is "the set-up page needs no cookie" "$STATUS" 200
t_is "and sends no referrer" "$(header referrer-policy)" no-referrer
t_unlike "the name is escaped" "$BODY" '<script'
t_like "and whole" "$BODY" '&lt;script&gt;alert\(1\)&lt;/script&gt; &amp; \{\{csrf\}\} laptop'
challenge=$(html_id challenge <<<"$BODY")
t_like "challenge: 32 upper-case hex digits" "$challenge" '^[0-9A-F]{32}$'
t_like "the page says that it is not shown again" "$BODY" 'never show this one again'
t_is "SCEP address" "$(html_id scep-url <<<"$BODY")" "$SCEP_URL/scep/students"
fingerprint() { openssl x509 -in "$SCEPAUTH_DIR/ca/students/issuing.pem" -noout -fingerprint "-$1" | sed 's/.*=//'; }
t_is "SHA-256 fingerprint of the issuing CA" "$(html_id issuer-sha256 <<<"$BODY")" "$(fingerprint sha256)"
# the same as a SCEP client sees it: the one that nothing else in the answer vouches for
pki --scepca --url "$SCEP_URL/scep/students" --caout bag-ca.pem --raout bag-ra.pem --outform pem --force >scepca 2>&1
untrusted() { awk -v w="$1" '$1 ~ "^" w { f = toupper($0); sub(/^[^:]*: */, "", f); sub(/ .*/, "", f) } / is untrusted/ { print f }' scepca; }
t_is "SHA-256 fingerprint of the CA that pki --scepca calls untrusted" "$(html_id ca-sha256 <<<"$BODY")" "$(untrusted SHA256)"
t_is "its SHA-1 fingerprint" "$(html_id ca-sha1 <<<"$BODY")" "$(untrusted SHA1)"
ask GET "$link"
t_is "the same link gives the same challenge" "$(html_id challenge <<<"$BODY")" "$challenge"
ask HEAD "$link"
t_is "also after HEAD" "$STATUS" 200
hash=$(printf '%s' "$challenge" | sha256sum | cut -d' ' -f1)
t_ok "Redis knows the hash of the challenge" grep -raqF "$hash" "$SCEPAUTH_DIR/redis/data"
t_not "and not the challenge" grep -raqF "$challenge" "$SCEPAUTH_DIR/redis/data"
t_not "nor the link" grep -raqF -- "${link#/e/}" "$SCEPAUTH_DIR/redis/data"
dump() { # every value in Redis
	redis_as installer --scan | while read -r k; do
		case $(redis_as installer type "$k") in
		hash) redis_as installer hgetall "$k" ;;
		zset) redis_as installer zrange "$k" 0 -1 ;;
		stream) redis_as installer xrange "$k" - + ;;
		set) redis_as installer smembers "$k" ;;
		string) redis_as installer get "$k" ;;
		esac
		echo "$k"
	done
}
dump >dump.txt
t_ok "what Redis shows has the hash" grep -qF "$hash" dump.txt
t_not "and not the challenge" grep -qiF "$challenge" dump.txt
ask GET /devices -b jar
t_like "the device waits for its set-up" "$BODY" 'Waiting for set-up'
t_unlike "its challenge is not shown again" "$BODY" "$challenge"
device=$(grep -o '/devices/d[0-9a-f]*/remove' <<<"$BODY" | head -n 1 | cut -d/ -f3)
for file in wifi.mobileconfig wifi-other.sh wifi-campus.ps1 wifi-campus.xml wifi-campus.onc x; do
	ask GET "$link/$file"
	t_is "$file is not there for a Linux device" "$STATUS" 404
done

# --- the script for Linux -----------------------------------------------------------------------------

ask GET "$link/wifi-campus.sh"
cp body wifi.sh
t_is "the script is there" "$STATUS $(header content-type)" "200 text/x-shellscript; charset=utf-8"
protected "$link/wifi-campus.sh"
t_not "and holds no challenge" grep -qF "$challenge" wifi.sh
t_ok "it is sound sh" sh -n wifi.sh
mkdir -p wrap home
for tool in pki openssl curl; do
	cat >wrap/$tool <<-WRAP
		#!/bin/sh
		printf '%s %s\n' '$tool' "\$*" >> '$w/arguments'
		exec '$(command -v $tool)' "\$@"
	WRAP
done
chmod +x wrap/*
run_script() { printf '%s\n' "$1" | HOME=$w/home PATH=$w/wrap:$PATH sh ./wifi.sh; }
t_not "it refuses what is no code" run_script 'not a code'
t_not "a wrong code gets nothing" run_script 00000000000000000000000000000000
t_not "and leaves no certificate" test -e home/.config/wifi-campus/cert.pem
t_ok "with the code it fetches a certificate" run_script "$(tr A-F a-f <<<"$challenge" | sed 's/\(....\)/\1 /g')"
t_ok "it has called curl" grep -q '^curl .*PKIOperation' arguments
t_not "and not strongSwan" grep -q '^pki' arguments
t_not "the code was in no argument" grep -qiF "$challenge" arguments
t_not "nor left in a file" grep -rqiF "$challenge" home
t_is "key and certificate are the person's alone" "$(stat -c %a home/.config/wifi-campus/key.pem home/.config/wifi-campus/cert.pem | sort -u)" 600
t_is "subject: the device, nobody's name" "$(openssl x509 -in home/.config/wifi-campus/cert.pem -noout -subject -nameopt multiline | tr -d ' ' | tail -n 1)" "commonName=$device"
t_is "no other name in it" "$(openssl x509 -in home/.config/wifi-campus/cert.pem -noout -ext subjectAltName 2>/dev/null | grep -c :)" 0
eapol_run home/.config/wifi-campus/wpa_supplicant.conf
t_is "the wpa_supplicant block connects" "$EAP_RESULT" accept
ask GET "$link"
t_is "the used link is gone" "$STATUS" 410
human "a used link"
ask GET "$link/wifi-campus.sh"
t_is "with its script" "$STATUS" 410
in_page /devices
t_like "the device is ready" "$BODY" 'Ready to connect'

# --- the same by hand, a new code ---------------------------------------------------------------------

form jar /devices/new 'name=By hand' platform=linux
link=$(header location)
ask GET "$link"
first=$(html_id challenge <<<"$BODY")
ask GET /devices -b jar
second_device=$(grep -o '/devices/d[0-9a-f]*/code' <<<"$BODY" | head -n 1 | cut -d/ -f3)
form jar "/devices/$second_device/code"
t_like "a new code" "$STATUS $(header location)" '^303 /e/'
new_link=$(header location)
ask GET "$link"
t_is "the earlier link is gone" "$STATUS" 410
ask GET "$new_link"
challenge=$(html_id challenge <<<"$BODY")
t_ok "the code is another" test -n "$challenge" -a "$challenge" != "$first"
html_id commands <<<"$BODY" >by-hand.sh
echo >>by-hand.sh
html_id commands-2 <<<"$BODY" >>by-hand.sh
mkdir -p home2
by_hand() { printf '%s\n' "$1" | HOME=$w/home2 PATH=$w/wrap:$PATH bash -e by-hand.sh; }
t_not "the earlier code is refused by the CA" by_hand "$first"
t_ok "the commands by hand fetch a certificate" by_hand "$challenge"
t_ok "which is the device's" openssl x509 -in home2/.config/wifi-campus/cert.pem -noout -checkend 86400
t_not "no code in an argument" grep -qiF "$challenge" arguments

# --- limit, removal, others' devices ------------------------------------------------------------------

in_page /devices
t_like "two of two places are taken" "$BODY" '2 of 2 devices'
form jar /devices/new name=third platform=other
t_is "a third device is refused" "$STATUS" 409
t_like "saying why" "$BODY" 'reached your limit'
try tina.jar tina "$STAFF_PASSWORD"
ask GET /devices/new -b tina.jar
TOKEN=$(csrf_of "$BODY")
form tina.jar /devices/new 'name=iPhone' platform=apple
apple=$(header location)
ask GET /devices -b tina.jar
foreign=$(grep -o '/devices/d[0-9a-f]*/remove' <<<"$BODY" | head -n 1 | cut -d/ -f3)
t_unlike "tina sees nothing of sam" "$BODY" "$device|By hand"
as_tina() { curl -sS --max-time 20 --cacert "$ROOT_CERT" -b tina.jar "$PORTAL_URL$1"; }
in_page /devices
for action in remove code rename; do
	form jar "/devices/$foreign/$action" name=mine
	t_is "another person's device: $action is not found" "$STATUS" 404
done
for action in remove rename; do
	ask GET "/devices/$foreign/$action" -b jar
	t_is "nor its page: $action" "$STATUS" 404
done
t_unlike "and its name stays" "$(as_tina /devices)" '>mine<'
form jar "/devices/d0000000000000000000000000000dead/remove"
t_is "nor a device that does not exist" "$STATUS" 404
form jar '/devices/%27%22/remove'
t_is "nor an id that is none" "$STATUS" 404
ask GET "$apple"
t_is "tina's device is untouched" "$STATUS" 200
ask GET "/devices/$device/rename" -b jar
t_like "a device gets another name on a page of its own" "$STATUS $BODY" '^200 .*<input id="name"'
for bad in '' '   ' "$(printf 'x%.0s' {1..61})" $'a\nb' $'a\x01b'; do
	form jar "/devices/$device/rename" "name=$bad"
	t_is "not '${bad:0:6}' (${#bad})" "$STATUS" 422
done
good=$TOKEN
TOKEN=
form jar "/devices/$device/rename" name=forged
t_is "nor without a token" "$STATUS" 403
TOKEN=$good
form jar "/devices/$device/rename" 'name= Sam'"'"'s <b>"new"</b> 📱 '
t_is "but a good one" "$STATUS $(header location)" "303 /devices?renamed=1"
ask GET '/devices?renamed=1' -b jar
t_like "the list has it, as text" "$BODY" '<bdi>Sam&#39;s &lt;b&gt;&quot;new&quot;&lt;/b&gt; 📱</bdi>'
t_like "and says so" "$BODY" 'The new name is saved'
ask GET "/devices/$device" -b jar
t_like "the device's page has it too" "$BODY" 'Sam&#39;s &lt;b&gt;'
t_ok "it is in the ledger's events" grep -q "Sam's <b>" <(redis_as auto_revoke XREVRANGE events:portal + - COUNT 5)
ask GET "/devices/$device/remove" -b jar
t_like "removing asks first" "$STATUS $BODY" '^200 .*Remove this device'
good=$TOKEN
TOKEN=
form jar "/devices/$device/remove"
t_is "removing without a token is refused" "$STATUS" 403
TOKEN=$good
eapol_run home/.config/wifi-campus/wpa_supplicant.conf
t_is "and the device still connects" "$EAP_RESULT" accept
form jar "/devices/$device/remove"
t_is "with it, it is removed" "$STATUS $(header location)" "303 /devices?removed=1"
eapol_run home/.config/wifi-campus/wpa_supplicant.conf
t_is "and connects no more" "$EAP_RESULT" reject
ask GET /devices -b jar
t_like "it is among the earlier ones" "$BODY" 'Earlier devices'
t_like "its place is free" "$BODY" '1 of 2 devices'
form jar /devices/new name=unused platform=other
t_is "so another fits" "$STATUS" 303
unused=$(header location)
ask GET "$unused"
t_like "any SCEP client gets the details" "$BODY" 'id="challenge"'
hash=$(html_id challenge <<<"$BODY" | tr -d '\n' | sha256sum | cut -d' ' -f1)
redis_as portal hget "ticket:$hash" content >content.txt
redis_as portal -x hset "ticket:$hash" content < <(sed 's/^lifetime=.*/lifetime=999999999/' content.txt | head -c -1) >/dev/null
ask GET "$unused"
t_is "a ticket that was changed in Redis is not served" "$STATUS" 410
redis_as portal -x hset "ticket:$hash" content < <(head -c -1 content.txt) >/dev/null
ask GET "$unused"
t_is "put back, it is" "$STATUS" 200
ask GET /devices -b jar
device=$(grep -o '/devices/d[0-9a-f]*/remove' <<<"$BODY" | head -n 1 | cut -d/ -f3)
form jar "/devices/$device/remove"
ask GET "$unused"
t_is "a removed device's link is gone" "$STATUS" 410
ask GET /devices -b jar
t_unlike "and the device that never was" "$BODY" unused

# --- the profile for Apple ----------------------------------------------------------------------------

ask GET "$apple"
challenge=$(html_id challenge <<<"$BODY")
ask GET "$apple/wifi.mobileconfig"
cp body signed
t_is "the profile is there, of Apple's type" "$STATUS $(header content-type)" "200 application/x-apple-aspen-config"
protected "$apple/wifi.mobileconfig"
verify() { openssl cms -verify -inform DER -in "$1" -CAfile "$ROOT_CERT" -purpose sslserver -out "$2"; }
t_ok "it is signed by the web certificate" verify signed plain
t_is "the signer is the portal's certificate" "$(openssl cms -verify -inform DER -in signed -CAfile "$ROOT_CERT" -purpose sslserver -signer /dev/stdout -out /dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256)" \
	"$(openssl x509 -in "$SCEPAUTH_DIR/tls/portal.pem" -noout -fingerprint -sha256)"
awk 'BEGIN { RS = ORS = "" } { gsub("Example", "Exemple"); print }' plain >changed # a control: the text is in it
t_not "(and names the organization)" cmp -s plain changed
sed 's/Example/Exemple/' signed >tampered
t_not "changed, the signature does not hold" verify tampered out
t_like "it holds this device's challenge" "$(cat plain)" "<key>Challenge</key><string>$challenge</string>"
ask GET "$apple/wifi.mobileconfig"
verify body plain2 2>/dev/null
t_ok "fetched again it is the same profile" cmp plain plain2
ask GET "$apple/wifi-campus.sh"
t_is "no script for an iPhone" "$STATUS" 404
cp plain "$w/live.mobileconfig"

# Apple compares CAFingerprint with the certificate at which the chains of GetCACert's answer end.
top_of() { # URL: SHA-1 of that certificate, hex
	local bag=$T_DIR/bag f g up
	rm -rf "$bag" && mkdir "$bag"
	curl -sS "$1?operation=GetCACert" | openssl pkcs7 -inform DER -print_certs |
		awk -v d="$bag" '/BEGIN/ { n++ } /BEGIN/, /END/ { print > (d "/" n ".pem") }'
	f=$bag/1.pem # whichever: all end at the same one
	while :; do
		up=
		for g in "$bag"/*.pem; do
			[[ $g != "$f" && $(openssl x509 -in "$g" -noout -subject) == "$(openssl x509 -in "$f" -noout -issuer | sed 's/^issuer/subject/')" ]] && up=$g
		done
		[[ -n $up ]] || break
		f=$up
	done
	openssl x509 -in "$f" -noout -fingerprint -sha1 | sed 's/.*=//' | tr -d :
}
pinned() { sed -n 's:.*<key>CAFingerprint</key><data>\(.*\)</data>.*:\1:p' "$1" | base64 -d | od -An -v -tx1 | tr -d ' \n' | tr a-f A-F; }
chain_top=$(top_of "$SCEP_URL/scep/staff")
t_is "it pins the top of what the SCEP server sends" "$(pinned plain)" "$chain_top"
sed -i '/^profile "staff"/a\	ca-shape = "ra"' "$SCEPAUTH_CONF"
t_stop ca portal
t_start ca portal
t_not "(another one when only the issuing CA is sent)" test "$(top_of "$SCEP_URL/scep/staff")" = "$chain_top"
ask GET "$apple/wifi.mobileconfig"
verify body plain2 2>/dev/null
t_is "which it then pins" "$(pinned plain2)" "$(top_of "$SCEP_URL/scep/staff")"
ask GET "$apple"
t_is "and the page shows" "$(html_id ca-sha1 <<<"$BODY" | tr -d :)" "$(pinned plain2)"
sed -i '/ca-shape = "ra"/d' "$SCEPAUTH_CONF"
t_stop ca portal
t_start ca portal

# --- held, left, logged out ---------------------------------------------------------------------------

t_is "helpdesk suspends sam" "$(helpdesk FCALL suspend_user 0 sam 'laptop stolen' | grep -ci error)" 0
ask GET /devices -b jar
t_is "his session ends" "$STATUS" 403
t_like "with a page that says so" "$BODY" 'access is suspended'
protected "held"
t_like "and no cookie" "$(header set-cookie)" '^__Host-portal=; .*Max-Age=0'
try jar3 sam "$STUDENT_PASSWORD"
t_is "he cannot log in" "$STATUS" 403
t_like "and is told why" "$BODY" 'access is suspended'
t_is "and gets no person's session" "$(ask GET /devices -b jar3 && echo "$STATUS")" 303
helpdesk FCALL restore_user 0 sam >/dev/null
ask GET /devices -b jar
t_is "restored, the old session stays over" "$STATUS" 303
try jar sam "$STUDENT_PASSWORD"
ask GET /devices -b jar
t_is "a new one works" "$STATUS" 200
TOKEN=$(csrf_of "$BODY")
helpdesk FCALL suspend_user 0 tina 'left' >/dev/null
ask GET "$apple"
t_is "a held person's link is gone" "$STATUS" 410
helpdesk FCALL restore_user 0 tina >/dev/null
cp jar kept.jar
good=$TOKEN
TOKEN=
form jar /logout
t_is "logging out needs the token" "$STATUS" 403
TOKEN=$good
form jar /logout
t_like "logged out" "$STATUS $(header location)" '^303 /login'
ask GET /devices -b kept.jar
t_is "a copy of the cookie is worth nothing" "$STATUS $(header location)" "303 /login"
# an account without a group
hash=$(sed -n 's/^sam:\([^:]*\):.*/\1/p' "$SCEPAUTH_DIR/portal/accounts")
(umask 077 && { cat "$SCEPAUTH_DIR/portal/accounts" && echo "greta:$hash:guests:Greta Guest:"; } >"$SCEPAUTH_DIR/portal/accounts.new")
chown --reference="$SCEPAUTH_DIR/portal/accounts" "$SCEPAUTH_DIR/portal/accounts.new"
mv "$SCEPAUTH_DIR/portal/accounts.new" "$SCEPAUTH_DIR/portal/accounts"
try greta.jar greta "$STUDENT_PASSWORD"
t_is "a new account works without a restart" "$STATUS" 303
ask GET /devices -b greta.jar
t_like "without a group there is no device to add" "$BODY" 'belongs to no group'
TOKEN=$(csrf_of "$BODY")
form greta.jar /devices/new name=x platform=linux
t_is "and none can be added" "$STATUS" 403

# --- throttle -----------------------------------------------------------------------------------------

fresh bob.jar
for _ in 1 2 3 4; do form bob.jar /login login=bob password=x; done
t_is "the fourth failure is still answered" "$STATUS" 403
# A slow machine may need longer for a try than the first waits last; they double with each.
for _ in {1..6}; do
	form bob.jar /login login=BOB password=x
	[[ $STATUS == 403 ]] || break
done
t_is "then the account has to wait" "$STATUS" 429
t_like "for a time that is said" "$(header retry-after)" '^[1-9][0-9]*$'
human "a throttled login"
protected "throttled login"
form bob.jar /login login=tina "password=$STAFF_PASSWORD"
t_is "others do not wait for bob" "$STATUS" 303
over() { fresh bob.jar && form bob.jar /login login=bob password=x && [[ $STATUS != 429 ]]; }
until=$((SECONDS + 90))
while ! over && ((SECONDS < until)); do sleep 0.3; done
t_is "the wait ends" "$STATUS" 403
parallel() {
	local _
	for _ in {1..12}; do
		curl -sS --cacert "$ROOT_CERT" -o /dev/null -w '%{http_code}\n' -b bob.jar -H "Origin: $PORTAL_URL" \
			--data-urlencode "csrf=$TOKEN" --data 'login=eve&password=x' "$PORTAL_URL/login" &
	done
	wait
}
fresh bob.jar
began=$SECONDS
parallel >codes
# On a slow machine the waits of 1, 2, 4 ... seconds end while the twelve are on their way.
most=4 wait=1 took=$((SECONDS - began + 1))
while ((took > wait)); do ((most++, took -= wait, wait *= 2)); done
t_ok "twelve at once: no more than $most are tried ($(sort codes | uniq -c | tr -s ' \n' ' '))" \
	test "$(grep -c 403 codes)" -le $most

# --- Redis away ---------------------------------------------------------------------------------------

try jar tina "$STAFF_PASSWORD"
t_is "(tina is in)" "$STATUS" 303
t_stop redis >/dev/null
for path in /devices /devices/new "$apple"; do
	ask GET "$path" -b jar
	t_is "Redis away: $path says so" "$STATUS $(header retry-after)" "503 30"
	human "$path without Redis"
	protected "$path without Redis"
done
ask GET /healthz
t_is "Redis away: not healthy" "$STATUS" 503
ask GET /login
t_is "Redis away: the login page is there" "$STATUS" 200
try jar4 tina "$STAFF_PASSWORD"
t_is "Redis away: nobody gets in" "$STATUS" 503
t_start redis
t_wait 10 curl -fsS --cacert "$ROOT_CERT" "$PORTAL_URL/healthz"
ask GET /devices -b jar
t_is "Redis back: the portal goes on by itself" "$STATUS" 200

# --- what was written down, ends, bad configuration ---------------------------------------------------

log=$(cat "$PORTAL_LOG")
for secret in "$STUDENT_PASSWORD" "$STAFF_PASSWORD" "$challenge" "${apple#/e/}" "$cookie" "$first"; do
	t_unlike "no secret in the log (${secret:0:3}...)" "$log" "$secret"
done
for event in login_ok login_failed login_refused session_refused logout device_added ticket_issued device_revoked; do
	t_like "audit line: $event" "$log" "\"event\":\"$event\""
done
t_unlike "unknown logins are not written down" "$log" 'nobody-here|stranger1'
portal=$SCEPAUTH_BIN/onboard_portal
t_ok "-t passes on a good configuration" "$portal" -c "$SCEPAUTH_CONF" -t
out=$("$portal" -c "$SCEPAUTH_CONF" 2>&1)
rc=$?
t_like "a port in use is said" "$rc $out" '^1 .*(in use|use)'
bad() { # TEXT SED_EXPRESSION REGEX
	sed "$2" "$SCEPAUTH_CONF" >"$SCEPAUTH_DIR/bad.conf"
	out=$(timeout 10 "$portal" -c "$SCEPAUTH_DIR/bad.conf" -t 2>&1)
	t_like "$1" "$? $out" "$3"
	rm -f "$SCEPAUTH_DIR/bad.conf"
}
bad "an http:// address of the portal" '/^portal/,/^}/s|url = .*|url = "http://x"|' '^2 .*https'
bad "an unknown key" 's/^portal {/portal {\n\tcolour = "red"/' '^2 .*bad\.conf:[0-9]+: .*colour'
bad "an anchor that is not there" 's|^wifi {|wifi {\n\tserver-ca = "nowhere.pem"|' '^2 .*nowhere\.pem'
chmod 0644 "$SCEPAUTH_DIR/secrets/session.key"
out=$("$portal" -c "$SCEPAUTH_CONF" -t 2>&1)
t_like "a session key that others may read" "$? $out" '^2 .*session\.key.*chmod'
chmod 0600 "$SCEPAUTH_DIR/secrets/session.key"
pid=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/portal.pid")
kill -TERM "$pid"
t_ok "TERM ends it" t_wait 5 eval "! kill -0 $pid"
t_like "in order" "$(tail -n 1 "$PORTAL_LOG")" 'stopping'

t_done
