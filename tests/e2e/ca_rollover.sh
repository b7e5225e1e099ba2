#!/usr/bin/env bash
# Another issuing CA for a profile, while devices of the one before go on: connecting, revoked, asked for.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30 --cdp)
t_instance redis ca portal radius
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
[[ -x $tool ]] || t_bail "no $tool: make units"
ctl() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" "$@"; }
code() {
	"$@" >/dev/null 2>&1
	echo $?
}
w=$T_DIR/w ca=$SCEPAUTH_DIR/ca/students
root=(--root-passphrase-file "$SCEPAUTH_DIR/secrets/root-passphrase")
mkdir -p "$w"
cd "$w" || exit 1
enrol() { scep_enrol "$w/$1" "$2" "$("$tool" mint "$SCEPAUTH_CONF" "$2" login="$1")"; }
restart() { t_stop "$@" >/dev/null 2>&1 && t_start "$@"; }
desk() { REDISCLI_AUTH=$HELPDESK_PASSWORD redis-cli -s "$REDIS_SOCKET" --user "$HELPDESK_NAME" FCALL "$@" 2>&1; }
id_of() { openssl x509 -in "$1" -noout -ext subjectKeyIdentifier | tail -n 1 | tr -d ' :\n' | tr A-F a-f | cut -c1-32; }
gets_in() {
	[[ -e $1.conf ]] || eapol_conf "$1.conf" "$1/cert.pem" "$1/key.pem"
	eapol_run "$1.conf"
}
url_of() { openssl x509 -in "$1" -noout -ext crlDistributionPoints | sed -n 's/.*URI:\(http.*\.crl\)$/\1/p'; }

t_ok "a device enrols" enrol olga students || t_bail "nothing to roll over from"
t_ok "and another" enrol otto students
cp "$ca/issuing.pem" old.pem
old=$(id_of old.pem)
t_is "its certificate names the list of its own CA" "$(url_of olga/cert.pem)" "$SCEP_URL/crl/$old.crl"
t_ok "it gets in" gets_in olga

# --- refused -----------------------------------------------------------------------------------------------

t_is "no verb" "$(code ctl ca rollover students)" 2
t_is "two of them" "$(code ctl ca rollover students --prepare --abort)" 2
t_like "activation without preparation" "$(ctl ca rollover students --activate 2>&1)" 'nothing is prepared'
t_like "abort, too" "$(ctl ca rollover students --abort 2>&1)" 'nothing is prepared'
t_like "no such profile" "$(ctl ca rollover nobody --prepare 2>&1)" "no profile 'nobody'"

others() { ctl check | grep -c 'no profile issues from the CA'; } # that RADIUS accepts
t_is "RADIUS accepts no others than ours" "$(others)" 0

# --- prepare, abort, prepare --------------------------------------------------------------------------------

t_like "prepare" "$(ctl ca rollover students --prepare --bits 2048 "${root[@]}")" 'prepared: Example University students CA 20[0-9-]+.*restart freeradius'
t_like "a second time it is refused" "$(ctl ca rollover students --prepare "${root[@]}" 2>&1)" 'prepared already'
t_is "nothing in use has changed" "$(id_of "$ca/issuing.pem")" "$old"
t_like "status" "$(ctl ca rollover students --status)" "active +$old.*prepared +[0-9a-f]{32}, valid until"
t_ok "abort" ctl ca rollover students --abort
t_unlike "leaves nothing to activate" "$(ctl ca rollover students --status)" prepared
t_is "check tells that RADIUS accepts what was given up" "$(others)" 1
openssl crl2pkcs7 -nocrl -certfile "$SCEPAUTH_DIR/radius/client-ca.pem" | openssl pkcs7 -print_certs | awk -v RS= 'NR < n { print $0 "\n" }' \
	n="$(grep -c BEGIN "$SCEPAUTH_DIR/radius/client-ca.pem")" >kept.pem
