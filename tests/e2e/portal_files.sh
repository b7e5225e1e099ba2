#!/usr/bin/env bash
# The files that the portal writes for devices, judged by tools that are not ours: xmllint, plistutil,
# Apple's schema (in $SCEPAUTH_VECTORS), shellcheck, nmcli and pwsh where they are, jq and sh itself.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

unit=$SCEPAUTH_BIN/../tests/unit/onboard_portal/test_profile
[[ -x $unit ]] || t_bail "no $unit: make units"
cd "$T_DIR" || exit 1
t_ok "profiles from friendly and hostile names are written" env PORTAL_DUMP="$T_DIR" "$unit"

# --- Apple --------------------------------------------------------------------------------------------

schema=${SCEPAUTH_VECTORS-}/apple-device-management

# known FILE...: "key type" of every key that Apple's YAML describes, at whatever depth.
known() {
	awk '/^ *- key: / { key = $0; sub(/^ *- key: /, "", key) }
		/^ *type: </ && key != "" { t = $2; gsub(/[<>]/, "", t); print key "\t" t; key = "" }' "$@" | sort -u
}
# required FILE: keys of the payload itself that must be there.
required() {
	awk '/^payloadkeys:/ { on = 1; next } /^[a-z]/ { on = 0 }
		on && /^- key: / { key = $0; sub(/^- key: /, "", key) }
		on && /^  presence: required/ { print key }' "$1"
}
# ranges FILE...: "key value" of what Apple allows where it gives a list.
ranges() {
	awk '/^ *- key: / { key = $0; sub(/^ *- key: /, "", key); on = 0 }
		/^ *rangelist:/ { on = 1; next }
		on && /^ *- / { v = $0; sub(/^ *- /, "", v); gsub(/\047/, "", v); print key "\t" v; next }
		{ on = 0 }' "$@" | sort -u
}
xpath() { xmllint --nonet --xpath "$2" "$1" 2>/dev/null; }
# pairs.tsv FILE NODE: "key type value" for every key below the dict at NODE, not below other payloads.
pairs() {
	local n i key type value below=${3:-"($2)//key"}
	n=$(xpath "$1" "count($below)")
	for ((i = 1; i <= n; i++)); do
		key=$(xpath "$1" "string(($below)[$i])")
		type=$(xpath "$1" "name((($below)[$i])/following-sibling::*[1])")
		value=$(xpath "$1" "string((($below)[$i])/following-sibling::*[1])")
		case $type in
		dict) type=dictionary value= ;;
		array) value= ;;
		true | false) type=boolean ;;
		esac
		printf '%s\t%s\t%s\n' "$key" "$type" "$value"
	done
}
check_payload() { # FILE NODE TYPE SCHEMA [BELOW]
	local file=$1 type=$3 yaml=$4 line missing
	pairs "$file" "$2" "${5-}" >pairs.tsv
	cut -f1,2 pairs.tsv | sort -u >used
	known "$yaml" "$schema/CommonPayloadKeys.yaml" >allowed
	t_is "$file: $type: every key is Apple's, of its type" "$(comm -23 used allowed)" ""
	missing=$( (required "$yaml" && required "$schema/CommonPayloadKeys.yaml") | sort -u |
		comm -23 - <(xpath "$file" "$2/key/text()" | sed 's/></>\n</g' | sort -u))
	t_is "$file: $type: nothing required is missing" "$missing" ""
	ranges "$yaml" >listed
	while IFS= read -r line; do
		grep -qP "^\Q$(cut -f1 <<<"$line")\E\t" listed || continue
		t_ok "$file: $type: $(tr '\t' ' ' <<<"$line") is in Apple's list" grep -qxF "$line" listed
	done < <(awk -F '\t' '$2 == "string" || $2 == "integer" { print $1 "\t" $3 }' pairs.tsv)
}

for f in friendly.mobileconfig open.mobileconfig hostile.mobileconfig; do
	t_ok "$f: well-formed XML" xmllint --nonet --noout "$f"
	t_ok "$f: a property list for libplist" plistutil -i "$f" -o "$f.bin"
	n=$(xpath "$f" 'count(/plist/dict/array/dict)')
	t_is "$f: payloads" "$n" "$([[ $f == friendly* ]] && echo 3 || echo 4)"
	t_is "$f: identifiers are all different" \
		"$(xpath "$f" '//key[.="PayloadIdentifier"]/following-sibling::*[1]/text()' | sort | uniq -d)" ""
	t_is "$f: UUIDs are all different" "$(xpath "$f" '//key[.="PayloadUUID"]/following-sibling::*[1]/text()' | sort | uniq -d)" ""
	scep=$(xpath "$f" 'string(//string[.="com.apple.security.scep"]/../key[.="PayloadUUID"]/following-sibling::*[1])')
	root=$(xpath "$f" 'string(//string[.="com.apple.security.root"]/../key[.="PayloadUUID"]/following-sibling::*[1])')
	t_is "$f: the network uses the SCEP identity" \
		"$(xpath "$f" 'string(//key[.="PayloadCertificateUUID"]/following-sibling::*[1])')" "$scep"
	t_is "$f: and trusts the root in the profile" \
		"$(xpath "$f" 'string(//key[.="PayloadCertificateAnchorUUID"]/following-sibling::*[1]/string)')" "$root"
	t_is "$f: the subject is three arrays deep" \
		"$(xpath "$f" 'count(//key[.="Subject"]/following-sibling::*[1]/array/array/string)')" 2
	if [[ ! -d $schema ]]; then
		t_skip "$f: Apple's schema" "SCEPAUTH_VECTORS is not set"
		continue
	fi
	check_payload "$f" /plist/dict Configuration "$schema/TopLevel.yaml" /plist/dict/key
	for ((i = 1; i <= n; i++)); do
		type=$(xpath "$f" "string(/plist/dict/array/dict[$i]/key[.='PayloadType']/following-sibling::*[1])")
		check_payload "$f" "/plist/dict/array/dict[$i]" "$type" "$schema/$type.yaml"
	done
