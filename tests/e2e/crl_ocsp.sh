#!/usr/bin/env bash
# CRL and OCSP on real parts: scep_ca and Redis; openssl, curl and FreeRADIUS's own OCSP client ask.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30 --cdp)
t_instance redis
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
[[ -x $tool ]] || t_bail "no $tool: make units"
t_start ca
issuer=$SCEPAUTH_DIR/ca/students/issuing.pem other=$SCEPAUTH_DIR/ca/staff/issuing.pem
w=$T_DIR/w
mkdir -p "$w"
cd "$w" || exit 1

enrol() { # NAME PROFILE: leaves NAME/cert.pem and key.pem
	scep_enrol "$w/$1" "$2" "$("$tool" mint "$SCEPAUTH_CONF" "$2" login="$1")" >/dev/null || t_bail "$1 is not enrolled"
}
desk() { REDISCLI_AUTH=$HELPDESK_PASSWORD redis-cli -s "$REDIS_SOCKET" --user "$HELPDESK_NAME" FCALL "$@" 2>&1; }
code() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
enrol alice students
enrol bob students
enrol tina staff
alice=$(cert_serial alice/cert.pem) bob=$(cert_serial bob/cert.pem)

# --- what certificates say ---------------------------------------------------------------------------

text=$(openssl x509 -in alice/cert.pem -noout -ext crlDistributionPoints,authorityInfoAccess)
t_like "a certificate says where the CRL is" "$text" "URI:$SCEP_URL/crl/[0-9a-f]{32}.crl"
t_like "and OCSP" "$text" "OCSP - URI:$SCEP_URL/ocsp"
t_like "the responder is delegated and short of everything else" \
	"$(openssl x509 -in "$SCEPAUTH_DIR/ca/students/ocsp.pem" -noout -ext extendedKeyUsage,noCheck,keyUsage,basicConstraints)" \
	'CA:FALSE.*Digital Signature.*OCSP Signing|OCSP Signing.*OCSP No Check'

# --- CRL -----------------------------------------------------------------------------------------------

fetch() { curl -s -D "$1.head" -o "$1" "$SCEP_URL/crl/${2:-students}.crl"; }
header() { tr -d '\r' <"$1.head" | sed -n "s/^$2: //Ip"; }
crl_text() { openssl crl -inform der -in "$1" -noout -text; }
reason() { # SERIAL [PROFILE]: what the CRL says of it now: - not on it, "none" on it without reason
	fetch now.crl "${2:-students}"
	crl_text now.crl | awk -v s="$(tr a-f A-F <<<"$1")" '
		/Serial Number:/ { on = ($3 == s); if (on) found = 1 }
		on && want { sub(/^ */, ""); got = $0; want = 0 }
		on && /Reason Code/ { want = 1 }
		END { print found ? (got ? got : "none") : "-" }'
}
becomes() { [[ $(reason "$1" "${3:-students}") == "$2" ]]; }
fetch a.crl
t_is "its type" "$(header a.crl Content-Type)" application/pkix-crl
t_like "cached for a minute" "$(header a.crl Cache-Control)" '^max-age=60, public'
t_like "the CRL is signed by its issuer" "$(openssl crl -inform der -in a.crl -noout -verify -CAfile "$issuer" 2>&1)" 'verify OK'
t_unlike "and by no other" "$(openssl crl -inform der -in a.crl -noout -verify -CAfile "$other" 2>&1)" 'verify OK'
t_like "v2 with number and key identifier" "$(crl_text a.crl)" 'Version 2.*Authority Key Identifier.*CRL Number'
t_like "nobody is on it yet" "$(crl_text a.crl)" 'No Revoked Certificates'
etag=$(header a.crl ETag) modified=$(header a.crl Last-Modified)
t_is "If-None-Match: 304" "$(code -H "If-None-Match: $etag" "$SCEP_URL/crl/students.crl")" 304
t_is "If-Modified-Since: 304" "$(code -H "If-Modified-Since: $modified" "$SCEP_URL/crl/students.crl")" 304
t_is "an older date: 200" "$(code -H 'If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT' "$SCEP_URL/crl/students.crl")" 200
t_is "another ETag: 200" "$(code -H 'If-None-Match: "x"' -H "If-Modified-Since: $modified" "$SCEP_URL/crl/students.crl")" 200
t_is "HEAD" "$(code -I "$SCEP_URL/crl/students.crl")" 200
for path in crl/nobody.crl crl/students crl/.crl crl/students.crl/x crl/; do
	t_is "$path: 404" "$(code "$SCEP_URL/$path")" 404
done
number() { openssl crl -inform der -in "$1" -noout -crlnumber | sed 's/.*=\(0x\)\?//'; }
first=$(number a.crl)
sleep 2.1
fetch b.crl
t_ok "nothing has changed: the same list" cmp a.crl b.crl