cat kept.pem >"$SCEPAUTH_DIR/radius/client-ca.pem"
t_is "and not once it is taken out" "$(others)" 0
t_ok "prepare again" ctl ca rollover students --prepare --bits 2048 "${root[@]}"
t_ok "openssl verifies the new CA" openssl verify -x509_strict -CAfile "$ROOT_CERT" "$ca/next/issuing.pem"
t_like "which may have no CA below" "$(openssl x509 -in "$ca/next/issuing.pem" -noout -text)" 'CA:TRUE, pathlen:0'
t_is "its key is closed" "$(stat -c %a "$ca/next/issuing.key")" 600
t_ok "check is content" ctl check
t_is "also with what is prepared" "$(others)" 0
t_ok "enrolling goes on under the old CA" enrol oona students
new=$(id_of "$ca/next/issuing.pem")

# --- activate ------------------------------------------------------------------------------------------------

cp "$SCEPAUTH_CONF" good.conf
sed -i 's|/crl/{issuer}.crl|/crl/students.crl|' "$SCEPAUTH_CONF"
t_like "not while certificates name one list for all CAs" "$(ctl ca rollover students --activate 2>&1)" 'end in /crl/\{issuer\}.crl first'
cp good.conf "$SCEPAUTH_CONF"
restart radius
t_stop redis >/dev/null 2>&1
t_is "not while groups cannot be told of it" "$(code ctl ca rollover students --activate)" 3
t_is "the old CA is active still" "$(id_of "$ca/issuing.pem")" "$old"
t_start redis
mkdir -p early && pki --gen --type rsa --size 2048 --outform pem >early/key.pem 2>/dev/null
pki --scepca --url "$SCEP_URL/scep/students" --caout early/ca.pem --raout early/ra.pem --outform pem --force >early/log 2>&1
cp "$ca/ra.pem" old-ra.pem
again() { # FILE: the same request as ever; its certificate
	curl -s -o re.reply --data-binary @re.der "$SCEP_URL/scep/students?operation=PKIOperation" && "$tool" reply old-ra.pem k.re re.reply "$1" >/dev/null
}
"$tool" request old-ra.pem k.re re.der challenge="$("$tool" mint "$SCEPAUTH_CONF" students login=rea)" || t_bail "no request"
t_ok "a device gets a certificate, and loses the answer" again first.der
t_like "activate" "$(ctl ca rollover students --activate)" 'active: new certificates of students come from the new CA'
t_is "RA, responder and CA have changed together" "$(id_of "$ca/issuing.pem") $(openssl verify -partial_chain -trusted "$ca/issuing.pem" "$ca/ra.pem" "$ca/ocsp.pem" 2>&1 | grep -c OK)" "$new 2"
t_like "status" "$(ctl ca rollover students --status)" "active +$new.*retired +$old, valid until .*, needed until"
t_ok "the process that has the old keys goes on" enrol ollo students
t_reload_ca
t_ok "ca status and check are good" eval 'ctl ca status && ctl check'
t_is "the CA before is one of ours" "$(others)" 0
t_ok "a device enrols with the new CA" enrol nora students
t_ok "and another" enrol nick students
t_ok "the device that lost its answer asks again" again second.der
t_ok "and gets the certificate of before" cmp first.der second.der
t_like "its issuer" "$(openssl x509 -in nora/cert.pem -noout -issuer)" 'students CA 20'
t_ok "openssl verifies it" openssl verify -x509_strict -CAfile "$ROOT_CERT" -untrusted "$ca/issuing.pem" nora/cert.pem
t_is "it names the list of the new CA" "$(url_of nora/cert.pem)" "$SCEP_URL/crl/$new.crl"
t_ok "GetCACert has the new CA" grep -q "$(openssl x509 -in "$ca/issuing.pem" -outform pem | sed -n 3p)" nora/ca*.pem
in_flight() { # A device that had asked for the CA before sends now.
	pki --scep --url "$SCEP_URL/scep/students" --in early/key.pem --dn CN=early --password "$("$tool" mint "$SCEPAUTH_CONF" students login=early)" \
		--cacert-enc early/ra.pem --cacert-sig "early/$(scep_issuer_file early)" --cacert "$ROOT_CERT" --cacert "$ca/issuing.pem" \
		--outform pem >early/cert.pem 2>early/scep.log || { cat early/scep.log && return 1; }
}
t_ok "a device that was on its way gets a certificate" in_flight
t_like "of the new CA" "$(openssl x509 -in early/cert.pem -noout -issuer)" 'students CA 20'
for who in olga otto oona ollo nora nick early; do
	t_ok "$who gets in" gets_in "$who"