done
if [[ -d $schema ]]; then # the checks themselves can fail
	sed 's/Keysize/KeySize/; s/<integer>2048/<integer>2047/; s/EncryptionType</EncryptionTyp</' friendly.mobileconfig >broken.mobileconfig
	known "$schema/com.apple.security.scep.yaml" "$schema/CommonPayloadKeys.yaml" >allowed
	pairs broken.mobileconfig '/plist/dict/array/dict[2]' | cut -f1,2 | sort -u | comm -23 - allowed >unknown
	t_is "(control: a misspelt key is found)" "$(cat unknown)" $'KeySize\tinteger'
	ranges "$schema/com.apple.security.scep.yaml" >listed
	t_not "(control: a key size that Apple does not know is found)" grep -qxF $'Keysize\t2047' listed
	t_ok "(control: one that it knows is not)" grep -qxF $'Keysize\t2048' listed
fi
hostile="a'b\"c<d>&e\`f\$(touch /tmp/portal-pwned);\$HOME\\ %s ]]> ä"
t_is "a hostile name comes out of the XML as it went in" \
	"$(xpath hostile.mobileconfig 'string(/plist/dict/key[.="PayloadOrganization"]/following-sibling::*[1])')" "$hostile"

# --- Linux --------------------------------------------------------------------------------------------

for f in friendly.sh hostile.sh; do
	t_ok "$f: sound sh" sh -n "$f"
	if command -v shellcheck >/dev/null; then
		t_ok "$f: shellcheck" shellcheck -e SC2016 "$f"
	else
		t_skip "$f: shellcheck" "not installed"
	fi
done
for f in fuzz-*.sh; do sh -n "$f" || echo "$f"; done >bad
t_is "fuzzed names: every script is sound sh" "$(cat bad)" ""
mkdir -p fake home
rm -f /tmp/portal-pwned
said() { sed '/^dir=/,$d' "$1" >head.sh && sh -c '. ./head.sh && eval "printf %s \"\$$1\""' sh "$2"; }
t_is "the hostile script's address is what went in" "$(said hostile.sh url)" "http://h/scep/$hostile"
t_is "and its sentences" "$(said hostile.sh say_not_issued)" "$hostile"
written() { { echo 'set -eu; dir=/srv/x' && sed -n '/^# --- what the Wi-Fi programs read/,$p' "$1"; } >tail.sh && sh ./tail.sh; }
t_ok "what it writes for the Wi-Fi programs is written" written hostile.sh
t_not "nothing in it was executed" test -e /tmp/portal-pwned
ssid=$(sed -n 's/^\tssid=//p' wpa_supplicant.conf | sed 's/../\\x&/g')
t_is "wpa_supplicant: its network name, in hex, is whole" "$(printf '%b' "$ssid")" "a'b\"<&\`\$(id)\\;#]]> ä"
t_is "wpa_supplicant: one line a key" "$(grep -c '^	[a-z0-9_]*=' wpa_supplicant.conf)" "$(($(wc -l <wpa_supplicant.conf) - 2))"
name=$(printf '%s' "a'b\"<&\`\$(id)\\;#]]> ä" | od -An -v -tx1 | tr -d ' \n')
t_ok "iwd: the file has the name that iwd looks for" test -s "=$name.8021x"
t_is "the script writes the same keyfile as the portal shows" "$(sed 's,/srv/x/,/x/,' a-b-id.nmconnection)" "$(cat hostile.nmconnection)"
t_is "and the same file for iwd" "$(sed 's,/srv/x/,/x/,' "=$name.8021x")" "$(cat hostile.8021x)"
if [[ -r /usr/include/ell/ell.h ]]; then # the library with which iwd reads its files
	cat >ell.c <<-'C'
		#include <ell/ell.h>
		#include <stdio.h>
		int main(int argc, char **argv)
		{
			struct l_settings *s = l_settings_new();

			if (argc != 2 || !l_settings_load_from_file(s, argv[1]))
				return 1;
			printf("%s\n%s\n", l_settings_get_string(s, "Security", "EAP-TLS-ServerDomainMask"),
			       l_settings_get_string(s, "Security", "EAP-TLS-ClientKey"));
			return 0;
		}
	C
	t_ok "ell is there" cc -o ell ell.c -lell
	for f in friendly hostile fuzz-{0..11}; do
		t_like "$f.8021x: iwd's library reads it" "$(./ell "$f.8021x")" $'\n/(srv/)?x/key.pem$'
	done
	t_is "hostile.8021x: the server name is whole" "$(./ell hostile.8021x | head -n 1)" "$hostile"
