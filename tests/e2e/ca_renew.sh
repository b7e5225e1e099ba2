#!/usr/bin/env bash
# RA, OCSP responder and servers get new certificates while devices are on their way.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30 --cdp)
t_instance redis ca
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
[[ -x $tool ]] || t_bail "no $tool: make units"
ctl() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" "$@"; }
code() {
	"$@" >/dev/null 2>&1
	echo $?
}
w=$T_DIR/w i=$SCEPAUTH_DIR pass=$SCEPAUTH_DIR/secrets/root-passphrase
ca=$i/ca/students
mkdir -p "$w"
cd "$w" || exit 1
mint() { "$tool" mint "$SCEPAUTH_CONF" students login="$1"; }
id_of() { openssl x509 -in "$1" -noout -fingerprint -sha256; }
paired() { [[ $(openssl x509 -in "$1.pem" -noout -pubkey) == "$(openssl pkey -in "$1.key" -pubout)" ]]; }
# A device asks for the RA (ask NAME), and sends its request later (send NAME).
ask() {
	mkdir -p "$1" && pki --gen --type rsa --size 2048 --outform pem >"$1/key.pem" 2>/dev/null &&
		pki --scepca --url "$SCEP_URL/scep/students" --caout "$1/ca.pem" --raout "$1/ra.pem" --outform pem --force >"$1/log" 2>&1
}
send() {
	pki --scep --url "$SCEP_URL/scep/students" --in "$1/key.pem" --dn "CN=$1" --password "$(mint "$1")" --cacert-enc "$1/ra.pem" \
		--cacert-sig "$1/$(scep_issuer_file "$1")" --cacert "$ROOT_CERT" --outform pem >"$1/cert.pem" 2>"$1/scep.log" || { cat "$1/scep.log" && return 1; }
}

# --- dry run, and what is refused -----------------------------------------------------------------------------

files() { find "$i/ca" "$i/tls" "$i/radius" -printf '%P %y %l %T@\n' | sort; }
before=$(files)
t_like "a dry run says what it would do" "$(ctl ca renew-ra students --dry-run)" 'would be renewed: RA of students.*nothing was written'
t_is "and writes nothing" "$(files)" "$before"
t_is "no such profile" "$(code ctl ca renew-ra nobody)" 1
t_is "no profile" "$(code ctl ca renew-ra)" 2
t_is "no such server" "$(code ctl ca renew-server web --root-passphrase-file "$pass")" 1
echo "wrong horse battery" >wrong && chmod 600 wrong
t_like "a wrong passphrase of the root key" "$(ctl ca renew-server portal --root-passphrase-file wrong 2>&1)" 'wrong passphrase'
t_is "none of them wrote a thing" "$(files)" "$before"

# --- the RA, with devices on their way ------------------------------------------------------------------------

ask early || t_bail "no CA certificates: $(cat early/log)"
old=$(id_of "$ca/ra.pem")
cp "$ca/ra.pem" old-ra.pem
# While it happens somebody looks all the time: certificate and key are one pair at any moment, in any generation.
(
	while [[ ! -e stop ]]; do
		[[ ! -e $ca/now ]] || d=$(readlink -f "$ca/now")
		d=${d-$ca}
		paired "$d/ra" || echo "no pair in $d"
		openssl x509 -in "$ca/ra.pem" -noout || echo "ra.pem cannot be read"
	done >looks 2>&1
) &
looker=$!
t_like "renew-ra" "$(ctl ca renew-ra students)" 'renewed: RA of students.*48 hours.*SIGHUP'
touch stop
wait "$looker"
t_is "at every moment there was a pair" "$(cat looks)" ""
new=$(id_of "$ca/ra.pem")
t_ok "the RA is another one" test "$old" != "$new"
t_ok "with a key of its own" paired "$ca/ra"
t_ok "openssl verifies it" openssl verify -x509_strict -CAfile "$ROOT_CERT" -untrusted "$ca/issuing.pem" "$ca/ra.pem"
t_is "the key is closed" "$(stat -Lc %a "$ca/ra.key")" 600
t_is "the old one is kept, in a folder with its date" "$(id_of "$(find "$ca" -maxdepth 1 -type d -name '20*Z' | sort | head -n 1)/ra.pem")" "$old"
t_ok "check is content" ctl check
t_is "ca status is good" "$(code ctl ca status)" 0
ask before || t_bail "no CA certificates"
t_is "scep_ca still has the old one" "$(id_of before/ra.pem)" "$old"
t_ok "and goes on with it" send before
t_reload_ca
ask late || t_bail "no CA certificates: $(cat late/log)"
t_is "after a reload GetCACert gives the new one" "$(id_of late/ra.pem)" "$new"
t_ok "a device that has the new one enrols" send late
t_ok "a device that got the old one before enrols, too" send early
t_ok "its certificate is good" openssl verify -CAfile "$ROOT_CERT" -untrusted "$ca/issuing.pem" early/cert.pem
# The answer to such a request is signed by the RA that it was made for.
"$tool" request old-ra.pem k.old r.der challenge="$(mint olga)" || t_bail "no request"
curl -s -o reply.der --data-binary @r.der "$SCEP_URL/scep/students?operation=PKIOperation"
t_ok "the answer is signed by the RA that was asked" "$tool" reply old-ra.pem k.old reply.der got.der
signed_by() { openssl cms -verify -inform der -in reply.der -nointern -certfile "$1" -noverify -out /dev/null; }
t_ok "openssl finds the same" signed_by old-ra.pem
t_not "and not the new one" signed_by "$ca/ra.pem"
t_ok "the other profile goes on" scep_enrol "$w/tina" staff "$("$tool" mint "$SCEPAUTH_CONF" staff login=tina)"

