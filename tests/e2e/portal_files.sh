#!/usr/bin/env bash
# The files that the portal writes for devices, judged by tools that are not ours: xmllint, plistutil,
# Apple's schema (in $SCEPAUTH_VECTORS), shellcheck where it is, and sh itself.
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
mkdir -p fake home
cat >fake/pki <<-'FAKE'
	#!/bin/sh
	for a; do printf '[%s]\n' "$a"; done >> "$PKI_LOG"
	case $1 in --gen) echo key ;; --scep) echo certificate ;; esac
FAKE
chmod +x fake/pki
rm -f /tmp/portal-pwned
run() { echo 0123456789ABCDEF0123456789ABCDEF | PKI_LOG=$T_DIR/pki.log HOME=$T_DIR/home PATH=$T_DIR/fake:$PATH sh "$1"; }
t_ok "the hostile script runs" run hostile.sh
t_ok "and its address is one argument, as it went in" grep -qxF "[http://h/scep/$hostile]" pki.log
t_not "nothing in it was executed" test -e /tmp/portal-pwned
conf=$(echo home/.config/wifi-*/wpa_supplicant.conf)
ssid=$(sed -n 's/^\tssid=//p' "$conf" | sed 's/../\\x&/g')
t_is "its network name, in hex, is whole" "$(printf '%b' "$ssid")" "a'b\"<&\`\$(id)\\;#]]> ä"
t_is "one line a key in the block" "$(grep -c '^	[a-z0-9_]*=' "$conf")" "$(($(wc -l <"$conf") - 2))"
cat >fake/nmcli <<-'FAKE'
	#!/bin/sh
	for a; do printf '[%s]\n' "$a"; done > "$PKI_LOG"
FAKE
chmod +x fake/nmcli
t_ok "the hostile nmcli line runs" env PKI_LOG="$T_DIR/nm.log" HOME="$T_DIR/home" PATH="$T_DIR/fake:$PATH" sh hostile.nmcli
t_ok "and its server name is one argument" grep -qxF "[$hostile]" nm.log
t_not "nothing in it was executed either" test -e /tmp/portal-pwned
t_done
