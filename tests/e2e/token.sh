#!/usr/bin/env bash
# An issuing key that never leaves a PKCS#11 token: SoftHSM as the token, the other keys in files.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

module=/usr/lib/softhsm/libsofthsm2.so
w=$T_DIR/w
mkdir -p "$w/tokens"
cd "$w" || exit 1
if [[ ! -r $module ]] || ! command -v softhsm2-util pkcs11-tool >/dev/null; then
	t_skip "an issuing key in a token" "packages softhsm2 and opensc are not installed"
	t_done
fi
if [[ -r $SCEPAUTH_BIN/../lib/sanitizer-preload ]]; then
	t_skip "an issuing key in a token" "SoftHSM's own clean-up at exit trips the sanitizers"
	t_done
fi

# --- a token with a key that cannot be taken out ------------------------------------------------------------

pin=271828
export SOFTHSM2_CONF=$w/softhsm2.conf
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$w/tokens" >softhsm2.conf
(umask 077 && echo "$pin" >pin && echo "root passphrase" >phrase)
softhsm2-util --init-token --free --label campus --so-pin 314159 --pin "$pin" >hsm.log 2>&1 || t_bail "$(cat hsm.log)"
key() { # LABEL ID
	pkcs11-tool --module "$module" --token-label campus -l -p "$pin" -k --key-type rsa:2048 --label "$1" --id "$2" >"$1.log" 2>&1
}
key students-ca 01 || t_bail "$(cat students-ca.log)"
key other 02 || t_bail "$(cat other.log)"
t_like "the key was made in the token and stays there" "$(cat students-ca.log)" 'sensitive, always sensitive, never extractable, local'

# --- an instance with it --------------------------------------------------------------------------------------

uri='pkcs11:token=campus;object=students-ca;type=private'
init() { scepctl init "$w/n" --root-passphrase-file phrase --root-bits 2048 --ra-bits 2048 --group students:30 "$@"; }
scepctl() { "$SCEPAUTH_BIN/scepctl" "$@"; }
t_like "init: a group that is not" "$(init --ca-key "staff=$uri" --token-module "$module" --token-pin pin 2>&1)" "no group 'staff'"
t_like "init: not a URI" "$(init --ca-key students=x.key --token-module "$module" --token-pin pin 2>&1)" 'GROUP=pkcs11:'
t_like "init: without the module" "$(init --ca-key "students=$uri" --token-pin pin 2>&1)" 'go together'
t_like "init: no such key" "$(init --ca-key "students=${uri/students-ca/none}" --token-module "$module" --token-pin pin 2>&1)" 'no such private key'
t_not "nothing is left of these" ls -d "$w"/n "$w"/.n.*

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30 --ca-key "students=$uri" --token-module "$module"
	--token-pin "$w/pin" --token-files "$w/tokens")
t_instance redis ca
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
load=$SCEPAUTH_BIN/../tests/bin/scep_load
[[ -x $tool && -x $load ]] || t_bail "no $tool: make units"
ra=$SCEPAUTH_DIR/ca/students/ra.pem
issuing=$SCEPAUTH_DIR/ca/students/issuing.pem
t_not "there is no file with the issuing key" ls "$SCEPAUTH_DIR/ca/students/issuing.key"
t_ok "but there are those of the others" ls "$SCEPAUTH_DIR"/ca/{students/ra.key,staff/issuing.key}
t_ok "scepctl check is content" scepctl check "$SCEPAUTH_DIR"
t_is "the certificate is for the key in the token" \
	"$(openssl x509 -in "$issuing" -noout -pubkey | openssl pkey -pubin -outform der | sha256sum)" \
	"$(pkcs11-tool --module "$module" --token-label campus -r --type pubkey --label students-ca 2>/dev/null | openssl pkey -pubin -inform der -outform der | sha256sum)"

# --- it signs ---------------------------------------------------------------------------------------------------

enrol() { # LOGIN [PROFILE]: leaves STATUS and PKI_STATUS
	local profile=${2-students} url
	local ra=$SCEPAUTH_DIR/ca/$profile/ra.pem
	url="$SCEP_URL/scep/$profile?operation=PKIOperation"
	[[ -s k.$1.der ]] || { "$tool" request "$ra" "k.$1" "k.$1.der" challenge="$("$tool" mint "$SCEPAUTH_CONF" "$profile" login="$1")" || return 1; }
	STATUS=$(curl -s -o reply.der -w '%{http_code}' --data-binary @"k.$1.der" "$url")
	PKI_STATUS=$("$tool" reply "$ra" "k.$1" reply.der cert.der 2>&1 | sed -n 's/^status=//p')
	[[ $STATUS == 200 && $PKI_STATUS == 0 ]]
}
verifies() { openssl verify -CAfile "$SCEPAUTH_DIR/ca/root/root.pem" -untrusted "$1" <(openssl x509 -inform der -in cert.der); }
t_ok "an enrolment: CA key in the token, RA key in a file" enrol anna
t_ok "its certificate verifies" verifies "$issuing"
t_ok "another profile beside it has all keys in files" enrol tom staff
t_ok "its certificate verifies too" verifies "$SCEPAUTH_DIR/ca/staff/issuing.pem"
curl -s -o crl.der "$SCEP_URL/crl/students.crl"
t_like "the CRL is signed by the token" "$(openssl crl -inform der -in crl.der -noout -CAfile "$issuing" 2>&1)" 'verify OK'
enrol anna
openssl x509 -inform der -in cert.der -out anna.pem
t_like "OCSP of what the token issued" "$(openssl ocsp -issuer "$issuing" -cert anna.pem -url "$SCEP_URL/ocsp" -CAfile "$SCEPAUTH_DIR/ca/root/root.pem" 2>&1)" 'anna.pem: good'
"$tool" mint "$SCEPAUTH_CONF" students login=load count=60 >challenges
"$load" "${SCEP_URL##*:}" students "$ra" 8 4 <challenges >load.log 2>&1
t_like "many at once" "$(grep enrolments load.log)" '=60$'
t_unlike "without any error" "$(cat load.log "$CA_LOG")" 'status [1-9]|does not sign'

