#!/usr/bin/env bash
# A root that the instance never sees: made, and used, in a folder that stands for another machine.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

t_instance redis # for its ports; the one that is tested takes its place
t_stop redis >/dev/null 2>&1
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
[[ -x $tool ]] || t_bail "no $tool: make units"
scepctl=$SCEPAUTH_BIN/scepctl
vault=$T_DIR/vault w=$T_DIR/w i=$T_DIR/o
mkdir -p "$w" && cd "$w" || exit 1
umask 077
echo "correct horse battery" >pass
ctl() { "$scepctl" -c "$i/scepauth.conf" "$@"; }
code() {
	"$@" >/dev/null 2>&1
	echo $?
}
sign() { # VERB REQUEST OPTION...
	local verb=$1 request=$2
	shift 2
	"$scepctl" ca "$verb" --root "$vault/root.pem" --root-key "$vault/root.key" --root-passphrase-file pass "$@" "$request"
}

# --- the root, elsewhere --------------------------------------------------------------------------------------

t_ok "make-root" "$scepctl" ca make-root "$vault" --organization "Example University" --bits 2048 --root-passphrase-file pass
t_is "its key is closed, and encrypted" "$(stat -c %a "$vault/root.key") $(grep -c 'ENCRYPTED PRIVATE KEY' "$vault/root.key")" "600 2"
t_like "it may have one CA below" "$(openssl x509 -in "$vault/root.pem" -noout -text)" 'CA:TRUE, pathlen:1'
t_like "a root that is there stays" "$("$scepctl" ca make-root "$vault" --organization X --root-passphrase-file pass 2>&1)" 'there is a root already'

# --- the instance, without it -----------------------------------------------------------------------------------

