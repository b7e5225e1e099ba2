#!/usr/bin/env bash
# The life of the CA's own certificates: until when each holds, told in time; what an end means for leaves.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis ca
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
[[ -x $tool ]] || t_bail "no $tool: make units"
ctl() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" "$@"; }
code() {
	"$@" >/dev/null 2>&1
	echo $?
}
w=$T_DIR/w i=$SCEPAUTH_DIR
mkdir -p "$w"
cd "$w" || exit 1
enrol() { scep_enrol "$w/$1" "$2" "$("$tool" mint "$SCEPAUTH_CONF" "$2" login="$1" lifetime=31536000)"; }

# --- status ------------------------------------------------------------------------------------------------

t_is "a fresh instance is good: exit status 0" "$(code ctl ca status)" 0
ctl ca status --json >status.json
t_is "all its certificates are named" "$(jq -r '[.certificates[].name] | join(", ")' status.json)" \
	"root, CA staff, RA staff, OCSP staff, CA students, RA students, OCSP students, portal, RADIUS"
while IFS=$'\t' read -r name file serial key bits to; do
	t_is "$name: what openssl says too" "$serial $key $bits $to" \
		"$(cert_serial "$file") RSA $(openssl x509 -in "$file" -noout -text | sed -n 's/.*Public-Key: (\([0-9]*\) bit).*/\1/p') $(
			date -u -d "$(openssl x509 -in "$file" -noout -enddate | cut -d= -f2)" +%Y-%m-%dT%H:%M:%SZ)"
done < <(jq -r '.certificates[] | [.name, .file, .serial, .key, .bits, .not_after] | @tsv' status.json)
t_is "every chain holds" "$(jq -r '[.certificates[].chain] | unique | join(",")' status.json)" good
t_like "as text" "$(ctl ca status)" 'RA students +good, 79[89] days left.*CN ?= ?Example University students SCEP RA, RSA 2048, serial'
t_unlike "nothing is told of while all is good" "$(cat "$CA_LOG")" cert_expiring

ra_ext=$'keyUsage=critical,digitalSignature,keyEncipherment\nbasicConstraints=critical,CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid'
ca_ext=$'keyUsage=critical,keyCertSign,cRLSign\nbasicConstraints=critical,CA:TRUE,pathlen:0\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid'
over=(-days -1) # OpenSSL 3.0 takes that, 3.5 has an option for it
openssl x509 -help 2>&1 | grep -q -- -not_after && over=(-not_before 20200101000000Z -not_after 20200201000000Z)
anew() { # CERT KEY CA CAKEY EXTENSIONS OPTION...: the certificate again, with other dates; keeps what follows it
	local cert=$1 key=$2 ca=$3 ca_key=$4 ext=$5
	shift 5
	awk '/BEGIN/ { n++ } n > 1' "$cert" >rest.pem
	openssl x509 -x509toreq -in "$cert" -signkey "$key" -out x.csr 2>/dev/null || return 1
	openssl x509 -req -in x.csr -CA "$ca" -CAkey "$ca_key" -passin "file:$i/secrets/root-passphrase" -set_serial "0x4$(openssl rand -hex 15)1" \
		-extfile <(echo "$ext") -out x.pem "$@" 2>x.log || return 1
	cat x.pem rest.pem >"$cert"
}
ra_anew() { anew "$i/ca/students/ra.pem" "$i/ca/students/ra.key" "$i/ca/students/issuing.pem" "$i/ca/students/issuing.key" "$ra_ext" "$@"; }
ca_anew() { anew "$i/ca/students/issuing.pem" "$i/ca/students/issuing.key" "$i/ca/root/root.pem" "$i/ca/root/root.key" "$ca_ext" "$@"; }
level() { ctl ca status --json | jq -r --arg n "$1" '[.level, (.certificates[] | select(.name == $n) | .level, .state, .chain)] | join("/")'; }
cp -a "$i/ca" ca.good

