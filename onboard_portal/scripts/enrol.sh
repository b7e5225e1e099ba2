# shellcheck shell=sh disable=SC2154 # the lines above this one are written per device
# What follows is the same for everybody: RFC 8894 with openssl and curl alone. The lines above set
# url, device and the sentences, and have written ra.pem, issuer.pem and network-ca.pem here.

fail() {
	printf '%s\n' "$1" >&2
	exit 1
}

for tool in openssl curl od awk sed; do
	command -v "$tool" > /dev/null || fail "$say_missing $tool"
done

# --- DER as hexadecimal digits: bytes in, bytes out, one element
hex() { od -An -v -tx1 | tr -d ' \n'; }
unhex() {
	# shellcheck disable=SC2059 # the format is made of octal escapes only
	printf "$(printf '%s' "$1" | sed 's/../&\
/g' | awk 'NF { h = "0123456789abcdef"; v = (index(h, substr($0, 1, 1)) - 1) * 16 + index(h, substr($0, 2, 1)) - 1
		printf "\\%03o", v }')"
}
tlv() { # TAG CONTENT
	size=$((${#2} / 2))
	if [ "$size" -lt 128 ]; then
		printf '%s%02x%s' "$1" "$size" "$2"
	elif [ "$size" -lt 256 ]; then
		printf '%s81%02x%s' "$1" "$size" "$2"
	else
		printf '%s82%04x%s' "$1" "$size" "$2"
	fi
}
attribute() { tlv 30 "$1$(tlv 31 "$2")"; } # OID VALUE
verisign=060a6086480186f8450109 # 2.16.840.1.113733.1.9: message type 2, nonces 5 and 6, transaction 7

# --- the code, and everything else that may be known to nobody, in a folder that goes away
code=$(printf '%s' "$code" | tr -d ' \t\r' | tr a-f A-F)
case $code in
*[!0-9A-F]* | '') fail "$say_bad_code" ;;
esac
tmp=$(mktemp -d "$PWD/scep.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
printf '%s\n' '[req]' prompt=no distinguished_name=name attributes=more \
	'[name]' "CN=$device" '[more]' "challengePassword=$code" > "$tmp/request.cnf"

# Tried again with the same code, the same key is used: the CA then gives the same certificate.
key=key-$(printf '%s' "$code" | openssl dgst -sha256 -r | cut -c 1-8).pem
[ -s "$key" ] || {
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$tmp/key.pem" 2> /dev/null
	mv "$tmp/key.pem" "$key"
}

# --- the request: PKCS#10, encrypted to the CA's transport key, signed with our own key
openssl req -new -sha256 -config "$tmp/request.cnf" -key "$key" -outform DER -out "$tmp/csr.der"
openssl req -new -x509 -sha256 -config "$tmp/request.cnf" -key "$key" -days 2 -set_serial 1 -out "$tmp/self.pem"
openssl x509 -in "$tmp/self.pem" -outform DER -out "$tmp/self.der"
openssl cms -encrypt -binary -aes-128-cbc -outform DER -in "$tmp/csr.der" -out "$tmp/envelope.der" ra.pem

# The issuer's name as it stands in our certificate: behind serial number and algorithm.
place=$(openssl asn1parse -inform DER -in "$tmp/self.der" | awk '
	/d=2 / && /INTEGER/ { serial = 1; next }
	/d=2 / && /SEQUENCE/ && serial && ++n == 2 {
		split($0, part, ":"); gsub(/[^0-9]/, "", part[1])
		match($0, /hl= *[0-9]+/); head = substr($0, RSTART + 3, RLENGTH - 3)
		match($0, /l= *[0-9]+ /); rest = substr($0, index($0, " l=") + 3) + 0
		print part[1] + 1, head + rest; exit
	}')
issuer=$(tail -c "+${place% *}" "$tmp/self.der" | head -c "${place#* }" | hex)

transaction=$(openssl pkey -in "$key" -pubout -outform DER | openssl dgst -sha256 -r | cut -c 1-64 | tr a-f A-F)
nonce=$(openssl rand -hex 16)
digest=$(openssl dgst -sha256 -binary "$tmp/envelope.der" | hex)
sha256=$(tlv 30 06096086480165030402010500)
attributes=$(for a in \
	"$(attribute 06092a864886f70d010903 06092a864886f70d010701)" \
	"$(attribute 06092a864886f70d010904 "$(tlv 04 "$digest")")" \
	"$(attribute "${verisign}02" 13023139)" \
	"$(attribute "${verisign}05" "$(tlv 04 "$nonce")")" \
	"$(attribute "${verisign}07" "$(tlv 13 "$(printf '%s' "$transaction" | hex)")")"; do
	printf '%s\n' "$a"
done | LC_ALL=C sort | tr -d '\n')
unhex "$(tlv 31 "$attributes")" > "$tmp/signed.der"
signature=$(openssl dgst -sha256 -sign "$key" -binary "$tmp/signed.der" | hex)
signer=$(tlv 30 "020101$(tlv 30 "${issuer}020101")$sha256$(tlv a0 "$attributes")$(
	tlv 30 06092a864886f70d0101010500)$(tlv 04 "$signature")")
content=$(tlv 30 "06092a864886f70d010701$(tlv a0 "$(tlv 04 "$(hex < "$tmp/envelope.der")")")")
message=$(tlv 30 "020101$(tlv 31 "$sha256")$content$(tlv a0 "$(hex < "$tmp/self.der")")$(tlv 31 "$signer")")
unhex "$(tlv 30 "06092a864886f70d010702$(tlv a0 "$message")")" > "$tmp/message.der"

curl -sS --fail --globoff --max-time 60 -H 'Content-Type: application/x-pki-message' \
	--data-binary "@$tmp/message.der" -o "$tmp/reply.der" --url "$url?operation=PKIOperation" ||
	fail "$say_not_issued"

# --- the answer: signed by the transport key that the portal has named, for this request, to our key
openssl cms -verify -inform DER -in "$tmp/reply.der" -certfile ra.pem -nointern -noverify -binary \
	-out "$tmp/answer.der" 2> /dev/null || fail "$say_not_issued"
case $(hex < "$tmp/reply.der") in
*"$(attribute "${verisign}06" "$(tlv 04 "$nonce")")"*) ;;
*) fail "$say_not_issued" ;;
esac
openssl cms -decrypt -inform DER -in "$tmp/answer.der" -inkey "$key" -recip "$tmp/self.pem" -binary \
	-out "$tmp/certs.der" 2> /dev/null || fail "$say_not_issued"
openssl pkcs7 -inform DER -in "$tmp/certs.der" -print_certs -out "$tmp/certs.pem"
awk -v dir="$tmp" '/BEGIN CERT/ { n++ } n { print > (dir "/got-" n ".pem") }' "$tmp/certs.pem"
openssl pkey -in "$key" -pubout -out "$tmp/public.pem"
found=
for cert in "$tmp"/got-*.pem; do
	openssl x509 -in "$cert" -noout -pubkey 2> /dev/null | cmp -s - "$tmp/public.pem" && found=$cert
done
[ -n "$found" ] || fail "$say_not_issued"
openssl verify -partial_chain -trusted issuer.pem "$found" > /dev/null 2>&1 || fail "$say_not_issued"
openssl x509 -in "$found" -out "$tmp/cert.pem"
mv "$key" key.pem
mv "$tmp/cert.pem" cert.pem

# --- asked for, the same in one file for systems that import nothing else
if [ "${1-}" = --p12 ]; then
	openssl rand -hex 8 > "$tmp/password"
	openssl pkcs12 -export -inkey key.pem -in cert.pem -certfile issuer.pem -name "$device" \
		-passout "file:$tmp/password" -out "$HOME/wifi-certificate.p12"
	printf '%s %s %s\n' "$say_p12" "$HOME/wifi-certificate.p12" "$(cat "$tmp/password")"
fi
