#!/usr/bin/env bash
# Devices that cannot make a key when a web page asks: the portal makes it, enrols it as any device would, hands it out
# once and forgets it. What comes out is used by openssl, xmllint and eapol_test.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

T_INIT=(--group staff:20 --group students:30)
t_instance redis
sed -i '/^group "students"/a\	device-limit = 20' "$SCEPAUTH_CONF"
t_start ca portal radius
cd "$T_DIR" || exit 1

get() { # PATH [CURL_OPTION...]: leaves STATUS, TYPE and the files body and headers
	local path=$1
	shift
	: >body
	read -r STATUS TYPE < <(curl -sS --max-time 60 --cacert "$ROOT_CERT" -D headers -o body -w '%{http_code} %{content_type}\n' "$@" "$PORTAL_URL$path")
}
restart() { "$T_TOP/packaging/instance.sh" stop "$SCEPAUTH_DIR" portal >/dev/null 2>&1 && t_start portal; }
android='Mozilla/5.0 (Linux; Android 15; Pixel 9)'
t_ok "a student is in" portal_login jar sam "$STUDENT_PASSWORD"

# --- off, as it comes -----------------------------------------------------------------------------------

get /devices/new -b jar -A "$android"
t_ok "unless the site wants it, Android is told that there is no way" grep -q 'Android is not ready yet' body
t_not "and not offered" grep -q platform-android body
portal_curl jar /devices/new
portal_post jar /devices/new name=x platform=android
t_is "nor taken when somebody posts it" "$PORTAL_STATUS $(grep -c 'e/[A-Za-z0-9_-]\{32\}' <<<"$PORTAL_PAGE")" "422 0"

sed -i '/^portal *{/a\	server-keys = true\n\tserver-key-lifetime = 7' "$SCEPAUTH_CONF"
sed -i '/^wifi *{/a\	passpoint = "wifi.example.edu"\n\tpasspoint-consortia = "5a03ba0000"' "$SCEPAUTH_CONF"
t_ok "the portal takes the configuration" "$SCEPAUTH_BIN/onboard_portal" -c "$SCEPAUTH_CONF" -t
sed 's,passpoint-consortia = .*,passpoint-consortia = "5a",' "$SCEPAUTH_CONF" >"$SCEPAUTH_CONF.bad"
t_not "but no consortium of one byte" "$SCEPAUTH_BIN/onboard_portal" -c "$SCEPAUTH_CONF.bad" -t
sed '/server-keys/a\	scep-url = "https://ca.example.edu"' "$SCEPAUTH_CONF" >"$SCEPAUTH_CONF.bad"
t_not "nor a CA that it does not know how to trust" "$SCEPAUTH_BIN/onboard_portal" -c "$SCEPAUTH_CONF.bad" -t
rm "$SCEPAUTH_CONF.bad"
restart
t_ok "on: a student is in again" portal_login jar sam "$STUDENT_PASSWORD"
get /devices/new -b jar -A "$android"
t_is "an Android phone is offered its way" "$(grep -o 'value="[a-z]*" required checked' body | cut -d'"' -f2)" android

