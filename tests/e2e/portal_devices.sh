#!/usr/bin/env bash
# What the portal hands out for each kind of device, used as that device would, as far as there is a program for it here.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

T_INIT=(--group staff:20 --group students:30 --onboarding-ssid open-campus)
t_instance redis
sed -i '/^group "students"/a\	device-limit = 20' "$SCEPAUTH_CONF"
t_start ca portal radius
cd "$T_DIR" || exit 1

get() { # PATH [CURL_OPTION...]: leaves STATUS, TYPE and the file body
	local path=$1
	shift
	: >body
	read -r STATUS TYPE < <(curl -sS --max-time 20 --cacert "${CACERT:-$ROOT_CERT}" -D headers -o body -w '%{http_code} %{content_type}\n' "$@" "$PORTAL_URL$path")
}
add() { # NAME PLATFORM: leaves LINK, CHALLENGE, DEVICE and the page in the file page
	portal_add_device jar "$1" "$2" || t_bail "no device $1"
	LINK=${PORTAL_AT#"$PORTAL_URL"}
	DEVICE=$(html_id subject <<<"$PORTAL_PAGE" | sed 's/^CN=//')
	printf '%s\n' "$PORTAL_PAGE" >page
}
sha1_of() { openssl x509 -in "$1" -noout -fingerprint -sha1 | sed 's/.*=//' | tr -d : | tr A-F a-f; }
in_xml() { xmllint --nonet --xpath "string(//*[local-name()='$2'])" "$1"; }
issuing=$SCEPAUTH_DIR/ca/students/issuing.pem
t_ok "a student is in" portal_login jar sam "$STUDENT_PASSWORD"

# --- the kind of device is offered --------------------------------------------------------------------

offered() { # USER-AGENT: the values that are checked
	get /devices/new -b jar -A "$1"
	grep -o 'value="[a-z]*" required checked' body | cut -d'"' -f2
}
t_is "an iPhone is offered Apple's way" "$(offered 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15')" apple
t_is "a Mac as well" "$(offered 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)')" apple
t_is "Windows" "$(offered 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Gecko/20100101 Firefox/130.0')" windows
t_is "a Chromebook" "$(offered 'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36')" chromeos
t_is "Linux" "$(offered 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0')" linux
t_is "an unknown one is asked" "$(offered 'x')" ""
t_is "Android is offered nothing that does not work" "$(offered 'Mozilla/5.0 (Linux; Android 15; Pixel 9)')" ""
t_ok "and told so" grep -q 'Android is not ready yet' body
get /devices/new -b jar -A '"><script>x'
t_is "a hostile browser changes nothing" "$STATUS $(grep -c '<script' body)" "200 0"
t_is "every way can be chosen by hand" "$(grep -o 'id="platform-[a-z]*"' body | tr '\n' ' ')" \
	'id="platform-apple" id="platform-windows" id="platform-linux" id="platform-chromeos" id="platform-other" '

# --- Windows ------------------------------------------------------------------------------------------

add 'Lab PC' windows
t_ok "Windows: the page has the line to run" grep -qF 'powershell -ExecutionPolicy Bypass -File &quot;$HOME\Downloads\wifi-campus.ps1&quot;' <(sed 's/"\$HOME/\&quot;$HOME/; s/ps1"/ps1\&quot;/' page)
t_ok "and the thumbprint that Windows will show" grep -qF "$(openssl x509 -in "$ROOT_CERT" -noout -fingerprint -sha1 | sed 's/.*=//')" page
get "$LINK/wifi-campus.ps1"
cp body windows.ps1
t_is "the script is there" "$STATUS $TYPE" "200 text/plain; charset=utf-8"
t_ok "to be saved under its name" grep -qi '^content-disposition: attachment; filename="wifi-campus.ps1"' headers
t_not "it holds no code" grep -qiF "$CHALLENGE" windows.ps1
t_ok "it names the device" grep -qxF "\$Device = '$DEVICE'" windows.ps1
t_not "and nobody else does" grep -qiw sam windows.ps1
t_is "its certificates are the CA's" "$(sed -n "s/^\$Issuer = '\(.*\)'/\1/p" windows.ps1 | base64 -d | openssl x509 -inform DER -noout -fingerprint)" \
	"$(openssl x509 -in "$issuing" -noout -fingerprint)"
get "$LINK/wifi-campus.xml"
t_is "the network profile is there" "$STATUS $TYPE" "200 text/xml; charset=utf-8"
t_is "it pins the RADIUS server's authority" "$(in_xml body TrustedRootCA | tr -d ' ')" "$(sha1_of "$ROOT_CERT")"
t_is "and its name, which is the one in its certificate" "$(in_xml body ServerNames)" \
	"$(openssl x509 -in "$SCEPAUTH_DIR/radius/server.pem" -noout -ext subjectAltName 2>/dev/null | sed -n 's/.*DNS:\([^,]*\).*/\1/p')"
t_is "it takes the certificate by its issuer" "$(in_xml body IssuerHash | tr -d ' ')" "$(sha1_of "$issuing")"
for file in wifi-campus.sh wifi-campus.onc wifi.mobileconfig wifi-campus.ps1.exe; do
	get "$LINK/$file"
	t_is "$file is not there for Windows" "$STATUS" 404
done

# --- Linux: the script against somebody in between ------------------------------------------------------

add Laptop linux
get "$LINK/wifi-campus.sh"
cp body wifi.sh
mkdir -p wrap home
real=$(command -v curl)
between() { # what somebody in between does instead of curl, as a script
	{ echo '#!/bin/sh' && cat; } >wrap/curl && chmod +x wrap/curl
}
run() { printf '%s\n' "$CHALLENGE" | HOME=$T_DIR/home PATH=$T_DIR/wrap:$PATH dash ./wifi.sh "$@" >out 2>&1; }
reply="eval \"out=\\\${\$((\$# - 2))}\""
between <<-SH
	'$real' "\$@"; $reply; cp "\$out" '$T_DIR/kept.der'; exit 28
SH
t_not "an answer that is lost on its way ends the script" run
t_like "which says what to do" "$(cat out)" 'not issued'
t_ok "(the answer was made)" test -s kept.der
between <<-SH
	$reply; cp '$T_DIR/kept.der' "\$out"
SH
t_not "an old answer to the same key is refused: its nonce is another" run
between <<-SH
	'$real' "\$@" && openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -keyout /dev/null -out ra.pem 2>/dev/null
SH
t_not "an answer by another transport key is refused" run
between <<-SH
	'$real' "\$@" && cp '$SCEPAUTH_DIR/ca/staff/issuing.pem' issuer.pem
SH
t_not "a certificate by another authority is refused" run
between <<-SH
	'$real' "\$@"; $reply; head -c 900 "\$out" >'$T_DIR/short'; cp '$T_DIR/short' "\$out"
SH
t_not "half an answer is refused" run
t_not "none of them left a certificate" test -e home/.config/wifi-campus/cert.pem
rm wrap/curl
t_ok "undisturbed, the same code still gets the certificate" run
cert=home/.config/wifi-campus/cert.pem
t_is "of this device" "$(openssl x509 -in $cert -noout -subject -nameopt multiline | sed -n 's/.*commonName *= //p')" "$DEVICE"
t_is "nothing of the work is left behind" "$(find home/.config/wifi-campus -name 'scep.*' -o -name 'key-*')" ""
t_is "all is the person's alone" "$(find home/.config -perm /077)" ""
eapol_run home/.config/wifi-campus/wpa_supplicant.conf
t_is "wpa_supplicant's block connects" "$EAP_RESULT" accept
conf=home/.config/wifi-campus
if command -v nmcli >/dev/null; then
	t_ok "NetworkManager reads the keyfile" sh -c "nmcli --offline connection modify connection.autoconnect yes <$conf/campus.nmconnection >nm"
	t_is "with the files that the script wrote" "$(sed -n 's/^\(ca-cert\|client-cert\|private-key\)=//p' nm | xargs -n1 test -s && echo there)" there
else
	t_skip "NetworkManager reads the keyfile" "nmcli is not installed"
fi
t_is "iwd's file names the same ones" "$(sed -n 's/^EAP-TLS-C[A-Za-z]*=//p' $conf/campus.8021x | xargs -n1 test -s && echo there)" there

# --- Linux with certmonger ----------------------------------------------------------------------------

if command -v getcert >/dev/null && command -v dbus-run-session >/dev/null; then
	add 'Managed PC' linux
	html_id certmonger <page >first.sh
	html_id certmonger-again <page >again.sh
	get "$LINK/wifi-campus.sh"
	cp body wifi-campus.sh
	portal_curl jar /devices && portal_post jar "/devices/$DEVICE/code"
	first=$CHALLENGE
	CHALLENGE=$(html_id challenge <<<"$PORTAL_PAGE") # the one on the page is void by now
	cat >session.sh <<-'SH'
		sudo() { "$@"; }
		getcert() { local verb=$1; shift; command getcert "$verb" -s "$@"; }
		. ./first.sh <code
		command getcert list -s
		cp "$d/cert.pem" cert1.pem
		redis_again
		. ./again.sh <code
		cp "$d/cert.pem" cert2.pem
	SH
	sed -i "s,/etc/wifi-campus,$T_DIR/etc,g" first.sh again.sh
	sed -i 's,^redis_again$,t=$(cat csrf.txt) \&\& curl -sS --cacert "$ROOT_CERT" -b jar -L -H "Origin: $PORTAL_URL" --data-urlencode "csrf=$t" "$PORTAL_URL/devices/$DEVICE/code" | html_id challenge >code \&\& echo >>code,' session.sh
	portal_curl jar /devices && portal_csrf >csrf.txt
	echo "$CHALLENGE" >code
	export -f html_id
	export ROOT_CERT PORTAL_URL DEVICE
	HOME=$T_DIR/cm timeout 120 dbus-run-session -- bash session.sh >certmonger.log 2>&1
	t_like "certmonger watches over the certificate" "$(cat certmonger.log)" 'status: MONITORING'
	t_is "the page's commands had it fetch the device's" "$(openssl x509 -in cert1.pem -noout -subject -nameopt multiline | sed -n 's/.*commonName *= //p')" "$DEVICE"
	t_ok "under the issuing CA" openssl verify -partial_chain -trusted "$issuing" cert1.pem
	t_not "a new code brought another one" cmp -s cert1.pem cert2.pem
	t_ok "which is good too" openssl verify -partial_chain -trusted "$issuing" cert2.pem
	eapol_conf cm.conf "$T_DIR/cert2.pem" "$T_DIR/etc/key.pem"
	eapol_run cm.conf
	t_is "and connects" "$EAP_RESULT" accept
	t_not "the code is not left behind" grep -rqF -e "$CHALLENGE" -e "$first" "$T_DIR/etc"
else
	t_skip "certmonger fetches a certificate" "certmonger or dbus-run-session is not installed"
fi

# --- ChromeOS -----------------------------------------------------------------------------------------

add Chromebook chromeos
get "$LINK/wifi-campus.onc"
cp body network.onc
t_is "the network file is there" "$STATUS $TYPE" "200 application/x-onc"
t_not "it holds no code" grep -qiF "$CHALLENGE" network.onc
get "$LINK/wifi-campus.sh"
cp body wifi.sh
rm -rf home && mkdir home
t_ok "the script makes the file to import" run --p12
t_is "which is the person's alone" "$(stat -c %a home/wifi-certificate.p12)" 600
password=$(sed -n 's/.*wifi-certificate.p12 //p' out)
t_like "it says the password" "$password" '^[0-9a-f]{16}$'
p12() { openssl pkcs12 -in home/wifi-certificate.p12 -passin "pass:$password" -nodes "$@" 2>/dev/null; }
t_is "in it is the device's certificate" "$(p12 -nokeys -clcerts | openssl x509 -noout -subject -nameopt multiline | sed -n 's/.*commonName *= //p')" "$DEVICE"
t_is "and its key" "$(p12 -nocerts | openssl pkey -pubout)" "$(p12 -nokeys -clcerts | openssl x509 -noout -pubkey)"
onc_cert() { jq -r --arg r "$(jq -r ".NetworkConfigurations[0].WiFi.EAP.$1" network.onc)" '.Certificates[] | select(.GUID == $r) | .X509' network.onc | base64 -d | openssl x509 -inform DER; }
t_is "ChromeOS finds it: the network file names its issuer" "$(onc_cert 'ClientCertPattern.IssuerCARef[0]')" "$(openssl x509 -in "$issuing")"
t_is "and pins the RADIUS server's authority" "$(onc_cert 'ServerCARefs[0]')" "$(openssl x509 -in "$ROOT_CERT")"
run --certificates </dev/null
t_ok "--certificates writes those and asks for no code" test -s home/.config/wifi-campus/issuer.pem

# --- Apple: a web certificate with intermediates ----------------------------------------------------------

add iPhone apple
get "$LINK/wifi.mobileconfig"
openssl cms -verify -inform DER -in body -CAfile "$ROOT_CERT" -purpose sslserver -out before 2>/dev/null
host=${PORTAL_URL#https://}
host=${host%:*}
{
	openssl req -x509 -newkey rsa:2048 -nodes -subj '/CN=web root' -keyout root.key -out webroot.pem -days 2
	openssl req -new -newkey rsa:2048 -nodes -subj '/CN=web intermediate' -keyout int.key -out int.csr
	openssl x509 -req -in int.csr -CA webroot.pem -CAkey root.key -CAcreateserial -days 2 -out int.pem \
		-extfile <(echo 'basicConstraints=critical,CA:true')
	openssl req -new -newkey rsa:2048 -nodes -subj "/CN=$host" -keyout leaf.key -out leaf.csr
	openssl x509 -req -in leaf.csr -CA int.pem -CAkey int.key -CAcreateserial -days 2 -out leaf.pem \
		-extfile <(printf 'subjectAltName=DNS:%s%s\nextendedKeyUsage=serverAuth\n' "$host" "$([[ $host =~ ^[0-9.]+$ ]] && echo ",IP:$host")")
} 2>/dev/null
cat leaf.pem int.pem >"$SCEPAUTH_DIR/tls/portal.pem"
cat leaf.key >"$SCEPAUTH_DIR/tls/portal.key"
t_stop portal
t_start portal
CACERT=$T_DIR/webroot.pem get "$LINK/wifi.mobileconfig"
t_is "the profile is there under the new web certificate" "$STATUS" 200
t_ok "its signature holds with the root alone: the intermediate is in it" \
	openssl cms -verify -inform DER -in body -CAfile webroot.pem -purpose sslserver -out after
t_is "two certificates are" "$(openssl pkcs7 -inform DER -in body -print_certs | grep -c BEGIN)" 2
t_ok "and within it nothing changed: the same UUIDs, the same code" cmp before after
t_done