# --- the end of the overlap -----------------------------------------------------------------------------------

echo 1700000000 >"$ca/now/previous/until"
t_reload_ca
ask again
cp old-ra.pem again/ra.pem
t_not "after the overlap the old RA opens nothing" send again
t_ok "and the new one does" eval 'ask again && send again'
t_like "with --keep-key the key stays" "$(key=$(openssl pkey -in "$ca/ra.key" -pubout); ctl ca renew-ra students --keep-key --overlap 1 >/dev/null; [[ $key == "$(openssl pkey -in "$ca/ra.key" -pubout)" ]] && echo same)" same
t_ok "and the certificate is new" test "$(id_of "$ca/ra.pem")" != "$new"
t_ok "until is an hour from now" test $(($(cat "$ca/now/previous/until") - $(date +%s))) -le 3600
t_reload_ca
cp late/ra.pem again/ra.pem
t_ok "a request for the same key's certificate of before is opened" send again
t_is "in any case the mode of the previous key" "$(stat -Lc %a "$ca/now/previous/ra.key")" 600

# --- the responder ----------------------------------------------------------------------------------------------

ocsp() { openssl ocsp -issuer "$ca/issuing.pem" -cert late/cert.pem -url "$SCEP_URL/ocsp" -CAfile "$ROOT_CERT" -verify_other "$ca/issuing.pem" -resp_text 2>&1; }
t_like "OCSP before" "$(ocsp)" 'late/cert.pem: good'
old=$(id_of "$ca/ocsp.pem")
t_like "renew-ocsp" "$(ctl ca renew-ocsp students --days 100)" 'renewed: OCSP responder of students'
t_ok "another certificate, with its key" eval '[[ $old != "$(id_of "$ca/ocsp.pem")" ]] && paired "$ca/ocsp"'
t_like "100 days" "$(ctl ca status --json | jq '.certificates[] | select(.name == "OCSP students") | .days_left')" '^(99|100)$'
t_reload_ca
out=$(ocsp)
t_like "OCSP after: verified" "$out" 'Response verify OK.*late/cert.pem: good'
t_like "by the new responder" "$out" "$(openssl x509 -in "$ca/ocsp.pem" -noout -text | sed -n '/Serial Number:/{n;s/^ *//;p;}')"

# --- servers ------------------------------------------------------------------------------------------------------

names() { openssl x509 -in "$1" -noout -ext subjectAltName | tail -n 1; }
was=$(names "$i/tls/portal.pem")
for server in "portal tls/portal" "radius radius/server"; do
	read -r name at <<<"$server"
	old=$(id_of "$i/$at.pem")
	t_ok "renew-server $name" ctl ca renew-server "$name" --root-passphrase-file "$pass"
	t_ok "$name: another certificate, with its key" eval '[[ $old != "$(id_of "$i/$at.pem")" ]] && paired "$i/$at"'
	t_ok "$name: openssl verifies it" openssl verify -x509_strict -purpose sslserver -verify_hostname localhost -CAfile "$ROOT_CERT" "$i/$at.pem"
done
t_is "with the same names" "$(names "$i/tls/portal.pem")" "$was"
t_ok "check is content" ctl check
t_start portal radius
serves_new() { [[ "$(openssl s_client -connect "127.0.0.1:${PORTAL_URL##*:}" -showcerts </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256)" == "$(id_of "$i/tls/portal.pem")" ]]; }
t_ok "the portal serves the new one" t_wait 20 serves_new
t_like "once more, while it runs" "$(ctl ca renew-server portal --root-passphrase-file "$pass")" 'next: let onboard_portal read it, by SIGHUP'
t_not "it still has the one before" serves_new
kill -HUP "$(cut -d' ' -f1 "$i/run/portal.pid")"
t_ok "after SIGHUP it serves the new one" t_wait 60 serves_new
eapol_conf late.conf late/cert.pem late/key.pem
redis_as installer HGET "cert:$(cert_serial late/cert.pem)" state >/dev/null
eapol_run late.conf
t_is "a device gets in by the new RADIUS certificate" "$EAP_RESULT" accept || t_note "$(tail -n 5 "$RADIUS_LOG")"

# --- damage ---------------------------------------------------------------------------------------------------------

mkdir "$ca/.staging"
t_like "a command that was killed leaves its folder: said, and nothing done" "$(ctl ca renew-ra students 2>&1)" '.staging is there: another command is at work, or was killed'
rmdir "$ca/.staging"
mv "$i/ca/root/root.key" "$T_DIR/away.key"
t_like "without the root key" "$(ctl ca renew-server radius --root-passphrase-file "$pass" 2>&1)" 'the root key is not here'
t_ok "--root-key says where it is" ctl ca renew-server radius --root-passphrase-file "$pass" --root-key "$T_DIR/away.key"
t_ok "for the portal too" ctl ca renew-server portal --root-passphrase-file "$pass" --root-key "$T_DIR/away.key"
t_done
