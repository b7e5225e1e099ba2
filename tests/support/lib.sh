# shellcheck shell=bash
# shellcheck disable=SC2034,SC2153 # variables are for, or from, the scripts around
# lib.sh: sourced by the end-to-end tests. Prints TAP.
#
#   . "$(dirname "$0")/../support/lib.sh"
#   t_instance redis ca            an instance in $T_DIR, these services started, its env sourced
#   t_ok "text" command...         passes when the command succeeds
#   t_not "text" command...        passes when it fails by itself (not by a signal or for being missing)
#   t_is "text" "$got" "$want"     t_like "text" "$got" regex     t_unlike "text" "$got" regex
#   t_skip "text" "reason"         t_done
#
# At exit what t_instance and t_defer named is cleaned up; a script that ends before t_done bails out.
# T_KEEP=1 keeps the folder.

T_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export SCEPAUTH_BIN=${SCEPAUTH_BIN:-$T_TOP/build/std/bin}
export SCEPAUTH_SHARE=$T_TOP
export LC_ALL=C.UTF-8
T_DIR=$(mktemp -d "${TMPDIR:-/tmp}/scepauth-test.XXXXXX")
t_count=0 t_failed=0 t_finished=0
t_deferred=()

t_note() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

t_pass() {
	((++t_count))
	echo "ok $t_count - $1"
}

t_fail() { # TEXT [WHY]
	((++t_count, ++t_failed))
	echo "not ok $t_count - $1"
	[[ -z ${2-} ]] || t_note "$2"
	return 1
}

t_skip() {
	((++t_count))
	echo "ok $t_count - $1 # SKIP $2"
}

t_ok() {
	local text=$1 out rc
	shift
	out=$("$@" 2>&1) && rc=0 || rc=$?
	if ((rc == 0)); then t_pass "$text"; else t_fail "$text" "$* -> exit status $rc"$'\n'"$out"; fi
}

t_not() {
	local text=$1 out rc
	shift
	out=$("$@" 2>&1) && rc=0 || rc=$?
	if ((rc > 0 && rc < 126)); then t_pass "$text"; else t_fail "$text" "$* -> exit status $rc"$'\n'"$out"; fi
}

t_is() {
	if [[ $2 == "$3" ]]; then t_pass "$1"; else t_fail "$1" "got:  $2"$'\n'"want: $3"; fi
}

t_like() {
	if [[ $2 =~ $3 ]]; then t_pass "$1"; else t_fail "$1" "got:  $2"$'\n'"want: $3"; fi
}

t_unlike() {
	if [[ ! $2 =~ $3 ]]; then t_pass "$1"; else t_fail "$1" "got:  $2"$'\n'"does not want: $3"; fi
}

# t_wait SECONDS COMMAND...: until it succeeds; fails when it has not by then.
t_wait() {
	local until=$((SECONDS + $1))
	shift
	while ! "$@" >/dev/null 2>&1; do
		((SECONDS < until)) || return 1
		sleep 0.05
	done
}

t_bail() {
	echo "Bail out! $*"
	exit 1
}

t_defer() { # COMMAND as one string, run at exit, last first
	t_deferred=("$1" "${t_deferred[@]}")
}

t_exit() {
	local rc=$? command
	trap - EXIT
	((t_finished)) || { echo "Bail out! ended before t_done (exit status $rc)" && rc=1; }
	for command in "${t_deferred[@]}"; do eval "$command"; done
	if [[ ${T_KEEP-} == 1 ]]; then t_note "kept $T_DIR"; else rm -rf "$T_DIR"; fi
	exit "$rc"
}
trap t_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

t_done() {
	echo "1..$t_count"
	t_finished=1
	exit $((t_failed > 0))
}

# t_instance [SERVICE ...]: without names all of them. Options of `scepctl init` go into T_INIT (an array).
t_instance() {
	local dir=$T_DIR/i instance=$T_TOP/packaging/instance.sh
	"$instance" make "$dir" --fast -- "${T_INIT[@]}" >"$T_DIR/make.log" 2>&1 || {
		t_note "$(cat "$T_DIR/make.log")"
		t_bail "no instance"
	}
	t_defer "'$instance' stop '$dir'"
	# shellcheck disable=SC1091
	. "$dir/env"
	t_start "$@"
}

t_start() { # SERVICE ...: of the instance
	"$T_TOP/packaging/instance.sh" start "$SCEPAUTH_DIR" "$@" >"$T_DIR/start.log" 2>&1 || {
		t_note "$(cat "$T_DIR/start.log")"
		t_bail "could not start $*"
	}
}

t_stop() { # SERVICE ...
	"$T_TOP/packaging/instance.sh" stop "$SCEPAUTH_DIR" "$@"
}

T_INIT=()

# --- Redis -------------------------------------------------------------------------------------

redis_as() { # USER COMMAND...: as an ACL user of the instance
	local user=$1
	shift
	REDISCLI_AUTH=$(cat "$SCEPAUTH_DIR/secrets/redis-$user") \
		redis-cli -s "$REDIS_SOCKET" --user "$user" "$@"
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
	EAP_VLAN=$(eapol_attr "Attribute 81 ")
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