add() { # NAME: leaves LINK, DEVICE, PASSWORD
	portal_add_device jar "$1" android || t_bail "no device $1"
	LINK=${PORTAL_AT#"$PORTAL_URL"}
	DEVICE=$(html_id subject <<<"$PORTAL_PAGE" | sed 's/^CN=//')
	PASSWORD=$(html_id password <<<"$PORTAL_PAGE")
}

# --- a file to import by hand ---------------------------------------------------------------------------

add 'Pixel'
t_like "the page says who makes the key" "$PORTAL_PAGE" 'This key is made by our server'
t_like "and for how long" "$PORTAL_PAGE" 'valid for 7 days only'
t_like "and the password of the file" "$PASSWORD" '^[a-z2-9]{16}$'
file=$LINK/wifi-campus
get "$file.p12" -I
t_is "to look at its headers makes nothing" "$STATUS" 200
get "$file.p12"
t_is "the file comes" "$STATUS $TYPE" "200 application/x-pkcs12"
t_ok "to be saved under its name" grep -qi '^content-disposition: attachment; filename="wifi-campus.p12"' headers
t_ok "and is kept nowhere" grep -qi '^cache-control: no-store' headers
cp body hand.p12
p12() { local f=$1 pw=$2 && shift 2 && openssl pkcs12 -in "$f" -passin "pass:$pw" -nodes "$@" 2>/dev/null; }
t_not "without its password it does not open" openssl pkcs12 -in hand.p12 -passin pass: -nodes -noout
p12 hand.p12 "$PASSWORD" -nokeys >hand.pem
p12 hand.p12 "$PASSWORD" -nocerts >hand.key
t_is "in it is one certificate" "$(grep -c 'BEGIN CERTIFICATE' hand.pem)" 1
t_is "the device's" "$(openssl x509 -in hand.pem -noout -subject -nameopt multiline | sed -n 's/.*commonName *= //p')" "$DEVICE"
t_is "and its key" "$(openssl pkey -in hand.key -pubout)" "$(openssl x509 -in hand.pem -noout -pubkey)"
t_ok "of our CA" openssl verify -CAfile "$ROOT_CERT" -untrusted "$SCEPAUTH_DIR/ca/students/issuing.pem" hand.pem
t_ok "valid for six days" openssl x509 -in hand.pem -noout -checkend $((6 * 86400))
t_not "and not for eight" openssl x509 -in hand.pem -noout -checkend $((8 * 86400))
eapol_conf hand.conf "$T_DIR/hand.pem" "$T_DIR/hand.key"
eapol_run hand.conf
t_is "it opens the network" "$EAP_RESULT $EAP_VLAN" "accept 30"

for what in p12 eap-config wifi-config; do
	get "$file.$what"
	t_is "a second time nothing comes, as $what neither" "$STATUS $(grep -c 'get a new code' body)" "410 1"
done
t_is "and no second certificate was made" "$(redis_as portal zcard "ucerts:$(redis_as portal hget "device:$DEVICE" owner)")" 1
get "$LINK"
t_is "the page has ended too" "$STATUS" 410
portal_curl jar /devices
portal_post jar "/devices/$DEVICE/code"
t_like "one click gives a new one" "$PORTAL_AT" '/e/[A-Za-z0-9_-]{32}$'
LINK=${PORTAL_AT#"$PORTAL_URL"}
t_not "with another password" test "$(html_id password <<<"$PORTAL_PAGE")" = "$PASSWORD"

# --- geteduroam's app -----------------------------------------------------------------------------------

PASSWORD=$(html_id password <<<"$PORTAL_PAGE")
get "$LINK/wifi-campus.eap-config"
t_is "eap-config" "$STATUS $TYPE" "200 application/eap-config"
cp body app.eap-config
if [[ -f ${SCEPAUTH_VECTORS-}/eap-metadata.xsd ]]; then
	t_ok "is right by the schema of eduroam CAT" xmllint --nonet --noout --schema "$SCEPAUTH_VECTORS/eap-metadata.xsd" app.eap-config
else
	t_skip "is right by the schema of eduroam CAT" "SCEPAUTH_VECTORS is not set"
fi
in_eap() { xmllint --nonet --xpath "string(//$1)" app.eap-config; }
in_eap ClientCertificate | base64 -d >app.p12
p12 app.p12 "$(in_eap Passphrase)" -nokeys >app.pem
p12 app.p12 "$(in_eap Passphrase)" -nocerts >app.key
t_is "its passphrase is the page's" "$(in_eap Passphrase)" "$PASSWORD"
t_is "it trusts the network's authority" "$(in_eap CA | base64 -d | openssl x509 -inform DER -noout -fingerprint)" "$(openssl x509 -in "$ROOT_CERT" -noout -fingerprint)"
t_is "and says when it ends" "$(date -d "$(in_eap ValidUntil)" +%s)" "$(date -d "$(openssl x509 -in app.pem -noout -enddate | cut -d= -f2)" +%s)"
eapol_conf app.conf "$T_DIR/app.pem" "$T_DIR/app.key" "$(in_eap OuterIdentity)"
eapol_run app.conf
t_is "its key opens the network" "$EAP_RESULT" accept

# --- Passpoint ------------------------------------------------------------------------------------------

add 'Galaxy'
get "$LINK/wifi-campus.wifi-config"
t_is "Passpoint" "$STATUS $TYPE" "200 application/x-wifi-config"
t_ok "says that it is base64" grep -qi '^content-transfer-encoding: base64' headers
t_not "and names no file" grep -qi '^content-disposition' headers
t_ok "within what Android's browser takes" test "$(stat -c %s body)" -lt 100000
base64 -d body >mime
part() { awk -v t="Content-Type: application/$1" '/^--/ { on = 0 } on == 2 { print } on && $0 == "" { on = 2 } $0 == t { on = 1 }' mime | base64 -d; }
part x-pkcs12 >pass.p12
p12 pass.p12 "" -nokeys >pass.pem
p12 pass.p12 "" -nocerts >pass.key
t_is "its fingerprint is the certificate's" "$(part x-passpoint-profile | xmllint --nonet --xpath 'string(//*[text()="CertSHA256Fingerprint"]/following-sibling::*)' -)" \
	"$(openssl x509 -in pass.pem -outform DER | sha256sum | cut -d' ' -f1)"
t_is "its authority is the network's" "$(part x-x509-ca-cert | openssl x509 -inform DER -noout -fingerprint)" "$(openssl x509 -in "$ROOT_CERT" -noout -fingerprint)"
eapol_conf pass.conf "$T_DIR/pass.pem" "$T_DIR/pass.key"
eapol_run pass.conf
t_is "its key opens the network" "$EAP_RESULT" accept

# --- who else ---------------------------------------------------------------------------------------------

portal_add_device jar 'Laptop' linux || t_bail "no laptop"
get "${PORTAL_AT#"$PORTAL_URL"}/wifi-campus.p12"
t_is "what can make its own key gets none" "$STATUS" 404
add 'Two at once'
for i in 1 2 3 4; do curl -sS --max-time 60 --cacert "$ROOT_CERT" -o "at-once.$i" -w '%{http_code}\n' "$PORTAL_URL$LINK/wifi-campus.p12" >"code.$i" & done
wait
t_is "of four who ask at once, one gets it" "$(sort code.? | grep -c 200)" 1
t_is "and the CA saw no second key for one challenge" "$(redis_as auto_revoke xrange events:ca - + | grep -c ticket_other_key)" 0

# --- when the CA is away ------------------------------------------------------------------------------------

add 'Later'
"$T_TOP/packaging/instance.sh" stop "$SCEPAUTH_DIR" ca >/dev/null 2>&1
get "$LINK/wifi-campus.p12"
t_is "no CA: try later" "$STATUS" 503
t_start ca
get "$LINK/wifi-campus.p12"
t_is "later the same link works" "$STATUS" 200
p12 body "$(portal_curl none "$LINK" && html_id password <<<"$PORTAL_PAGE")" -nocerts >last.key

# --- nothing stays --------------------------------------------------------------------------------------------

t_not "no password in a log" grep -rqF -e "$PASSWORD" "$SCEPAUTH_DIR/log"
t_not "no link" grep -rqF -e "${LINK#/e/}" "$SCEPAUTH_DIR/log"
t_ok "but that a key was made" grep -rqF server_key_made "$SCEPAUTH_DIR/log"
t_done
