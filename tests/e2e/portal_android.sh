#!/usr/bin/env bash
# Android's files, judged by tools that are not ours: xmllint with the schema of eap-config (in $SCEPAUTH_VECTORS)
# and Python's MIME parser.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

unit=$SCEPAUTH_BIN/../tests/unit/onboard_portal/test_android
[[ -x $unit ]] || t_bail "no $unit: make units"
cd "$T_DIR" || exit 1
t_ok "files from friendly and hostile names are written" env PORTAL_DUMP="$T_DIR" "$unit"
xpath() { xmllint --nonet --xpath "$2" "$1" 2>/dev/null; }
hostile="a'b\"c<d>&e\`f\$(id);\$HOME\\ %s ]]> --scepauth-passpoint ä"

# --- eap-config ---------------------------------------------------------------------------------------

schema=${SCEPAUTH_VECTORS-}/eap-metadata.xsd
for f in {friendly,mail,nobody,hostile,fuzz-{0..11}}.eap-config; do
	if [[ -f $schema ]]; then
		t_ok "$f: by the schema of eduroam CAT" xmllint --nonet --noout --schema "$schema" "$f"
	else
		t_ok "$f: well-formed" xmllint --nonet --noout "$f"
	fi
done
if [[ -f $schema ]]; then
	sed 's/<ServerID>/<ServerId>/; s/<.ServerID>/<\/ServerId>/' friendly.eap-config >broken.eap-config
	t_not "(control: a misspelt element is found)" xmllint --nonet --noout --schema "$schema" broken.eap-config
else
	t_skip "the schema of eduroam CAT" "SCEPAUTH_VECTORS is not set"
fi
for e in ServerID OuterIdentity Passphrase DisplayName Description; do
	t_is "hostile.eap-config: $e is whole" "$(xpath hostile.eap-config "string(//$e)")" "$hostile"
done
t_is "hostile.eap-config: the realm is whole" "$(xpath hostile.eap-config 'string(//@ID)')" "$hostile"

# --- Passpoint ----------------------------------------------------------------------------------------

# parts FILE: by the rules of Android's ConfigParser, base64 outside and in every part.
parts() {
	local boundary type
	base64 -d "$1" >"$1.mime" || return
	boundary=$(sed -n '1s/^Content-Type: multipart\/mixed; boundary=//p' "$1.mime")
	[[ -n $boundary && $(sed -n 2p "$1.mime") == "Content-Transfer-Encoding: base64" ]] || return
	[[ $(tail -n 1 "$1.mime") == "--$boundary--" ]] || return
	for type in x-passpoint-profile x-x509-ca-cert x-pkcs12; do
		awk -v b="--$boundary" -v t="Content-Type: application/$type" \
			'index($0, b) == 1 { on = 0 } on == 2 { print } on && $0 == "" { on = 2 } $0 == t { on = 1 }' \
			"$1.mime" | base64 -d >"$1.$type" && [[ -s $1.$type ]] || return
	done
}
cat >parts.py <<'PY'
import email, sys
m = email.message_from_binary_file(open(sys.argv[1], 'rb'))
assert m.get_content_type() == 'multipart/mixed' and m['Content-Transfer-Encoding'] == 'base64'
for p in m.get_payload():
    assert p['Content-Transfer-Encoding'] == 'base64'
    assert p.get_payload(decode=True) == open(sys.argv[1][:-4] + p.get_content_type().split('/')[1], 'rb').read()
print(*[p.get_content_type() for p in m.get_payload()])
PY
for f in {friendly,hostile,fuzz-{0..11}}.passpoint; do
	t_ok "$f: three parts" parts "$f"
	t_ok "$f: its subscription is XML" xmllint --nonet --noout "$f.x-passpoint-profile"
	t_ok "$f: within what Android's browser takes" test "$(stat -c %s "$f")" -lt 100000
	if command -v python3 >/dev/null; then
		t_is "$f: Python finds the same parts" "$(python3 parts.py "$f.mime")" \
			"application/x-passpoint-profile application/x-x509-ca-cert application/x-pkcs12"
	else
		t_skip "$f: Python finds the same parts" "python3 is not installed"
	fi
done
# value PATH...: of the node with these names, each inside the one before.
value() {
	local f=$1 path="/*[local-name()='MgmtTree']"
	shift
	for n; do path+="/*[local-name()='Node'][*[local-name()='NodeName']='$n']"; done
	xpath "$f" "string($path/*[local-name()='Value'])"
}
f=hostile.passpoint.x-passpoint-profile
t_is "hostile.passpoint: the name is whole" "$(value $f PerProviderSubscription i001 HomeSP FriendlyName)" "$hostile"
t_is "and the realm" "$(value $f PerProviderSubscription i001 Credential Realm)" "$hostile"
f=friendly.passpoint.x-passpoint-profile
t_is "the server's name is where Android looks for it" \
	"$(value $f PerProviderSubscription i001 Extension Android AAAServerTrustedNames FQDN)" radius.example.edu
t_is "the fingerprint is the certificate's" "$(value $f PerProviderSubscription i001 Credential DigitalCertificate CertSHA256Fingerprint)" \
	"$(printf '0\003\002\001\010' | sha256sum | cut -d' ' -f1)"
t_done
