#!/usr/bin/env bash
# A device is renewed in place: the certificate that it has stays until it uses the new one, and ends then, by itself.
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"

t_instance
cd "$T_DIR" || exit 1
sed -i '/^group "students"/a\	device-limit = 1' "$SCEPAUTH_CONF"
t_stop portal
t_start portal

again() { # a code for the same device, from its page
	portal_curl jar /devices && portal_post jar "/devices/$device/code"
	code=$(html_id challenge <<<"$PORTAL_PAGE")
}
on() { eapol_run "$1.conf" && [[ $EAP_RESULT == accept ]]; }
record() { redis_as installer HGET revoked "$1"; }
gone() { [[ -n $(record "$1") ]]; }
enrol() { scep_enrol "$T_DIR/$1" students "$code" && eapol_conf "$1.conf" "$1/cert.pem" "$1/key.pem"; }

t_ok "a student logs in" portal_login jar "$STUDENT_LOGIN" "$STUDENT_PASSWORD"
portal_add_device jar "Sam's laptop" linux || t_bail "no device"
code=$CHALLENGE device=$(html_id subject <<<"$PORTAL_PAGE" | sed 's/^CN=//')
t_not "(not said of a first one)" grep -q "stays valid until" <<<"$PORTAL_PAGE"
t_ok "the device enrols" enrol one
one=$(cert_serial one/cert.pem)
t_ok "and is on the network" on one

again
t_like "with all places taken, the same device gets another code" "$code" '^[0-9A-F]{32}$'
t_ok "and is told what becomes of the certificate that it has" grep -q "It stays valid until the device uses the new one" <<<"$PORTAL_PAGE"
t_ok "and another certificate" enrol two
two=$(cert_serial two/cert.pem)
t_not "which is another" test "$one" = "$two"
t_ok "the one before still connects" on one
t_is "and is not revoked" "$(record "$one")" ""
again
t_is "a third, while both are good, would take a place" "$code" ""
t_ok "the new one connects" on two
t_ok "now the one before ends by itself" t_wait 20 gone "$one"
t_like "as superseded, by the CA" "$(record "$one")" "^[0-9]+ ca superseded: the device uses $two$"
t_not "it connects no more" on one
t_ok "the new one does" on two
t_is "and is not revoked" "$(record "$two")" ""
t_ok "the ledger tells of it" grep -q "cert_superseded" <(redis_as auto_revoke XREVRANGE events:ca + - COUNT 5)
crl() { curl -sS --max-time 20 "$SCEP_URL/crl/students.crl" -o list.crl && openssl crl -inform DER -in list.crl -noout -text | grep -iA4 "Serial Number: $one" >entry && grep -qi superseded entry; }
t_ok "the revocation list says why" t_wait 60 crl
again
t_like "and there is room for the next renewal" "$code" '^[0-9A-F]{32}$'
t_ok "which brings a third" enrol three
t_ok "(it connects)" on three
t_ok "and so on" t_wait 20 gone "$two"
t_done