# --- OCSP ----------------------------------------------------------------------------------------------

# ocsp CERT [OPTION...]: leaves OCSP_OUT, and in STATUS good, revoked, unknown or what else was said
ocsp() {
	local cert=$1
	shift
	OCSP_OUT=$(openssl ocsp -issuer "$issuer" -cert "$cert" -url "$SCEP_URL/ocsp" -CAfile "$ROOT_CERT" \
		-verify_other "$issuer" "$@" 2>&1)
	STATUS=$(sed -n "s|^$cert: ||p" <<<"$OCSP_OUT")
	[[ -n $STATUS ]] || STATUS=$(sed -n 's/^Responder Error: //p' <<<"$OCSP_OUT")
}
ocsp alice/cert.pem
t_is "good, with a nonce" "$STATUS" good
t_like "the answer verifies" "$OCSP_OUT" 'Response verify OK'
t_unlike "and echoes the nonce" "$OCSP_OUT" '[Nn]once'
ocsp alice/cert.pem -no_nonce
t_is "good, without one" "$STATUS" good
OCSP_OUT=$(openssl ocsp -issuer "$issuer" -sha256 -cert alice/cert.pem -url "$SCEP_URL/ocsp" -CAfile "$ROOT_CERT" \
	-verify_other "$issuer" 2>&1)
t_like "good, by SHA-256" "$OCSP_OUT" 'alice/cert.pem: good'
OCSP_OUT=$(openssl ocsp -issuer "$issuer" -cert alice/cert.pem -cert bob/cert.pem -serial 0x1234 -url "$SCEP_URL/ocsp" \
	-CAfile "$ROOT_CERT" -verify_other "$issuer" 2>&1)
t_like "three at once" "$OCSP_OUT" 'alice/cert.pem: good.*bob/cert.pem: good.*0x1234: unknown'
OCSP_OUT=$(openssl ocsp -issuer "$issuer" -serial 0x40000000000000000000000000000001 -url "$SCEP_URL/ocsp" \
	-CAfile "$ROOT_CERT" -verify_other "$issuer" 2>&1)
t_like "never issued: unknown" "$OCSP_OUT" '0x4.*: unknown'
OCSP_OUT=$(openssl ocsp -issuer "$issuer" -serial "0x$(cert_serial tina/cert.pem)" -url "$SCEP_URL/ocsp" -CAfile "$ROOT_CERT" \
	-verify_other "$issuer" 2>&1)
t_like "the serial of another issuer: unknown" "$OCSP_OUT" '0x.*: unknown'
OCSP_OUT=$(openssl ocsp -issuer "$ROOT_CERT" -cert "$issuer" -url "$SCEP_URL/ocsp" -CAfile "$ROOT_CERT" 2>&1)
t_like "an issuer that is not ours: unauthorized" "$OCSP_OUT" 'unauthorized'
OCSP_OUT=$(openssl ocsp -issuer "$issuer" -cert alice/cert.pem -issuer "$other" -cert tina/cert.pem -url "$SCEP_URL/ocsp" \
	-CAfile "$ROOT_CERT" 2>&1)
t_like "certificates of two issuers in one: unauthorized" "$OCSP_OUT" 'unauthorized'

# --- OCSP by GET -----------------------------------------------------------------------------------------