ra_anew -days 29 || t_bail "no certificate"
t_is "29 days left: exit status 1" "$(code ctl ca status)" 1
t_is "a warning" "$(level "RA students")" 'warning/warning/ends soon/good'
t_like "check warns" "$(ctl check)" 'warning: ca/students/ra.pem: ends within 30 days'
t_is "status does not fail for it" "$(code ctl status)" 0
sed -i 's/^# expiry-warning = 30/expiry-warning = 28/' "$SCEPAUTH_CONF"
t_is "with expiry-warning = 28 it is good" "$(level "RA students")" 'good/good/good/good'
sed -i 's/^expiry-warning = 28/# expiry-warning = 30/' "$SCEPAUTH_CONF"
t_stop ca
t_start ca
t_ok "scep_ca tells of it at its start" t_wait 5 grep -q '"event":"cert_expiring".*"profile":"students","certificate":"RA".*"state":"ends soon"' "$CA_LOG"
t_like "in the log too" "$(cat "$CA_LOG")" 'the RA certificate of profile students ends at .*scepctl ca status'
ra_anew -days 6
t_is "6 days left: exit status 2" "$(code ctl ca status)" 2
t_is "critical" "$(level "RA students")" 'critical/critical/ends within days/good'
ra_anew "${over[@]}"
t_like "expired" "$(code ctl ca status) $(level "RA students")" '2 critical/critical/expired/'
cp -a ca.good/students/. "$i/ca/students/"
cp "$i/ca/staff/ra.pem" "$i/ca/students/ra.pem"
t_is "of another CA: its chain is broken" "$(level "RA students")" 'critical/critical/good/broken'
rm "$i/ca/students/ra.pem"
t_is "missing" "$(code ctl ca status) $(level "RA students")" '2 critical/critical/unreadable/broken'
cp -a ca.good/students/. "$i/ca/students/"
t_is "all good again" "$(code ctl ca status)" 0
t_is "no configuration: critical for whoever monitors" "$(code "$SCEPAUTH_BIN/scepctl" -c "$w/none" ca status)" 2
t_is "no verb is usage" "$(code ctl ca)" 2
t_is "help" "$(code ctl ca --help)" 0

# --- a leaf never outlives its issuer ------------------------------------------------------------------------

ca_anew -days 20 || t_bail "no certificate"
t_stop ca
t_start ca
t_ok "under a CA that ends in 20 days a device still enrols" enrol lena students
end() { date -d "$(openssl x509 -in "$1" -noout -enddate | cut -d= -f2)" +%s; }
t_is "and its certificate ends with it" "$(end lena/cert.pem)" "$(end "$i/ca/students/issuing.pem")"
t_is "the ledger knows that end" "$(redis_as installer HGET "cert:$(cert_serial lena/cert.pem)" not_after)" "$(end lena/cert.pem)"
ca_anew "${over[@]}"
t_stop ca
t_start ca
t_not "an expired CA issues nothing" enrol mona students
t_like "and says why" "$(cat "$CA_LOG")" 'the issuing CA has expired; see scepctl ca status'
t_ok "the other profile goes on" enrol nina staff

# --- docs/CA-LIFE.md ------------------------------------------------------------------------------------------

# Each of its commands is run by one of the tests ca_*: the same verb with the same options, in one line.
untested() {
	local line word run
	while read -r line; do
		run=$(cat "$T_TOP"/tests/e2e/ca_*.sh | grep -v '^#')
		for word in $line; do
			case $word in
			scepctl | ca | root.pem | root.key | *[A-Z]* | *.csr | *.pem) ;;
			*) run=$(grep -F -- "$word" <<<"$run") ;;
			esac
		done
		[[ -n $run ]] || echo "$line"
	done < <(sed -n 's/^    \(scepctl .*\)/\1/p' "$T_TOP/docs/CA-LIFE.md" | sed 's/ --root-passphrase-file FILE//; s/ --root root.pem --root-key root.key//')
}
t_ok "CA-LIFE.md has commands" test "$(grep -c '^    scepctl ' "$T_TOP/docs/CA-LIFE.md")" -ge 15
t_is "each is run by a test" "$(untested)" ""
t_done
