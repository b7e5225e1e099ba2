#!/usr/bin/env bash
# demo.sh: the whole story on this machine, in a temporary folder, on free loopback ports. Every step
# shows the commands it ran, what they said, and whether that is what had to happen. `make demo` runs it.
# Exit status 0 only when every step was OK. DEMO_KEEP=1 leaves the folder.
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export SCEPAUTH_BIN=${SCEPAUTH_BIN:-$top/build/std/bin} LC_ALL=C.UTF-8
folder=$(mktemp -d "${TMPDIR:-/tmp}/scepauth-demo.XXXXXX")
campus=$folder/campus
cd "$folder" || exit 1
# shellcheck source=tests/support/device.sh
. "$top/tests/support/device.sh"

if [[ -t 1 ]]; then
	bold=$'\e[1m' dim=$'\e[2m' red=$'\e[1;31m' green=$'\e[1;32m' plain=$'\e[0m'
else
	bold='' dim='' red='' green='' plain=''
fi

finish() {
	local rc=$?
	trap - EXIT
	"$top/packaging/instance.sh" stop "$campus" >/dev/null 2>&1 || true
	if [[ ${DEMO_KEEP-} == 1 ]]; then echo "kept: $folder"; else rm -rf "$folder"; fi
	exit "$rc"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- telling the story -------------------------------------------------------------------------

titles=() verdicts=() times=()

say() {
	printf '     %s\n' "$*"
}

# What a command printed, indented, cut to the terminal; at most $1 lines.
shown() {
	local max=$1
	awk -v max="$max" -v dim="$dim" -v plain="$plain" '
		length($0) > 150 { $0 = substr($0, 1, 147) "..." }
		NR <= max { print "       " dim $0 plain }
		END { if (NR > max) print "       " dim "... " NR - max " more lines" plain }'
}

# A word as one would type it.
typed() {
	local word
	for word in "$@"; do
		if [[ $word =~ ^[A-Za-z0-9_./:=,@%+-]+$ ]]; then printf '%s ' "$word"; else printf '%s ' "'${word//\'/\'\\\'\'}'"; fi
	done
}

# cmd COMMAND...: shows and runs it; its output is shown (MAX lines) and left in OUT, its status returned.
MAX=12
cmd() {
	local rc
	printf '     $ %s\n' "$(typed "$@" | sed "s|$top/||g")"
	OUT=$("$@" 2>&1) && rc=0 || rc=$?
	# openssl draws dots; strongSwan on a machine without a TPM service says so each time
	OUT=$(grep -vE "^[.+*-]{5,}|^(TPM 2.0 - could not load|plugin 'tpm': failed to load)" <<<"$OUT")
	[[ -z $OUT ]] || shown "$MAX" <<<"$OUT"
	return $rc
}

# need TEXT COMMAND...: what makes a step OK.
need() {
	local text=$1
	shift
	if "$@" >"$folder/need.out" 2>&1; then
		say "${green}✓${plain} $text"
	else
		say "${red}✗ $text${plain}"
		shown 6 <"$folder/need.out"
		step_ok=0
	fi
}

is() { [[ $1 == "$2" ]]; }
has() { [[ $1 == *"$2"* ]]; }
not() { ! "$@"; }

step() { # TITLE FUNCTION
	local began=$EPOCHREALTIME took
	step_ok=1
	printf '\n%s%2d. %s%s\n' "$bold" $((${#titles[@]} + 1)) "$1" "$plain"
	"$2"
	took=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }')
	titles+=("$1") times+=("$took")
	if ((step_ok)); then
		verdicts+=(OK)
		say "${green}OK${plain}  $took s"
	else
		verdicts+=(FAIL)
		say "${red}FAIL${plain}  $took s"
		for log in "$campus"/log/{ca,portal,leavers,radius}.log; do
			[[ -s $log ]] || continue
			say "the end of ${log#"$folder"/}:"
			tail -n 8 "$log" | shown 8
		done
	fi
}

# --- the steps ---------------------------------------------------------------------------------

step_make() {
	say "scepctl init makes keys, certificates, configuration; install loads the rules into Redis"
	cmd "$top/packaging/instance.sh" make "$campus"
	need "the instance is made" test -f "$campus/env"
	need "and complete" "$SCEPAUTH_BIN/scepctl" init "$campus" --check
	[[ -f $campus/env ]] || return
	# shellcheck disable=SC1091
	. "$campus/env"
	for profile in students staff; do
		cmd openssl x509 -in "campus/ca/$profile/issuing.pem" -noout -subject -issuer
	done
	MAX=40 cmd find campus -maxdepth 2 -path '*/raddb/*' -prune -o -type f -print
}

step_start() {
	cmd "$top/packaging/instance.sh" start campus
	cmd "$top/packaging/instance.sh" status campus
	need "Redis, CA, portal, leavers' watch, the one who ends sessions, and FreeRADIUS run" is "$(grep -c ' runs, ' <<<"$OUT")" 6
	say "SCEP $SCEP_URL   portal $PORTAL_URL   RADIUS $RADIUS_HOST:$RADIUS_PORT"
}

step_login() {
	say "\$ curl --cacert campus/ca/root/root.pem $PORTAL_URL/login   (form: login=$STUDENT_LOGIN, password, csrf token)"
	need "a wrong password gets nowhere" not portal_login wrong.jar "$STUDENT_LOGIN" "not-$STUDENT_PASSWORD"
	need "$STUDENT_LOGIN is logged in" portal_login sam.jar "$STUDENT_LOGIN" "$STUDENT_PASSWORD"
	say "\$ curl ... $PORTAL_URL/devices/new   (form: name=Sam's laptop, platform=linux)"
	need "the device is added and a one-time code shown" portal_add_device sam.jar "Sam's laptop" linux
	student_code=$CHALLENGE
	{ html_id commands <<<"$PORTAL_PAGE" && echo && html_id commands-2 <<<"$PORTAL_PAGE" && echo; } >enrol-sam.sh
	need "the page gives the commands for a Linux device" test -s enrol-sam.sh
	say "one-time code $student_code; the commands on the page:"
	shown 16 <enrol-sam.sh
}

step_enrol_student() {
	mkdir -p sam
	say "\$ sh enrol-sam.sh   (the page's own commands, unchanged; the code typed in)"
	OUT=$(HOME=$folder/sam XDG_CONFIG_HOME=$folder/sam/.config sh enrol-sam.sh <<<"$student_code" 2>&1)
	grep -vE "^(TPM 2.0 - could not load|plugin 'tpm': failed to load)" <<<"$OUT" | shown 8
	sam=$(find sam -name cert.pem | head -n 1)
	sam=${sam%/cert.pem}
	need "strongSwan's pki got a certificate" test -s "$sam/cert.pem"
	cmd openssl x509 -in "$sam/cert.pem" -noout -subject -issuer -serial -enddate -ext subjectAltName,extendedKeyUsage
	sam_serial=$(cert_serial "$sam/cert.pem")
	need "it was issued by the students' CA" openssl verify -CAfile "$ROOT_CERT" -untrusted "campus/ca/students/issuing.pem" \
		-purpose sslclient "$sam/cert.pem"
}

helpdesk() { # COMMAND...: as the helpdesk person does it, shown as typed
	printf '     $ redis-cli -s campus/run/redis.sock --user %s %s\n' "$HELPDESK_NAME" "$(typed "$@")"
	OUT=$(redis_as "$HELPDESK_NAME" "$@" 2>&1)
	shown "$MAX" <<<"$OUT"
}

step_record() {
	MAX=30 helpdesk HGETALL "cert:$sam_serial"
	need "the record is active" has "$OUT" active
	MAX=30 helpdesk FCALL_RO why 0 "$STUDENT_LOGIN"
	need "and 'why' finds it by the person's login" has "$OUT" "$sam_serial"
}

# connect NAME FOLDER: eapol_test, shown with what decides.
connect() {
	eapol_conf "$1.conf" "$PWD/$2/cert.pem" "$PWD/$2/key.pem"
	log_before=$(wc -l <"$RADIUS_LOG")
	printf '     $ eapol_test -c %s -a %s -p %s -s SECRET\n' "$1.conf" "$RADIUS_HOST" "$RADIUS_PORT"
	eapol_run "$1.conf"
	grep -E '^RADIUS message: code=[23]|^(SUCCESS|FAILURE)$' <<<"$EAP_OUT" | shown 4
	[[ $EAP_RESULT != accept ]] ||
		shown 4 <<<"VLAN (Tunnel-Private-Group-Id) $EAP_VLAN, Session-Timeout $EAP_SESSION_TIMEOUT s, User-Name $EAP_USER"
	LOGGED=$(tail -n "+$((log_before + 1))" "$RADIUS_LOG" | grep scepauth)
	[[ $EAP_RESULT == accept ]] || { say "FreeRADIUS says:" && shown 4 <<<"$LOGGED"; }
}

step_connect_student() {
	connect sam "$sam"
	need "accepted" is "$EAP_RESULT" accept
	need "in the students' VLAN 30" is "$EAP_VLAN" 30
}

step_staff() {
	need "$STAFF_LOGIN logs in and adds a device" eval \
		'portal_login tina.jar "$STAFF_LOGIN" "$STAFF_PASSWORD" && portal_add_device tina.jar "Tina PC" other'
	say "(it signs with SHA-1 and encrypts with single DES whatever the server says: the staff profile of this campus allows both)"
	mkdir -p tina
	cmd scepclient -server-url "$SCEP_URL/scep/staff" -challenge "$CHALLENGE" -private-key tina/key.pem \
		-certificate tina/cert.pem -cn anything -organization "Not decided by the request"
	need "scepclient got a certificate" test -s tina/cert.pem
	cmd openssl x509 -in tina/cert.pem -noout -subject -issuer
	need "its subject is the ticket's, not the request's" eval 'has "$OUT" "subject=" && not has "$OUT" "Not decided"'
	tina_serial=$(cert_serial tina/cert.pem)
	connect tina tina
	need "accepted" is "$EAP_RESULT" accept
	need "in the staff VLAN 20" is "$EAP_VLAN" 20
}

step_code_twice() {
	say "somebody else holds $STUDENT_LOGIN's code, and a key of his own"
	mkdir -p thief
	printf '     $ pki --gen --type rsa --size 2048 > thief/key.pem; pki --scep --url %s/scep/students --password %s ...\n' \
		"$SCEP_URL" "$student_code"
	OUT=$(scep_enrol thief students "$student_code" thief 2>&1)
	grep -vE "^(TPM 2.0|plugin 'tpm')" <<<"$OUT" | shown 6
	need "refused: no certificate" not test -s thief/cert.pem
	helpdesk ZCARD "ucerts:$(redis_as "$HELPDESK_NAME" HGET "cert:$sam_serial" user)"
	need "the ledger still has one certificate for $STUDENT_LOGIN" is "$OUT" 1
}

step_not_in_ledger() {
	say "somebody stole the issuing key itself and makes a perfect certificate for $STUDENT_LOGIN"
	mkdir -p forged
	printf '%s\n' 'basicConstraints=CA:FALSE' 'keyUsage=critical,digitalSignature' 'extendedKeyUsage=clientAuth' \
		'authorityKeyIdentifier=keyid' >forged/ext
	cmd openssl req -new -newkey rsa:2048 -nodes -keyout forged/key.pem -subj "/CN=$STUDENT_LOGIN" -out forged/req.pem
	cmd openssl x509 -req -in forged/req.pem -CA campus/ca/students/issuing.pem -CAkey campus/ca/students/issuing.key \
		-set_serial 0x5a11c0ffee5a11c0ffee5a11c0ffee01 -days 30 -extfile forged/ext -out forged/cert.pem
	need "the chain is valid" openssl verify -CAfile "$ROOT_CERT" -untrusted campus/ca/students/issuing.pem \
		-purpose sslclient forged/cert.pem
	connect forged forged
	need "rejected" is "$EAP_RESULT" reject
	need "because it is not in the ledger: unknown_cert" has "$LOGGED" unknown_cert
}

step_helpdesk() {
	say "$STUDENT_LOGIN calls: the laptop was stolen"
	helpdesk FCALL revoke_user 0 "$STUDENT_LOGIN" stolen-laptop
	connect sam "$sam"
	need "the next connection is rejected" is "$EAP_RESULT" reject
	need "with the reason" eval '[[ $LOGGED =~ (cert_revoked|revoked|user_held|held) ]]'
	MAX=30 helpdesk FCALL_RO why 0 "$sam_serial"
	need "'why' names who did it, and why" eval 'has "$OUT" "$HELPDESK_NAME" && has "$OUT" stolen-laptop'
}

step_leaver() {
	say "$STAFF_LOGIN is no longer in the directory's export"
	printf '     $ sed -i /^%s,/d campus/leavers/directory.csv\n' "$STAFF_LOGIN"
	grep -v "^$STAFF_LOGIN," campus/leavers/directory.csv >directory.new
	mv directory.new campus/leavers/directory.csv
	local until=$((SECONDS + 30)) gone=0
	while ((SECONDS < until)); do
		if [[ $(redis_as "$HELPDESK_NAME" HEXISTS revoked "$tina_serial" 2>/dev/null) == 1 ]]; then
			gone=1
			break
		fi
		sleep 0.2
	done
	need "auto_revoke saw it and revoked the certificate" is "$gone" 1
	tail -n 3 "$LEAVERS_LOG" | shown 3
	connect tina tina
	need "the next connection is rejected" is "$EAP_RESULT" reject
	MAX=30 helpdesk FCALL_RO why 0 "$tina_serial"
	need "'why' names auto_revoke" has "$OUT" auto_revoke
}

step_stop() {
	cmd "$top/packaging/instance.sh" stop campus
	cmd "$top/packaging/instance.sh" status campus
	need "nothing is left running" is "$(grep -c 'does not run' <<<"$OUT")" 6
}

summary() {
	local i failed=0 total
	printf '\n%s    what happened%*sresult   time%s\n' "$bold" 53 '' "$plain"
	for i in "${!titles[@]}"; do
		local colour=$green
		[[ ${verdicts[$i]} == OK ]] || { colour=$red && ((++failed)); }
		printf '%2d. %-66s %s%-4s%s %6s s\n' $((i + 1)) "${titles[$i]}" "$colour" "${verdicts[$i]}" "$plain" "${times[$i]}"
	done
	total=$(printf '%s\n' "${times[@]}" | awk '{ t += $1 } END { printf "%.1f", t }')
	if ((failed)); then
		printf '\n%s%d of %d steps FAILED%s (%s s)\n' "$red" "$failed" "${#titles[@]}" "$plain" "$total"
		return 1
	fi
	printf '\n%sall %d steps OK%s in %s s\n' "$green" "${#titles[@]}" "$plain" "$total"
}

printf '%sscepauth: from login to Access-Reject on real parts%s\n' "$bold" "$plain"
say "$(grep -oE '^PRETTY_NAME=.*' /etc/os-release | cut -d'"' -f2), $(openssl version | cut -d' ' -f1,2), $(redis-server --version | cut -d' ' -f1-3)," \
	"$(PATH=$PATH:/usr/sbin freeradius -v 2>/dev/null | grep -om1 'FreeRADIUS Version [0-9.]*')"
step "A campus from nothing: keys, certificates, configuration" step_make
if [[ ! -f $campus/env ]]; then
	summary
	exit 1
fi
step "Redis, CA, portal, leavers' watch and FreeRADIUS start" step_start
step "A student logs in on the portal and adds a laptop" step_login
step "The laptop enrols with strongSwan" step_enrol_student
step "The certificate stands in the ledger" step_record
step "The laptop connects: students' VLAN" step_connect_student
step "A staff member enrols with scepclient and connects: staff VLAN" step_staff
step "A one-time code used again with another key is refused" step_code_twice
step "A good certificate that is not in the ledger is refused" step_not_in_ledger
step "Helpdesk revokes the student with redis-cli" step_helpdesk
step "The staff member leaves the university" step_leaver
step "Everything ends" step_stop
summary