openssl ocsp -issuer "$issuer" -cert alice/cert.pem -no_nonce -reqout q.der 2>/dev/null
openssl ocsp -issuer "$issuer" -cert alice/cert.pem -reqout qn.der 2>/dev/null
b64=$(openssl base64 -A -in q.der)
escaped=${b64//+/%2B} escaped=${escaped//\//%2F} escaped=${escaped//=/%3D}
answer_of() { # FILE: what an answer says of alice
	openssl ocsp -issuer "$issuer" -cert alice/cert.pem -no_nonce -respin "$1" -CAfile "$ROOT_CERT" -verify_other "$issuer" 2>&1 |
		sed -n 's/^alice[^:]*: //p'
}
get() { curl -s -D get.head -o get -w '%{http_code}' --path-as-is "$SCEP_URL/ocsp/$1"; }
t_is "GET, percent-encoded: 200" "$(get "$escaped")" 200
t_is "good" "$(answer_of get)" good
t_is "its type" "$(header get Content-Type)" application/ocsp-response
t_like "may be cached, for a short time" "$(header get Cache-Control)" '^max-age=30, public, no-transform, must-revalidate'
t_like "with ETag and dates" "$(header get ETag)/$(header get Last-Modified)/$(header get Expires)" '^".*"/.* GMT/.* GMT$'
get "$b64" >/dev/null
t_is "GET, raw" "$(answer_of get)" good
# slashes in a row, as base64 may have them, reach the reader: malformed, but not 404
t_is "GET, slashes in a row" "$(get '////%2f%2F%2F/')" 200
t_is "malformed" "$(openssl ocsp -respin get 2>&1 | sed -n 's/^Responder Error: //p')" 'malformedrequest (1)'
t_is "GET, no base64: 400" "$(get 'a*b')" 400
t_is "GET, broken escape: 400" "$(get 'a%2')" 400
b64n=$(openssl base64 -A -in qn.der)
get "${b64n//\//%2F}" >/dev/null
t_is "GET with a nonce is not cached" "$(header get Cache-Control)" no-store

# --- hostile ---------------------------------------------------------------------------------------------

post() { # FILE: the error that comes back
	curl -s -o answer -H 'Content-Type: application/ocsp-request' --data-binary "@$1" "$SCEP_URL/ocsp"
	openssl ocsp -respin answer 2>&1 | sed -n 's/^Responder Error: //p'
}
printf 'hello' >junk
t_is "junk: malformedRequest" "$(post junk)" 'malformedrequest (1)'
: >empty
t_is "nothing: malformedRequest" "$(post empty)" 'malformedrequest (1)'
head -c 40 q.der >cut.der
t_is "truncated" "$(post cut.der)" 'malformedrequest (1)'
{ cat q.der && printf x; } >long.der
t_is "with a byte behind" "$(post long.der)" 'malformedrequest (1)'
head -c 60000 /dev/zero >big
t_is "oversized" "$(post big)" 'malformedrequest (1)'
openssl ocsp -issuer "$issuer" -cert alice/cert.pem -signer alice/cert.pem -signkey alice/key.pem -reqout signed.der 2>/dev/null
t_is "signed requests are not taken" "$(post signed.der)" 'malformedrequest (1)'
openssl ocsp -issuer "$issuer" -sha512 -cert alice/cert.pem -reqout md.der 2>/dev/null
t_is "issuer by SHA-512" "$(post md.der)" 'malformedrequest (1)'
args=()
for i in 1 2 3 4 5 6 7 8 9; do args+=(-serial "0x$i"); done
openssl ocsp -issuer "$issuer" "${args[@]}" -reqout nine.der 2>/dev/null
t_is "nine certificates" "$(post nine.der)" 'malformedrequest (1)'
t_is "PUT: 405" "$(code -X PUT --data x "$SCEP_URL/ocsp")" 405

# --- revoked, held, restored -------------------------------------------------------------------------------

desk revoke_cert 0 "$bob" 'keyCompromise: laptop stolen' >/dev/null
ocsp bob/cert.pem
t_is "revoked by the helpdesk: at once in OCSP" "$STATUS" revoked
t_like "with the reason" "$OCSP_OUT" 'Reason: keyCompromise'
t_ok "within seconds on the CRL, with the reason" t_wait 5 becomes "$bob" "Key Compromise"
t_ok "whose number has grown" test "$((16#$(number now.crl)))" -gt "$((16#$first))"
t_is "alice is not on it" "$(reason "$alice")" -
t_is "nor bob on the list of staff" "$(reason "$bob" staff)" -
desk suspend_user 0 alice 'odd traffic' >/dev/null
ocsp alice/cert.pem
t_like "suspended: certificateHold" "$STATUS/$OCSP_OUT" '^revoked/.*Reason: certificateHold'
t_ok "on the CRL too" t_wait 5 becomes "$alice" "Certificate Hold"
cat "$issuer" "$ROOT_CERT" >chain.pem
openssl crl -inform der -in now.crl -out now.pem
t_like "openssl verify refuses alice by that list" "$(openssl verify -crl_check -CAfile chain.pem -CRLfile now.pem alice/cert.pem 2>&1)" \
	'certificate revoked'
desk restore_user 0 alice >/dev/null
ocsp alice/cert.pem
t_is "restored: good" "$STATUS" good
t_ok "and gone from the CRL" t_wait 5 becomes "$alice" -
t_is "bob stays" "$(reason "$bob")" "Key Compromise"
person=$(redis_as installer HGET "cert:$alice" user)
redis_as installer HSET "user:$person" leave_at 1700000000 >/dev/null
ocsp alice/cert.pem
t_like "left: certificateHold, since then" "$OCSP_OUT" 'Reason: certificateHold.*Revocation Time: Nov 14 .* 2023'
redis_as installer HSET "user:$person" leave_at 0 >/dev/null
redis_as installer HSET "cert:$alice" state aborted >/dev/null
ocsp alice/cert.pem
t_is "aborted: unknown" "$STATUS" unknown
redis_as installer HSET "cert:$alice" state active >/dev/null

# --- FreeRADIUS's own OCSP client, without our module ---------------------------------------------------------

eap=$SCEPAUTH_DIR/raddb/mods-available/eap
sed -i -e '/virtual_server = check-eap-tls/d' -e '/^\t\tocsp {/,/^\t\t}/c\		ocsp {\
			enable = yes\
			override_cert_url = yes\
			url = "'"$SCEP_URL"'/ocsp"\
			use_nonce = yes\
			timeout = 5\
			softfail = no\
		}' "$eap"
t_start radius
for who in alice bob; do eapol_conf "$who.conf" "$who/cert.pem" "$who/key.pem"; done
eapol_run alice.conf
t_is "FreeRADIUS asks OCSP and accepts the good" "$EAP_RESULT" accept || t_note "$(tail -n 20 "$RADIUS_LOG")"
eapol_run bob.conf
t_is "and rejects the revoked" "$EAP_RESULT" reject
desk suspend_user 0 alice x >/dev/null
eapol_run alice.conf
t_is "and the held" "$EAP_RESULT" reject
desk restore_user 0 alice >/dev/null
eapol_run alice.conf
t_is "and accepts again" "$EAP_RESULT" accept

# --- without Redis ----------------------------------------------------------------------------------------------

# what the CA goes by without Redis is what it has copied: within a second
copied() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" journal show |
	awk '$3 ~ /^(held|restored)$/ { last = $3 } END { exit last != "restored" }'; }