# --- the PIN is nowhere -------------------------------------------------------------------------------------------

read -r top _ <"$SCEPAUTH_DIR/run/ca.pid"
children() { cat "/proc/$top/task/$top/children"; }
read -ra pids < <(children)
t_unlike "no PIN in command lines and environments" "$(for p in "$top" "${pids[@]}"; do tr '\0' '\n' <"/proc/$p/cmdline"; tr '\0' '\n' <"/proc/$p/environ"; done)" "$pin"
t_unlike "nor in the logs" "$(cat "$SCEPAUTH_DIR"/log/*)" "$pin"
t_unlike "nor in scepctl config" "$(scepctl -c "$SCEPAUTH_CONF" config)" "$pin"

# --- the token fails while serving ------------------------------------------------------------------------------

issued() { scepctl -c "$SCEPAUTH_CONF" journal show | grep -cw issued; }
was=$(issued)
mv tokens gone
if enrol bea; then
	t_skip "a token that fails while serving" "this OpenSSL keeps all of SoftHSM's key in memory"
	mv gone tokens
else
	t_is "without the token: come again later" "$STATUS" 503
	t_like "the log says why" "$(cat "$CA_LOG")" 'the token does not sign any more'
	t_ok "the role starts anew" t_wait 10 grep -qE 'role ca ended unexpectedly' "$CA_LOG"
	t_ok "and says what it lacks" t_wait 10 grep -qE 'no such private key' "$CA_LOG"
	t_like "other processes live on" " $(children) " " ${pids[-1]} "
	t_is "nothing was issued" "$(issued)" "$was"
	t_like "the serial that was drawn is given up" "$(scepctl -c "$SCEPAUTH_CONF" journal show)" 'aborted[^
]*signing failed'
	mv gone tokens
fi
t_ok "with the token there the same request succeeds" t_wait 20 enrol bea
t_ok "its certificate verifies" verifies "$issuing"
t_ok "the journal holds" scepctl -c "$SCEPAUTH_CONF" journal verify

# --- what it says at start --------------------------------------------------------------------------------------

t_stop ca
cp "$SCEPAUTH_CONF" conf.good
broken() { # TEXT REGEX SED
	sed "$3" conf.good >"$SCEPAUTH_CONF"
	local out rc
	out=$(timeout 20 "$SCEPAUTH_BIN/scep_ca" -c "$SCEPAUTH_CONF" 2>&1) && rc=0 || rc=$?
	t_like "start: $1" "$rc $out" "^[12] .*$2"
	cp conf.good "$SCEPAUTH_CONF"
}
echo 000000 >badpin && chmod 600 badpin
broken "wrong PIN" 'the PIN in .*badpin' "s|$w/pin|$w/badpin|"
chmod 640 badpin
broken "PIN open to others" 'chmod 600' "s|$w/pin|$w/badpin|"
broken "no PIN" 'nopin' "s|$w/pin|$w/nopin|"
broken "no token" 'no such private key' 's|token=campus|token=elsewhere|'
broken "no key" 'no such private key' 's|object=students-ca|object=none|'
broken "another key" 'is not the key of' 's|object=students-ca|object=other|'
broken "no module" 'is no PKCS#11 library' "s|$module|/nonexistent.so|"
broken "module not named" 'needs scep.token-module' '/token-module =/d'
broken "a PIN in the URI" 'must not have pin-value' 's|;type=private|;type=private?pin-value=1234|'
if grep -q 'no Landlock' "$CA_LOG" || compgen -G "/usr/lib/*/ossl-modules/pkcs11.so" >/dev/null; then
	t_skip "start: its files out of reach of the sandbox" "no Landlock, or an OpenSSL that does not read them"
else
	broken "its files out of reach of the sandbox" 'scep.token-files' '/token-files =/d'
fi
t_like "scepctl check names the token" "$(sed "s|$w/pin|$w/nopin|" conf.good >"$SCEPAUTH_CONF"; scepctl check "$SCEPAUTH_DIR")" 'see to the token'
cp conf.good "$SCEPAUTH_CONF"
t_start ca
t_ok "put right, it serves" enrol carl
t_ok "scepctl ca renews the RA under the key in the token" scepctl -c "$SCEPAUTH_CONF" ca renew-ra students
t_stop ca
t_start ca
t_ok "and the new one serves" enrol dora
t_done