else
	t_skip "iwd's library reads its files" "libell-dev is not installed"
fi
if command -v nmcli >/dev/null; then
	for f in friendly hostile wpa3 fuzz-{0..11}; do
		t_ok "$f.nmconnection: NetworkManager reads it" sh -c "nmcli --offline connection modify connection.autoconnect yes <$f.nmconnection >$f.back"
	done
	key() { sed -n "s/^$2=//p" "$1" | sed 's/\\\\/\\/g'; }
	t_is "hostile.nmconnection: the server name is whole" "$(key hostile.back domain-match)" "$hostile"
	t_is "and the network's" "$(key hostile.back ssid | tr ';' '\n' | awk 'NF { printf "%02x", $1 }')" "$name"
	t_is "the server is pinned" "$(key friendly.back domain-match) $(key friendly.back ca-cert)" "radius.example.edu /srv/x/network-ca.pem"
	sed 's/^ssid=.*/ssid=/' friendly.nmconnection >broken.nmconnection
	t_not "(control: nmcli refuses a network without a name)" sh -c "nmcli --offline connection modify connection.autoconnect yes <broken.nmconnection"
else
	t_skip "NetworkManager reads the keyfiles" "nmcli is not installed"
fi
cat >fake/nmcli <<-'FAKE'
	#!/bin/sh
	for a; do printf '[%s]\n' "$a"; done > "$PKI_LOG"
FAKE
chmod +x fake/nmcli
t_ok "the hostile nmcli line runs" env PKI_LOG="$T_DIR/nm.log" HOME="$T_DIR/home" PATH="$T_DIR/fake:$PATH" sh hostile.nmcli
t_ok "and its server name is one argument" grep -qxF "[$hostile]" nm.log
t_not "nothing in it was executed either" test -e /tmp/portal-pwned

# --- Windows ------------------------------------------------------------------------------------------

wlan() { xpath "$1" "string(//*[local-name()='$2'])"; }
for f in friendly hostile wpa3 fuzz-{0..11}; do
	t_ok "$f.xml: well-formed" xmllint --nonet --noout "$f.xml"
done
# Windows enforces the order of Microsoft's schema.
for ((i = 1; i <= 6; i++)); do xpath friendly.xml "local-name(/*/*[$i])"; done >order
t_is "WLAN profile: elements in the order of the schema" "$(tr '\n' ' ' <order)" "name SSIDConfig connectionType connectionMode autoSwitch MSM "
t_is "WLAN profile: server name" "$(wlan hostile.xml ServerNames)" "$hostile"
anchor=$(printf '0\003\002\001\005' | sha1sum | cut -d' ' -f1)
t_is "WLAN profile: hash of the anchor" "$(wlan friendly.xml TrustedRootCA | tr -d ' ')" "$anchor"
t_is "WLAN profile: hash of the issuer, for choosing the certificate" "$(wlan friendly.xml IssuerHash | tr -d ' ')" "$anchor"
t_is "the script holds the same profile" "$(sed -n "/^<?xml/,/^<\\/WLANProfile>/p" hostile.ps1)" "$(cat hostile.xml)"
if command -v pwsh >/dev/null; then
	for f in friendly hostile fuzz-{0..11}; do
		t_ok "$f.ps1: PowerShell's parser takes it" pwsh -NoProfile -Command \
			"\$e = \$null; [void][Management.Automation.Language.Parser]::ParseFile('$T_DIR/$f.ps1', [ref]\$null, [ref]\$e); exit \$e.Count"
	done
else
	t_skip "PowerShell's parser takes the scripts" "pwsh is not installed"
fi

# --- ChromeOS -----------------------------------------------------------------------------------------

for f in friendly hostile fuzz-{0..11}; do
	t_is "$f.onc: JSON in which every reference is to something in it" "$(jq '[.Certificates[].GUID] as $have
		| [.NetworkConfigurations[].WiFi.EAP | .ServerCARefs[], .ClientCertPattern.IssuerCARef[]] - $have | length' "$f.onc")" 0
done
t_is "hostile.onc: names are whole" "$(jq -r '.NetworkConfigurations[0].WiFi.EAP.SubjectAlternativeNameMatch[0].Value' hostile.onc)" "$hostile"
t_is "friendly.onc: the certificates are DER" "$(jq -r '.Certificates[].X509' friendly.onc | sort -u)" "MAMCAQU="
t_done
