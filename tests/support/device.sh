# shellcheck shell=bash
# shellcheck disable=SC2034,SC2153 # variables are for, or from, the scripts around
# device.sh: what a device, its person and the helpdesk do against an instance, for the demo and the
# tests. Expects the variables of the instance's env file. Prints nothing of its own.

# --- Redis -------------------------------------------------------------------------------------

redis_as() { # USER COMMAND...: as an ACL user of the instance
	local user=$1
	shift
	REDISCLI_AUTH=$(cat "$SCEPAUTH_DIR/secrets/redis-$user") \
		redis-cli -s "$REDIS_SOCKET" --user "$user" "$@"
}

# --- the portal --------------------------------------------------------------------------------

# portal_curl JAR PATH [CURL_OPTION...]: leaves PORTAL_PAGE, PORTAL_STATUS and PORTAL_AT (where it ended).
portal_curl() {
	local jar=$1 path=$2 out
	shift 2
	out=$(curl -sS --max-time 20 --cacert "$ROOT_CERT" -b "$jar" -c "$jar" -L -w '\n%{http_code} %{url_effective}' \
		"$@" "$PORTAL_URL$path") || return 1
	PORTAL_PAGE=${out%$'\n'*}
	read -r PORTAL_STATUS PORTAL_AT <<<"${out##*$'\n'}"
	[[ $PORTAL_STATUS == 2* ]]
}

portal_csrf() {
	sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' <<<"$PORTAL_PAGE" | head -n 1
}

# portal_post JAR PATH FIELD=VALUE...: with the CSRF token of the page fetched last.
portal_post() {
	local jar=$1 path=$2 field args=(-H "Origin: $PORTAL_URL" --data-urlencode "csrf=$(portal_csrf)")
	shift 2
	for field in "$@"; do args+=(--data-urlencode "$field"); done
	portal_curl "$jar" "$path" "${args[@]}"
}

portal_login() { # JAR LOGIN PASSWORD
	portal_curl "$1" /login && portal_post "$1" /login "login=$2" "password=$3" && [[ $PORTAL_AT != */login ]]
}

# portal_add_device JAR NAME PLATFORM: leaves the set-up page and CHALLENGE.
portal_add_device() {
	portal_curl "$1" /devices/new && portal_post "$1" /devices/new "name=$2" "platform=$3" &&
		CHALLENGE=$(html_id challenge <<<"$PORTAL_PAGE") && [[ $CHALLENGE =~ ^[0-9A-F]{32}$ ]]
}

# html_id ID: the text of <code id="ID">...</code> on standard input.
html_id() {
	awk -v want="id=\"$1\"" '
		{ page = page $0 "\n" }
		END {
			i = index(page, want); if (!i) exit 1
			s = substr(page, i); s = substr(s, index(s, ">") + 1); s = substr(s, 1, index(s, "</code>") - 1)
			gsub(/&lt;/, "<", s); gsub(/&gt;/, ">", s); gsub(/&quot;/, "\"", s); gsub(/&#39;|&#x27;|&apos;/, "\047", s)
			gsub(/&amp;/, "\\&", s); printf "%s", s
		}'
}

# --- enrolling ---------------------------------------------------------------------------------

# scep_enrol DIR PROFILE CHALLENGE [CN] [BITS]: strongSwan; leaves key.pem, cert.pem, ca.pem, ra.pem in DIR.
scep_enrol() {
	local dir=$1 url=$SCEP_URL/scep/$2 challenge=$3 cn=${4:-device} bits=${5:-2048}
	mkdir -p "$dir"
	[[ -s $dir/key.pem ]] || pki --gen --type rsa --size "$bits" --outform pem >"$dir/key.pem" 2>/dev/null || return 1
	pki --scepca --url "$url" --caout "$dir/ca.pem" --raout "$dir/ra.pem" --outform pem --force \
		>"$dir/scepca.log" 2>&1 || { cat "$dir/scepca.log" && return 1; }
	pki --scep --url "$url" --in "$dir/key.pem" --dn "CN=$cn" --password "$challenge" \
		--cacert-enc "$dir/ra.pem" --cacert-sig "$dir/$(scep_issuer_file "$dir")" --cacert "$ROOT_CERT" \
		--outform pem >"$dir/cert.part" 2>"$dir/scep.log" || { cat "$dir/scep.log" && return 1; }
	mv "$dir/cert.part" "$dir/cert.pem"
}

# pki --scepca numbers the CA certificates when there are several: ca.pem is the root, ca-1.pem the issuer.
scep_issuer_file() {
	if [[ -s $1/ca-1.pem ]]; then echo ca-1.pem; else echo ca.pem; fi
}

cert_serial() { # FILE: as the ledger writes it
	openssl x509 -in "$1" -noout -serial | sed 's/serial=//' | tr 'A-F' 'a-f'
}

# --- connecting --------------------------------------------------------------------------------

# eapol_conf FILE CERT KEY [IDENTITY [PHASE1]]: a supplicant's configuration for EAP-TLS.
eapol_conf() {
	cat >"$1" <<CONF
network={
	ssid="campus"
	key_mgmt=WPA-EAP
	eap=TLS
	identity="${4:-anonymous}"
	ca_cert="$ROOT_CERT"
	client_cert="$2"
	private_key="$3"
	phase1="${5:-tls_disable_tlsv1_3=0}"
}
CONF
}

# eapol_run CONF [EAPOL_TEST_OPTION...]: one connection. 0 accepted, 1 rejected, 2 no answer. Leaves EAP_RESULT
# (accept, reject, none), EAP_VLAN, EAP_SESSION_TIMEOUT, EAP_USER, EAP_OUT (all of eapol_test's output).
eapol_run() {
	local conf=$1
	shift
	EAP_OUT=$(eapol_test -c "$conf" -a "$RADIUS_HOST" -p "$RADIUS_PORT" -s "$RADIUS_SECRET" -t 10 "$@" 2>&1)
	EAP_VLAN=$(eapol_text "Attribute 81 ")
	EAP_SESSION_TIMEOUT=$(eapol_attr "Attribute 27 ")
	EAP_USER=$(eapol_attr "Attribute 1 ")
	EAP_RESULT=none
	if [[ $EAP_OUT == *"code=2 (Access-Accept)"* && $EAP_OUT == *$'\nSUCCESS'* ]]; then
		EAP_RESULT=accept
		return 0
	elif [[ $EAP_OUT == *"code=3 (Access-Reject)"* ]]; then
		EAP_RESULT=reject
		return 1
	fi
	return 2
}

# The value of an attribute in the final answer: sent requests and challenges come before it.
eapol_attr() {
	awk -v name="$1" '
		/RADIUS message: code=/ { final = /code=2|code=3/; next }
		final && index($0, name) { want = 1; next }
		want && /Value:/ { sub(/.*Value: /, ""); gsub(/\047/, ""); print; exit }
		{ want = 0 }' <<<"$EAP_OUT"
}

# The same for an attribute that eapol_test shows as hex digits though it is text (VLAN, Class).
eapol_text() { # shellcheck disable=SC2001
	printf "%b" "$(eapol_attr "$1" | sed "s/../\\\\x&/g")"
}