done

# --- revoked, both -------------------------------------------------------------------------------------------

crl() { curl -s "$(url_of "$1/cert.pem")" -o "$1.crl" && openssl crl -inform der -in "$1.crl" -out "$1.crl.pem"; }
listed() { crl "$1" && openssl crl -in "$1.crl.pem" -noout -text | grep -qi "$(cert_serial "$1/cert.pem")"; }
desk revoke_cert 0 "$(cert_serial otto/cert.pem)" lost >/dev/null
desk revoke_cert 0 "$(cert_serial nick/cert.pem)" lost >/dev/null
t_ok "the old CA's list has its one" t_wait 5 listed otto
t_ok "the new CA's list has its one" t_wait 5 listed nick
for pair in "otto old.pem olga" "nick $ca/issuing.pem nora"; do
	read -r who issuer good <<<"$pair"
	t_like "$who: the list is signed by the CA of the certificate" "$(openssl crl -in "$who.crl.pem" -noout -verify -CAfile "$issuer" 2>&1)" 'verify OK'
	cat "$issuer" "$ROOT_CERT" >chain.pem
	t_like "$who: openssl refuses it by that list" "$(openssl verify -crl_check -CAfile chain.pem -CRLfile "$who.crl.pem" "$who/cert.pem" 2>&1)" 'certificate revoked'
	t_ok "$good: and takes it" openssl verify -crl_check -CAfile chain.pem -CRLfile "$who.crl.pem" "$good/cert.pem"
	t_not "$who: is rejected" gets_in "$who"
	ocsp() { openssl ocsp -issuer "$issuer" -cert "$1/cert.pem" -url "$SCEP_URL/ocsp" -CAfile "$ROOT_CERT" -verify_other "$issuer" 2>&1; }
	t_like "$who: OCSP says revoked" "$(ocsp "$who")" 'verify OK.*revoked'
	t_like "$good: OCSP says good" "$(ocsp "$good")" 'verify OK.*good'
done
t_not "each list has only its own" grep -qi "$(cert_serial otto/cert.pem)" <(openssl crl -in nick.crl.pem -noout -text)
curl -s "$SCEP_URL/crl/students.crl" -o by-name.crl
t_like "the list by the profile's name is that of the oldest CA, whose certificates may name it" \
	"$(openssl crl -inform der -in by-name.crl -noout -verify -CAfile old.pem 2>&1)" 'verify OK'
t_is "a list of no CA: 404" "$(curl -s -o /dev/null -w '%{http_code}' "$SCEP_URL/crl/${new//[0-9]/0}.crl")" 404
t_is "a retired CA serves no SCEP: 404" "$(curl -s -o /dev/null -w '%{http_code}' "$SCEP_URL/scep/$old?operation=GetCACaps")" 404
t_like "ca status has the old CA and its responder" "$(ctl ca status)" 'old CA students +good.*old OCSP students +good'
t_ok "its responder is renewed with the other" ctl ca renew-ocsp students
t_ok "and is of the old CA" openssl verify -partial_chain -trusted old.pem "$ca/now/retired/$old/ocsp.pem"

# --- the end of the old one -------------------------------------------------------------------------------------

t_like "it is not forgotten while its certificates may be valid" "$(ctl ca rollover students --forget "$old" 2>&1)" 'may be valid until'
t_is "nor is another" "$(code ctl ca rollover students --forget "$new")" 1
t_is "nor one by a strange name" "$(code ctl ca rollover students --forget ../../..)" 1
t_ok "with --force it is" ctl ca rollover students --forget "$old" --force
t_reload_ca
t_not "its devices no longer get in" gets_in olga
t_ok "those of the new CA do" gets_in nora
t_is "its list is gone" "$(curl -s -o /dev/null -w '%{http_code}' "$SCEP_URL/crl/$old.crl")" 404
t_ok "check is content" ctl check
t_is "and says that RADIUS still accepts it" "$(others)" 1
t_done
