#!/usr/bin/env bash
# scep_ca on real parts: Redis with its users and Functions, strongSwan and scepclient as clients, and
# scep_tool for what no stock client sends. Tickets are minted with the instance's own keys.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
[[ -x $tool ]] || t_bail "no $tool: make units"
# staff: old clients are welcome (instance.sh may have said so already); students: they are not
sed -i '/^	allow-/d' "$SCEPAUTH_CONF"
sed -i '/^profile "staff"/a\	allow-3des = true\n	allow-sha1 = true\n	allow-des = true' "$SCEPAUTH_CONF"
t_start ca
url=$SCEP_URL/scep/students
ra=$SCEPAUTH_DIR/ca/students/ra.pem
w=$T_DIR/w
mkdir -p "$w"
cd "$w" || exit 1

mint() { "$tool" mint "$SCEPAUTH_CONF" "$@"; }
post() { # FILE [URL [CURL_OPTION...]]: leaves reply.der and STATUS
	local file=$1 to=${2:-$url}
	shift $(($# < 2 ? $# : 2))
	STATUS=$(curl -s -o reply.der -w '%{http_code}' "$@" --data-binary "@$file" "$to?operation=PKIOperation")
}
# ask KEY [NAME=VALUE...]: makes a request, posts it, leaves STATUS, and in RESULT what the reply says
ask() {
	local key=$1
	shift
	"$tool" request "$ra" "$key" request.der "$@" || return 1
	post request.der
	read_reply "$key"
}
read_reply() { # KEY
	RESULT=$("$tool" reply "$ra" "$1" reply.der cert.der 2>&1)
	PKI_STATUS=$(sed -n 's/^status=//p' <<<"$RESULT")
	SIZE=$(sed -n 's/^size=//p' <<<"$RESULT")
}
last_rule() { # of the log: the word behind "refused at STEP: "
	sed -n 's/^warn scep_ca: .*refused at [a-z]*: \([a-z_0-9]*\):.*/\1/p' "$CA_LOG" | tail -n 1
}
serial_of() { openssl x509 -inform "${2:-der}" -in "$1" -noout -serial | sed 's/serial=//' | tr A-F a-f; }

# --- GetCACaps and GetCACert -------------------------------------------------------------------------

curl -s "$url?operation=GetCACaps" >caps
t_is "capabilities, each on its line, none blank" "$(cat caps)" \
	$'AES\nPOSTPKIOperation\nSHA-256\nSHA-384\nSHA-512\nSCEPStandard'
t_is "capabilities of a profile for old clients" "$(curl -s "$SCEP_URL/scep/staff?operation=GetCACaps" | tail -n 2)" $'DES3\nSHA-1'
for spelling in 'operation=getcacaps' 'operation=GETCACAPS&message=' 'operation=GetCACaps&message=0' \
	'message=default&operation=GetCACaps'; do
	t_is "capabilities by $spelling" "$(curl -s "$url?$spelling")" "$(cat caps)"
done
type_of() { curl -s -o /dev/null -w '%{content_type}' "$1"; }
t_is "type of the capabilities" "$(type_of "$url?operation=GetCACaps")" text/plain
t_is "type of the CA certificates" "$(type_of "$url?operation=GetCACert")" application/x-x509-ca-ra-cert
curl -s "$url?operation=GetCACert&message=not%20base64!" >bag.der
t_is "order of the CA certificates: RA, issuing, root" \
	"$(openssl pkcs7 -inform der -in bag.der -print_certs -noout | sed -n 's/^subject=.*CN *= *Example University //p')" \
	$'students SCEP RA\nstudents CA\nRoot CA'
openssl pkcs7 -inform der -in bag.der -print_certs -out bag.pem
t_like "the RA may sign and encipher" "$(openssl x509 -in bag.pem -noout -ext keyUsage)" 'Digital Signature, Key Encipherment'
for suffix in /pkiclient.exe /certsrv/mscep/mscep.dll /certsrv/mscep/mscep.dll/pkiclient.exe /; do
	t_is "suffix $suffix" "$(curl -s "$url$suffix?operation=GetCACaps")" "$(cat caps)"
done
t_is "HTTP/1.0 without Host" "$(curl -s -0 -H 'Host:' "$url?operation=GetCACaps")" "$(cat caps)"

# --- stock clients ---------------------------------------------------------------------------------------

challenge=$(mint students login=sam)
t_ok "strongSwan enrols" scep_enrol "$w/swan" students "$challenge" evil.admin
t_like "subject and SAN come from the ticket, not from the request" \
	"$(openssl x509 -in swan/cert.pem -noout -subject -ext subjectAltName 2>/dev/null)" 'subject=CN ?= ?sam.*email:person@example.edu'
t_is "and the key from the request" "$(openssl x509 -in swan/cert.pem -noout -pubkey)" \
	"$(openssl pkey -in swan/key.pem -pubout)"
t_ok "it verifies up to the root, for TLS clients" openssl verify -purpose sslclient -CAfile "$ROOT_CERT" \
	-untrusted "$SCEPAUTH_DIR/ca/students/issuing.pem" swan/cert.pem
serial=$(serial_of swan/cert.pem pem)
t_is "the ledger has it as active" "$(redis_as installer HGET "cert:$serial" state)" active
# strongSwan 5.9.8 has no switch for GET; its message goes by GET in "spellings" below

challenge_staff=$(mint staff login=tina)
t_ok "scepclient enrols" scepclient -server-url "$SCEP_URL/scep/staff" -challenge "$challenge_staff" \
	-private-key go.key -certificate go.pem
t_like "its subject too comes from the ticket" "$(openssl x509 -in go.pem -noout -subject)" 'CN ?= ?tina$'
t_is "the ledger has it as active" "$(redis_as installer HGET "cert:$(serial_of go.pem pem)" state)" active
t_not "scepclient with a wrong challenge fails" scepclient -server-url "$SCEP_URL/scep/staff" -challenge WRONG \
	-private-key go2.key -certificate go2.pem
t_not "strongSwan with a wrong challenge fails" scep_enrol "$w/swan2" students WRONG
t_like "and strongSwan understood the FAILURE" "$(cat swan2/scep.log)" '[Bb]ad ?[Rr]equest|failed|rejected|FAILURE'

# A copied key: strongSwan again, another person, the first one's key.
mkdir -p copied
cp swan/key.pem copied/key.pem
challenge=$(mint students login=thea)
t_not "the first person's key does not serve another person" scep_enrol "$w/copied" students "$challenge"
t_is "the reason is in the log" "$(last_rule)" key_owner
t_like "and who had it in an event" "$(redis_as installer XREVRANGE events:ca + - COUNT 3 | xargs)" \
	"key_other_person .*owner $(redis_as installer HGET login:local sam)"
rm copied/key.pem
t_ok "with a key of the own the same challenge is good" scep_enrol "$w/copied" students "$challenge"
t_ok "the first person enrols anew with the old key" scep_enrol "$w/swan" students "$(mint students login=sam)"

# --- a good request, in detail ---------------------------------------------------------------------------

challenge=$(mint students login=uma)
ask k1 challenge="$challenge"
t_is "POST gives 200" "$STATUS" 200
t_like "SUCCESS: CertRep, txn, nonce, digest and cipher mirrored, rsaEncryption" "$RESULT" \
	'type=3.*status=0.*fail=-1.*txn=0123456789ABCDEF.*printable=1.*digest=SHA256.*signature=rsaEncryption.*cipher=AES-128-CBC.*certs=1.*nonce=echoed'
cp request.der good.der
cp cert.der first.der
t_is "type of the reply" "$(curl -s -o /dev/null -w '%{content_type}' --data-binary @good.der "$url?operation=PKIOperation")" \
	application/x-pki-message
lifetime=$(($(date -d "$(openssl x509 -inform der -in first.der -noout -enddate | cut -d= -f2)" +%s) - $(date +%s)))
t_ok "lifetime from the ticket" test "$lifetime" -gt 86300 -a "$lifetime" -le 86400
post good.der && read_reply k1
t_ok "the same message again: the same certificate" cmp cert.der first.der
ask k1 challenge="$challenge" txn=ANOTHER
t_ok "the same challenge and key in another message: the same certificate" cmp cert.der first.der
ask k2 challenge="$challenge"
t_is "the same challenge with another key: FAILURE" "$PKI_STATUS/$(last_rule)" 2/claim
failure_size=$SIZE

for digest in SHA384 SHA512; do
	ask "k-$digest" challenge="$(mint students login=uma)" digest=$digest cipher=AES-256-CBC
	t_like "$digest and AES-256 are mirrored" "$RESULT" "status=0.*digest=$digest.*signature=rsaEncryption.*cipher=AES-256-CBC"
done
ask k-ber challenge="$(mint students login=uma)" quirks=1
t_is "BER with indefinite lengths, as Apple sends" "$PKI_STATUS" 0
ask k-oaep challenge="$(mint students login=uma)" quirks=2
t_is "RSAES-OAEP, as some Windows machines send" "$PKI_STATUS" 0
ask k-others challenge="$(mint students login=uma)" quirks=0x20000
t_is "encrypted to others too, as scepclient does" "$PKI_STATUS" 0
ask k-keyid challenge="$(mint students login=uma)" quirks=0x1000
t_is "recipient by key identifier" "$PKI_STATUS" 0

# --- GET -------------------------------------------------------------------------------------------------

get() { # the message as it stands in the URL
	STATUS=$(curl -s -o reply.der -w '%{http_code}' "$url?operation=PKIOperation&message=$1")
	rm -f cert.der
	read_reply k1
}
b64=$("$tool" base64 good.der)
enc=${b64//+/%2B} enc=${enc//\//%2F} enc=${enc//=/%3D}
get "$enc" && t_ok "GET, percent-encoded" cmp cert.der first.der
get "$b64" && t_ok "GET, raw + and / and =" cmp cert.der first.der
get "${b64//+/%20}" && t_ok "GET, + turned into blanks" cmp cert.der first.der
wrapped=$(fold -w 64 <<<"$b64" | sed 's/+/%2B/g; s/$/%0A/' | tr -d '\n')
get "$wrapped" && t_ok "GET, in lines of 64 with %0A" cmp cert.der first.der
get "$(tr '+/' '-_' <<<"${b64}")" && t_ok "GET, URL-safe alphabet" cmp cert.der first.der
unpadded=${enc//%3D/}
get "$unpadded" && t_ok "GET, without padding" cmp cert.der first.der
get "abc*def"
t_is "GET, no base64: 400" "$STATUS" 400
t_is "GET without message: 400" "$(curl -s -o /dev/null -w '%{http_code}' "$url?operation=PKIOperation")" 400

# --- HTTP refusals -----------------------------------------------------------------------------------------

code() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
t_is "unknown profile: 404" "$(code "$SCEP_URL/scep/nobody?operation=GetCACaps")" 404
t_is "unknown path: 404" "$(code "$SCEP_URL/other")" 404
t_is "path that climbs: 404" "$(code --path-as-is "$SCEP_URL/scep/../scep/students?operation=GetCACaps")" 404
t_is "unknown operation: 400" "$(code "$url?operation=GetEverything")" 400
t_is "no operation: 400" "$(code "$url")" 400
t_is "POST to GetCACert: 405" "$(code --data x "$url?operation=GetCACert")" 405
t_is "PUT: 405" "$(code -X PUT --data x "$url?operation=PKIOperation")" 405
t_is "no CMS: 400" "$(code --data 'hello' "$url?operation=PKIOperation")" 400
t_is "empty body: 400" "$(code -X POST "$url?operation=PKIOperation")" 400
head -c 70000 /dev/zero >big
t_is "oversized: 413" "$(code --data-binary @big "$url?operation=PKIOperation")" 413
head -c 1000 good.der >cut.der
t_is "truncated: 400" "$(code --data-binary @cut.der "$url?operation=PKIOperation")" 400
cp good.der bent.der
t_flip bent.der $(($(stat -c %s bent.der) - 100))
t_is "wrong outer signature: 400" "$(code --data-binary @bent.der "$url?operation=PKIOperation")" 400
for type in 'application/octet-stream' 'application/x-www-form-urlencoded' 'text/html' ''; do
	post good.der "$url" -H "Content-Type: $type" && rm -f cert.der && read_reply k1
	t_ok "POST of content type '$type' is taken" cmp cert.der first.der
done

# --- refusals behind the signature: one and the same FAILURE ----------------------------------------------------

# refused TEXT RULE KEY NAME=VALUE...
refused() {
	local text=$1 rule=$2
	shift 2
	ask "$@"
	t_is "$text: FAILURE ($rule)" "$STATUS $PKI_STATUS $(last_rule)" "200 2 $rule"
	t_like "$text: badRequest, nothing more" "$RESULT" 'fail=2.*certs=0.*nonce=echoed'
	t_is "$text: reply of the same size as any other" "$SIZE" "$failure_size"
}
good=$(mint students login=victor)
refused "wrong challenge" unknown_challenge k3 challenge=0123456789ABCDEF0123456789ABCDEF
refused "no challenge" no_challenge k3
refused "challenge of another profile" profile k3 challenge="$(mint staff login=tina)"
expired=$(mint students login=victor expires=1)
sleep 1.1
# inside the replay window only the claim can tell a used ticket from an expired one
refused "expired challenge" claim k3 challenge="$expired"
refused "ticket with a forged MAC" mac k3 challenge="$(mint students login=victor forge=1)"
refused "lifetime beyond the profile" limits k3 challenge="$(mint students login=victor lifetime=40000000)"
refused "junk in the envelope" csr k3 content="$CA_LOG"
ra_good=$ra ra=$SCEPAUTH_DIR/ca/staff/ra.pem
"$tool" request "$ra" k3 request.der challenge="$good"
ra=$ra_good
post request.der && read_reply k3
t_is "encrypted to another RA: FAILURE" "$PKI_STATUS $(last_rule) $SIZE" "2 decrypt $failure_size"
openssl genrsa -out other.key 2048 2>/dev/null
refused "another key in the CSR" key_mismatch k3 challenge="$good" csr-key=other.key
openssl genrsa -out small.key 1024 2>/dev/null
refused "a small key" key k3 challenge="$good" csr-key=small.key
refused "3DES where it is not allowed" cipher k3 challenge="$good" cipher=DES-EDE3-CBC
refused "SHA-1 where it is not allowed" digest k3 challenge="$good" digest=SHA1
refused "CAMELLIA" cipher k3 challenge="$good" cipher=CAMELLIA-128-CBC
refused "AuthEnvelopedData" envelope k3 challenge="$good" quirks=8
refused "named twice as recipient" decrypt k3 challenge="$good" quirks=4
refused "five recipients" envelope k3 challenge="$good" quirks=0x10000
for type in 17 18 20 21 22 3 0 99; do
	refused "messageType $type" message_type k3 challenge="$good" type=$type
done
ask k-ec challenge="$good" bits=0
t_is "EC signer: FAILURE" "$PKI_STATUS $(last_rule)" "2 ec_signer"
ask k3 challenge="$good" digest=MD5
t_is "MD5: not even a reply" "$STATUS" 400
ask k3 challenge="$good"
t_is "after all that the good challenge still works" "$PKI_STATUS" 0

doomed=$(mint students login=doris)
t_like "helpdesk revokes a person" "$(REDISCLI_AUTH=$HELPDESK_PASSWORD redis-cli -s "$REDIS_SOCKET" --user "$HELPDESK_NAME" \
	FCALL revoke_user 0 doris test 2>&1)" 'revoked'
refused "challenge of a revoked person" claim k4 challenge="$doomed"
t_not "no ticket for a held person" mint students login=doris

txn_hash=$(printf STORY | sha256sum | cut -d' ' -f1)
ask k4 challenge=WRONG txn=STORY
t_like "the story of an enrolment is there for the helpdesk" "$(redis_as installer HVALS "enrol:$txn_hash")" \
	'front ticket unknown_challenge'
t_like "and in the audit trail" "$(grep '"event":"enrol_refused"' "$CA_LOG" | tail -n 1)" '"txn":"STORY".*"rule":"unknown_challenge"'

# --- old clients, where the profile welcomes them ---------------------------------------------------------------

url=$SCEP_URL/scep/staff ra=$SCEPAUTH_DIR/ca/staff/ra.pem
ask k5 challenge="$(mint staff login=tina)" cipher=DES-EDE3-CBC digest=SHA1 txn=OLD
t_like "3DES and SHA-1, mirrored" "$RESULT" 'status=0.*digest=SHA1.*signature=rsaEncryption.*cipher=DES-EDE3-CBC'
url=$SCEP_URL/scep/students ra=$ra_good

# --- many at once ------------------------------------------------------------------------------------------------

challenge=$(mint students login=wendy)
for i in 1 2 3 4 5 6 7 8; do
	"$tool" request "$ra" "race$i" "race$i.der" challenge="$challenge" txn="RACE$i"
done
race() { # FILE...: all at once; replies go to FILE.reply
	local f pids=()
	for f in "$@"; do
		curl -s -o "$f.reply" --data-binary "@${f%%:*}" "$url?operation=PKIOperation" &
		pids+=($!)
	done
	wait "${pids[@]}"
}
race race{1..8}.der
won=0 lost=0
for i in 1 2 3 4 5 6 7 8; do
	case $("$tool" reply "$ra" "race$i" "race$i.der.reply" "race$i.cert" | sed -n 's/^status=//p') in
	0) ((++won)) && winner=$i ;;
	2) ((++lost)) ;;
	esac
done
t_is "eight keys race for one challenge: one wins, the others get FAILURE" "$won $lost" "1 7"
person=$(redis_as installer HGET "cert:$(serial_of "race$winner.cert")" user)
t_is "and the ledger has one certificate of this person" "$(redis_as installer ZCARD "ucerts:$person")" 1

challenge=$(mint students login=xaver)
"$tool" request "$ra" twin twin.der challenge="$challenge"
race twin.der:{1..8}
for i in 1 2 3 4 5 6 7 8; do
	"$tool" reply "$ra" twin "twin.der:$i.reply" "twin.$i" >/dev/null
	serial_of "twin.$i"
done >serials
t_is "the same message eight times at once: one certificate for all" "$(wc -l <serials) $(sort -u serials | wc -l)" "8 1"

# --- without Redis -----------------------------------------------------------------------------------------------

t_is "healthy" "$(code "$SCEP_URL/healthz")" 200
challenge=$(mint students login=yann)
t_stop redis >/dev/null 2>&1
t_is "without Redis: not healthy" "$(code "$SCEP_URL/healthz")" 503
ask k6 challenge="$challenge"
t_is "without Redis a good request gets 503" "$STATUS" 503
t_like "with Retry-After" "$(curl -s -D - -o /dev/null --data-binary @request.der "$url?operation=PKIOperation")" 'Retry-After: [0-9]'
ask k6 challenge="$challenge" content="$CA_LOG"
t_is "and so does one that does not open" "$STATUS" 503
t_is "CA certificates are served all the same" "$(code "$url?operation=GetCACert")" 200
t_start redis
t_ok "healthy again" t_wait 5 eval '[[ $(code "$SCEP_URL/healthz") == 200 ]]'
ask k6 challenge="$challenge"
t_is "and the challenge was not lost" "$PKI_STATUS" 0

# --- floods ------------------------------------------------------------------------------------------------------

"$tool" request "$ra" k7 flood.der challenge=WRONG
flood() {
	local i
	for i in {1..60}; do
		printf 'url="%s?operation=PKIOperation"\ninterface=127.0.0.9\ndata-binary=@flood.der\noutput=/dev/null\nwrite-out="%%{http_code}\\n"\nnext\n' "$url"
	done | sed '$d' >flood.curl
	for i in 1 2 3 4 5 6; do curl -s -K flood.curl; done
}
flood >flood.codes
t_ok "a flood of bad requests is turned away with 503" grep -q 503 flood.codes
t_ok "after a fair number of replies" test "$(grep -c 200 flood.codes)" -ge 200
ask k7 challenge="$(mint students login=zoe)"
t_is "while others are served" "$PKI_STATUS" 0

# --- secrets -----------------------------------------------------------------------------------------------------

t_not "no challenge in the log" grep -qE "$challenge|$good|$doomed" "$CA_LOG"
t_not "no challenge in Redis" grep -rqaE "$challenge|$good|$doomed" "$SCEPAUTH_DIR/redis/data"

# --- starting and ending -----------------------------------------------------------------------------------------

ca=$SCEPAUTH_BIN/scep_ca
t_ok "-t: the configuration is good" "$ca" -t -c "$SCEPAUTH_CONF"
out=$("$ca" -c "$SCEPAUTH_CONF" 2>&1)
t_is "port in use: exit 1" "$?" 1
t_like "and says so" "$out" 'in use'
# broken TEXT WANT_REGEX SED_SCRIPT: a configuration changed so is refused with exit 2
broken() {
	sed "$3" "$SCEPAUTH_CONF" >"$SCEPAUTH_DIR/broken.conf"
	out=$("$ca" -t -c "$SCEPAUTH_DIR/broken.conf" 2>&1)
	t_is "$1: exit 2" "$?" 2
	t_like "$1: says what is wrong" "$out" "$2"
}
broken "unknown key" 'broken\.conf:[0-9]+.*nonsense' '/^profile "students"/a\	nonsense = 1'
broken "key of another certificate" 'is not the key of' 's|ca/students/ra.key|ca/staff/ra.key|'
broken "RA of another CA" 'not signed by the issuing CA' 's|ca/students/ra|ca/staff/ra|'
broken "a leaf as issuer" 'not a CA' 's|ca/students/issuing.pem|ca/students/ra.pem|; s|ca/students/issuing.key|ca/students/ra.key|'
broken "ca-shape" 'ca-shape: must be' '/^profile "students"/a\	ca-shape = "round"'
chmod 640 "$SCEPAUTH_DIR/ca/students/issuing.key"
broken "key that others may read" 'chmod|0600|600' ''
chmod 600 "$SCEPAUTH_DIR/ca/students/issuing.key"
head -c 31 "$SCEPAUTH_DIR/secrets/seal.key" >"$SCEPAUTH_DIR/secrets/short.key"
chmod 600 "$SCEPAUTH_DIR/secrets/short.key"
broken "short seal key" 'exactly 32 bytes' 's|^scep {|scep {\n	seal-key = "secrets/short.key"|'
pid=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/ca.pid")
t_is "all threads are confined" "$(grep -h '^Seccomp:' /proc/"$pid"/task/*/status | sort -u | tr -d '\t')" "Seccomp:2"
t_stop ca
t_like "SIGTERM ends it in good order" "$(grep '"event":"stopped"' "$CA_LOG")" '"program":"scep_ca"'
t_stop redis
sed -i 's|^	listen = "127.0.0.1:[0-9]*"|	listen = "127.0.0.1:0"|' "$SCEPAUTH_CONF"
"$ca" -c "$SCEPAUTH_CONF" >alone.log 2>&1 &
pid=$!
t_ok "starts without Redis" t_wait 10 grep -q 'ready 127.0.0.1:[1-9]' alone.log
t_like "and says so" "$(cat alone.log)" 'Redis is not available'
kill -TERM "$pid"
wait "$pid"
t_is "SIGTERM: exit 0" "$?" 0
t_done