t_wait 20 copied
fetch before.crl
t_stop redis >/dev/null 2>&1
ocsp alice/cert.pem
t_is "OCSP: tryLater" "$STATUS" 'trylater (3)'
eapol_run alice.conf
t_is "FreeRADIUS with softfail = no rejects" "$EAP_RESULT" reject
sleep 2.1
fetch after.crl
serials() { crl_text "$1" | grep "Serial Number:" | sort; }
t_is "the CRL is made without, with the same entries" "$(serials after.crl)" "$(serials before.crl)"
t_like "and signed" "$(openssl crl -inform der -in after.crl -noout -verify -CAfile "$issuer" 2>&1)" 'verify OK'
t_is "one that was never made before, too" "$(t_stop ca >/dev/null 2>&1; t_start ca; code "$SCEP_URL/crl/staff.crl")" 200
t_start redis
t_ok "and with Redis again it is there" t_wait 10 becomes "$bob" "Key Compromise"
t_stop radius ca >/dev/null 2>&1

# --- instances without OCSP ---------------------------------------------------------------------------------------

t_ok "a fresh instance has no faults" "$SCEPAUTH_BIN/scepctl" check "$SCEPAUTH_DIR"
cp "$SCEPAUTH_CONF" good.conf
sed -i '/^	\(ocsp-\|crl-\)/d' "$SCEPAUTH_CONF"
t_ok "neither has one without responder" "$SCEPAUTH_BIN/scepctl" check "$SCEPAUTH_DIR"
t_start ca
ocsp alice/cert.pem
t_is "nobody answers then: unauthorized" "$STATUS" 'unauthorized (6)'
t_is "but the CRL is there" "$(reason "$bob")" "Key Compromise"
enrol dora students
t_unlike "and certificates name no place" "$(openssl x509 -in dora/cert.pem -noout -text)" 'OCSP|CRL Distribution'
t_stop ca >/dev/null 2>&1
# broken TEXT WANT_REGEX SED_SCRIPT
broken() {
	sed "$3" good.conf >"$SCEPAUTH_CONF"
	out=$("$SCEPAUTH_BIN/scep_ca" -t -c "$SCEPAUTH_CONF" 2>&1)
	t_is "$1: exit 2" "$?" 2
	t_like "$1: says what is wrong" "$out" "$2"
}
broken "responder of another CA" 'no OCSP responder' 's|ca/students/ocsp|ca/staff/ocsp|'
t_like "and so does scepctl check" "$("$SCEPAUTH_BIN/scepctl" check "$SCEPAUTH_DIR")" 'is no OCSP responder of the issuing CA'
broken "RA certificate as responder" 'no OCSP responder' 's|ca/students/ocsp|ca/students/ra|'
broken "responder without key" 'go together' '/students\/ocsp.key/d'
t_like "and so does scepctl check" "$("$SCEPAUTH_BIN/scepctl" check "$SCEPAUTH_DIR")" 'only one of ocsp-cert and ocsp-key'
broken "https in crl-url" 'crl-url: must be an http' 's|crl-url = "http://|crl-url = "https://|'
cp good.conf "$SCEPAUTH_CONF"
t_not "--cdp with https is refused" "$SCEPAUTH_BIN/scepctl" init "$T_DIR/none" --cdp --scep-url https://x.example --dry-run
t_done