cp "$vault/root.pem" carried.pem
init() {
	"$scepctl" init "$@" --offline-root carried.pem --issuer-bits 2048 --organization "Example University" --scep-listen "${SCEP_URL#http://}" --scep-url "$SCEP_URL" --cdp \
		--portal-listen "127.0.0.1:${PORTAL_URL##*:}" --portal-url "$PORTAL_URL" --radius-port "$RADIUS_PORT" --module-dir "$(cd "$SCEPAUTH_BIN/../lib" && pwd)"
}
t_like "init --offline-root says what to do" "$(init "$i")" 'requests to where the root key is.*sign-intermediate.*sign-server.*install-cert'
t_is "requests for all that the root signs" "$(cd "$i/requests" && echo *)" "issuing-staff.csr issuing-students.csr portal.csr radius.csr"
for r in "$i"/requests/*.csr; do t_ok "openssl verifies $(basename "$r")" openssl req -in "$r" -noout -verify; done
t_is "with --root-dir it is refused" "$(code init "$T_DIR/none" --root-dir "$T_DIR/none2")" 2
cp "$i/requests/issuing-staff.csr" carried.csr
t_is "what is no root certificate is refused" "$(cp carried.pem saved.pem; cp "$ROOT_CERT" carried.pem; openssl x509 -in "$SCEPAUTH_DIR/ca/staff/ra.pem" -out carried.pem; code init "$T_DIR/none"; mv saved.pem carried.pem)" 1
t_not "and nothing is left" test -e "$T_DIR/none"
t_is "check says what is missing" "$(code ctl check)" 1
t_is "ca status: critical" "$(code ctl ca status)" 2

# --- signing ----------------------------------------------------------------------------------------------------

cp "$i"/requests/*.csr "$vault/"
t_like "nobody to ask: not signed" "$(sign sign-intermediate "$vault/issuing-staff.csr" </dev/null 2>&1)" 'CN=Example University staff CA.*nobody to ask.*--yes'
t_not "no certificate then" test -e "$vault/issuing-staff.pem"
for g in staff students; do t_ok "sign-intermediate $g" sign sign-intermediate "$vault/issuing-$g.csr" --yes; done
for s in portal radius; do t_ok "sign-server $s" sign sign-server "$vault/$s.csr" --yes; done
t_like "an issuing CA, whatever the request says" "$(openssl x509 -in "$vault/issuing-staff.pem" -noout -text)" 'CA:TRUE, pathlen:0.*Certificate Sign, CRL Sign|Certificate Sign, CRL Sign.*CA:TRUE, pathlen:0'
t_ok "openssl verifies it" openssl verify -x509_strict -CAfile "$vault/root.pem" "$vault/issuing-staff.pem"
t_ok "and the portal" openssl verify -x509_strict -purpose sslserver -verify_hostname localhost -CAfile "$vault/root.pem" "$vault/portal.pem"
t_like "a certificate that is there stays" "$(sign sign-intermediate "$vault/issuing-staff.csr" --yes 2>&1)" 'is there and stays'
echo "another passphrase" >wrong
t_like "a wrong passphrase" "$("$scepctl" ca sign-intermediate --root "$vault/root.pem" --root-key "$vault/root.key" --root-passphrase-file wrong --yes --out x.pem carried.csr 2>&1)" 'wrong passphrase'
openssl req -new -newkey rsa:1024 -nodes -keyout weak.key -subj "/CN=weak" -out weak.csr 2>/dev/null
t_like "a weak key" "$(sign sign-intermediate weak.csr --yes 2>&1)" '1024 bits'
openssl ecparam -name prime256v1 -genkey -noout -out ec.key && openssl req -new -key ec.key -subj "/CN=ec" -out ec.csr
t_like "a key that SCEP clients do not know" "$(sign sign-intermediate ec.csr --yes 2>&1)" 'must have an RSA key'
openssl req -in carried.csr -outform der -out bent.der && t_flip bent.der $(($(stat -c %s bent.der) - 3))
openssl req -inform der -in bent.der -out bent.csr 2>/dev/null
t_like "a request whose signature is bent" "$(sign sign-intermediate bent.csr --yes 2>&1)" 'not signed by its own key'
t_like "a server without a name" "$(sign sign-server carried.csr --yes --out y.pem 2>&1)" 'names no host'
t_is "without --root-key it is usage" "$(code "$scepctl" ca sign-intermediate carried.csr)" 2

# --- bringing it in ------------------------------------------------------------------------------------------------

openssl x509 -in "$SCEPAUTH_DIR/ca/staff/issuing.pem" -out foreign.pem
t_like "a certificate for no key here" "$(ctl ca install-cert foreign.pem 2>&1)" 'no key of this instance waits'
openssl x509 -req -in carried.csr -CA "$SCEPAUTH_DIR/ca/root/root.pem" -CAkey "$SCEPAUTH_DIR/ca/root/root.key" \
	-passin "file:$SCEPAUTH_DIR/secrets/root-passphrase" -set_serial 0x41424344454647484142434445464748 -days 99 \
	-extfile <(printf 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n') -out strange.pem 2>/dev/null
t_like "one that another root signed" "$(ctl ca install-cert strange.pem 2>&1)" 'not signed by the root of this instance'
openssl x509 -req -in carried.csr -CA "$vault/root.pem" -CAkey "$vault/root.key" -passin file:pass -set_serial 0x41424344454647484142434445464749 -days 99 \
	-extfile <(printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n') -out long.pem 2>/dev/null
t_like "a CA that might have others below" "$(ctl ca install-cert long.pem 2>&1)" 'is not an issuing CA'
for c in issuing-staff issuing-students portal radius; do
	cp "$vault/$c.pem" . && t_ok "install-cert $c" ctl ca install-cert "$c.pem"
done
t_like "a second time nothing waits" "$(ctl ca install-cert portal.pem 2>&1)" 'no key of this instance waits'
t_ok "check is content" ctl check
t_ok "ca status is good" ctl ca status

# --- and all works --------------------------------------------------------------------------------------------------

SCEPAUTH_DIR=$i SCEPAUTH_CONF=$i/scepauth.conf REDIS_SOCKET=$i/run/redis.sock ROOT_CERT=$vault/root.pem
RADIUS_SECRET=$(sed -n 's/^[[:space:]]*scepauth_client_secret[[:space:]]*=[[:space:]]*"\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$i/raddb/instance.conf")
t_defer "'$T_TOP/packaging/instance.sh' stop '$i'"
t_start redis
t_ok "install" ctl install
t_patient "$i"
t_start ca portal radius
t_ok "a device enrols" scep_enrol "$w/olga" students "$("$tool" mint "$SCEPAUTH_CONF" students login=olga)"
t_ok "openssl verifies it" openssl verify -CAfile "$vault/root.pem" -untrusted "$i/ca/students/issuing.pem" olga/cert.pem
eapol_conf olga.conf olga/cert.pem olga/key.pem
eapol_run olga.conf
t_is "it gets in" "$EAP_RESULT" accept

# --- rollover and renewal with a root elsewhere -------------------------------------------------------------------------

t_like "rollover by a request" "$(ctl ca rollover students --prepare --bits 2048 --csr next.csr)" 'sign-intermediate next.csr'
t_like "not active without its certificate" "$(ctl ca rollover students --activate 2>&1)" 'waits for its certificate'
t_like "and status says so" "$(ctl ca rollover students --status)" 'prepared +waits for its certificate'
t_ok "signed" sign sign-intermediate next.csr --yes
t_like "brought in" "$(ctl ca install-cert next.pem)" 'installed: issuing CA of students.*rollover students --activate'
t_ok "active" ctl ca rollover students --activate
t_stop ca radius >/dev/null 2>&1
t_start ca radius
t_ok "a device enrols" scep_enrol "$w/nora" students "$("$tool" mint "$SCEPAUTH_CONF" students login=nora)"
for who in olga nora; do
	eapol_conf "$who.conf" "$who/cert.pem" "$who/key.pem"
	eapol_run "$who.conf"
	t_is "$who gets in" "$EAP_RESULT" accept
done
old=$(openssl x509 -in "$i/radius/server.pem" -noout -serial)
t_like "a server by a request" "$(ctl ca renew-server radius --csr radius2.csr)" 'sign-server radius2.csr'
t_is "the old one stays in use" "$(openssl x509 -in "$i/radius/server.pem" -noout -serial)" "$old"
t_ok "signed and brought in" eval 'sign sign-server radius2.csr --yes && ctl ca install-cert radius2.pem'
t_ok "it is another" test "$(openssl x509 -in "$i/radius/server.pem" -noout -serial)" != "$old"
t_ok "check is content" ctl check

# --- the root key was never here ---------------------------------------------------------------------------------------

t_is "no file of the root's key" "$(find "$i" "$w" -name 'root.key*')" ""
t_is "no line of it in any file" "$(grep -rlF -f <(sed -n '2,4p' "$vault/root.key") "$i" "$w")" ""
t_is "no key is the root's" "$(find "$i" -name '*.key' -path '*ca*' -o -name '*.key' -path '*tls*' -o -name '*.key' -path '*radius*' | while read -r k; do
	[[ $(openssl pkey -in "$k" -pubout 2>/dev/null) != "$(openssl x509 -in "$vault/root.pem" -noout -pubkey)" ]] || echo "$k"
done)" ""
t_done
