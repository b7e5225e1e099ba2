#!/usr/bin/env bash
# The RADIUS module on real parts: FreeRADIUS, Redis with its users and Functions, eapol_test.
# Certificates come from the instance's issuing CAs by hand, so that every state can be made.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis
now=$(date +%s)
raddb=$SCEPAUTH_DIR/raddb
dev=$T_DIR/dev
mkdir -p "$dev"
sed -i 's/^\treject_delay = 1$/\treject_delay = 0/' "$raddb/radiusd.conf" # rejects are timed below
sed -i "s|^\tmetrics_file = .*|\tmetrics_file = \"$T_DIR/radius.prom\"|" "$raddb/mods-available/scepauth"
cp -a "$raddb" "$T_DIR/raddb.good"

# --- making certificates and records ------------------------------------------------------------------

ca_key_id() { # PROFILE: of its issuing CA, as the ledger writes it
	openssl x509 -in "$SCEPAUTH_DIR/ca/$1/issuing.pem" -noout -ext subjectKeyIdentifier |
		tail -n 1 | tr -d ' :\n' | tr 'A-F' 'a-f'
}

# make_cert NAME PROFILE SERIAL [START END [EXTENSIONS]]: $dev/NAME.pem, all with one key.
make_cert() {
	local ca=$T_DIR/ca-$2 extensions=${6:-client}
	if [[ ! -d $ca ]]; then
		mkdir -p "$ca"
		sed "s|@CA@|$ca|; s|@DIR@|$SCEPAUTH_DIR/ca/$2|" >"$ca/conf" <<'CONF'
[ca]
default_ca = it
[it]
dir = @CA@
database = @CA@/index
new_certs_dir = @CA@
serial = @CA@/serial
certificate = @DIR@/issuing.pem
private_key = @DIR@/issuing.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[client]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[full_aki]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = clientAuth
authorityKeyIdentifier = keyid:always,issuer:always
[no_aki]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = clientAuth
authorityKeyIdentifier = none
[sub_ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,digitalSignature,keyCertSign
extendedKeyUsage = clientAuth
authorityKeyIdentifier = keyid:always
[server]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
authorityKeyIdentifier = keyid:always
CONF
		: >"$ca/index"
	fi
	printf '%s\n' "$3" >"$ca/serial"
	openssl ca -batch -notext -config "$ca/conf" -extensions "$extensions" -in "$dev/csr.pem" -subj "/CN=$1" \
		-startdate "$(date -u -d "@${4:-$((now - 3600))}" +%Y%m%d%H%M%SZ)" \
		-enddate "$(date -u -d "@${5:-$((now + 864000))}" +%Y%m%d%H%M%SZ)" \
		-out "$dev/$1.pem" >"$dev/$1.log" 2>&1 || t_bail "no certificate $1: $(cat "$dev/$1.log")"
	eapol_conf "$dev/$1.conf" "$dev/$1.pem" "$dev/key.pem"
}

install_as() { redis_as installer "$@" >/dev/null; }

# record SERIAL ISSUER USER [FIELD VALUE ...]: a committed certificate in the ledger.
record() {
	local serial=$1 issuer=$2 user=$3
	shift 3
	install_as HSET "cert:$serial" issuer "$issuer" user "$user" device d1 profile staff state active \
		not_before $((now - 3600)) not_after $((now + 864000)) spki aa ticket bb "$@"
	install_as ZADD "ucerts:$user" $((now + 864000)) "$serial"
}

person() { # ID LOGIN GROUPS [FIELD VALUE ...]
	local id=$1 login=$2 groups=$3
	shift 3
	install_as HSET "user:$id" source local login "$login" name "$login" email "" groups "$groups" leave_at 0 "$@"
	install_as HSET login:local "$login" "$id"
}

# --- looking at verdicts ------------------------------------------------------------------------------

log_from=1
mark_log() { log_from=$(($(stat -c %s "$RADIUS_LOG") + 1)); }
new_log() { tail -c "+$log_from" "$RADIUS_LOG"; }
reasons() { new_log | sed -n 's/.*scepauth: reject reason=\([a-z_]*\) .*/\1/p' | paste -sd' '; }
connect() { # NAME [EAPOL_OPTION ...]
	local name=$1
	shift
	mark_log
	eapol_run "$dev/$name.conf" "$@" || true
}

expect_accept() { # TEXT NAME VLAN
	connect "$2"
	t_is "$1" "$EAP_RESULT $EAP_VLAN" "accept $3" || t_note "$(new_log | tail -n 5)"
}

# Exactly one verdict, with this reason, and nothing in the answer that says so.
expect_reject() { # TEXT NAME REASON
	connect "$2"
	t_is "$1" "$EAP_RESULT $(reasons)" "reject $3" || t_note "$(new_log | tail -n 5)"
	[[ $EAP_OUT != *"$3"* ]] || t_fail "the device is not told the reason ($3)"
}

restart_radius() {
	t_stop radius
	mark_log
	t_start radius
}

# Counters of the server that runs, or of the one before until the first verdict.
# shellcheck disable=SC2317 # called by t_wait
counter() { grep -qE "^scepauth_$1\{instance=\"scepauth\"$2\} $3\$" "$T_DIR/radius.prom"; }

good_radius() {
	t_stop radius
	rm -rf "$raddb"
	cp -a "$T_DIR/raddb.good" "$raddb"
	t_start radius
}

milliseconds() { date +%s%3N; }

# --- the module file ----------------------------------------------------------------------------------

module=$(cd "$SCEPAUTH_BIN/../lib" && pwd)/rlm_scepauth.so
t_is "the module shows one symbol" "$(nm -D --defined-only "$module" | awk '{print $3}' | grep -v '^__[a-z]*san' | paste -sd' ')" \
	rlm_scepauth
t_unlike "the module brings no confuse or jansson" "$(readelf -d "$module" | grep NEEDED)" 'confuse|jansson'
openssl_in() { grep -oE "lib(ssl|crypto)\.so[.0-9]*" | sort -u; }
t_is "its libssl and libcrypto are those that the server has loaded" \
	"$(comm -23 <(readelf -d "$module" | openssl_in) <(ldd "$(command -v freeradius || command -v radiusd)" | openssl_in))" ""

# --- people, certificates -----------------------------------------------------------------------------

staff_ca=$(ca_key_id staff)
students_ca=$(ca_key_id students)
alice=u0000000000000000000000000000a11c
sam=u00000000000000000000000000005a11
alice_serial=11112222333344445555666677778888
sam_serial=21112222333344445555666677778888
t_like "the issuing CA has a key identifier" "$staff_ca" '^[0-9a-f]{40}$'

openssl req -new -newkey rsa:2048 -nodes -keyout "$dev/key.pem" -out "$dev/csr.pem" -subj /CN=x 2>/dev/null
make_cert alice staff $alice_serial
make_cert sam students $sam_serial
person $alice alice@example.edu staff
person $sam sam@example.edu students
record $alice_serial "$staff_ca" $alice
record $sam_serial "$students_ca" $sam

# --- starting -----------------------------------------------------------------------------------------

t_stop redis
t_ok "the configuration is checked without Redis" env "${T_RADIUS_ENV[@]}" \
	freeradius -XC -d "$raddb"
t_start radius
t_pass "FreeRADIUS starts while Redis is away"
expect_reject "and rejects everybody" alice backend_down
t_like "and says where it looked" "$(new_log)" "store not available.*$REDIS_SOCKET"
t_start redis
t_wait 5 eapol_run "$dev/alice.conf"
t_like "Redis being back is said once" "$(new_log | grep -c 'store available again')" '^1$'

# --- accept -------------------------------------------------------------------------------------------

expect_accept "a staff member gets the staff VLAN" alice 20
t_like "by TLS 1.3" "$EAP_OUT" "TLS version TLSv1.3"
t_is "with the person's login as User-Name" "$EAP_USER" alice@example.edu
t_is "with the group's session time" "$EAP_SESSION_TIMEOUT" 28800
t_is "Tunnel-Type is VLAN, untagged" "$(eapol_attr 'Attribute 64 ')" 0000000d
t_is "Tunnel-Medium-Type is IEEE 802, untagged" "$(eapol_attr 'Attribute 65 ')" 00000006
t_is "Termination-Action is RADIUS-Request" "$(eapol_attr 'Attribute 29 ')" 1
class=$(eapol_text 'Attribute 25 ')
t_like "Class is a token" "$class" '^sa1:[0-9a-f]{32}$'
t_like "which the log ties to the certificate" "$(new_log)" \
	"scepauth: accept serial=$alice_serial login=alice@example.edu group=staff vlan=20 session=28800 class=$class nas="
connect alice
t_ok "the next accept has another token" test "$(eapol_text 'Attribute 25 ')" != "$class"

eapol_conf "$dev/alice12.conf" "$dev/alice.pem" "$dev/key.pem" anonymous tls_disable_tlsv1_3=1
expect_accept "the same by TLS 1.2" alice12 20
t_like "which it was" "$EAP_OUT" "TLS version TLSv1.2"
eapol_conf "$dev/liar.conf" "$dev/sam.pem" "$dev/key.pem" alice@example.edu
expect_accept "a student who claims to be staff gets the students' VLAN" liar 30
t_is "and the own login" "$EAP_USER" sam@example.edu

make_cert aki staff 31112222333344445555666677778888 "" "" full_aki
record 31112222333344445555666677778888 "$staff_ca" $alice
expect_accept "an authority key identifier with issuer and serial is read" aki 20

install_as HSET "cert:$alice_serial" not_after $((now + 3000))
connect alice
t_ok "the session ends with the certificate" test "$EAP_SESSION_TIMEOUT" -le 3000 -a "$EAP_SESSION_TIMEOUT" -gt 2000
install_as HSET user:$alice leave_at $((now + 1500))
connect alice
t_ok "and with the person's leaving" test "$EAP_SESSION_TIMEOUT" -le 1500 -a "$EAP_SESSION_TIMEOUT" -gt 500
install_as HSET user:$alice leave_at $((now - 1))
expect_reject "a person who has left" alice user_left
person $alice alice@example.edu staff
record $alice_serial "$staff_ca" $alice

filter_name=quiet
install_as HSET group:staff vlan campus-staff filter_id "$filter_name"
expect_accept "a VLAN by its name" alice campus-staff
filter() { grep -o 'Attribute 11 (.*) length=[0-9]*' <<<"$EAP_OUT" | sed 's/.*=//'; } # eapol_test shows no more of it
t_is "and a filter" "$(filter)" $((2 + ${#filter_name}))
install_as HSET group:staff vlan "" filter_id ""
expect_accept "or none" alice ""
t_is "nor half of it" "$(eapol_attr 'Attribute 64 ')$(eapol_attr 'Attribute 65 ')$(filter)" ""
install_as HSET group:staff vlan 20

# --- reject: certificates -----------------------------------------------------------------------------

make_cert unknown staff 41112222333344445555666677778888
expect_reject "a certificate of the right CA that is not in the ledger" unknown unknown_cert
make_cert copycat students $alice_serial
expect_reject "a known serial under another CA" copycat wrong_issuer
make_cert short staff 1234
expect_reject "a serial that is none of ours" short bad_serial
make_cert noaki staff 51112222333344445555666677778888 "" "" no_aki
record 51112222333344445555666677778888 "$staff_ca" $alice
expect_reject "a certificate that names no issuing key" noaki no_issuer

make_cert state staff 61112222333344445555666677778888
state=61112222333344445555666677778888
for word in reserved aborted "" nonsense; do
	record $state "$staff_ca" $alice state "$word"
	expect_reject "a certificate whose state is '$word'" state cert_not_active
done
record $state "$staff_ca" $alice not_after $((now - 1))
expect_reject "expired by the record" state cert_expired
record $state "$staff_ca" $alice not_before $((now + 3600))
expect_reject "not yet valid by the record" state cert_not_yet_valid
record $state "$staff_ca" $alice not_after soon
expect_reject "dates that are none" state internal_error
record $state "$staff_ca" u00000000000000000000000000000404
expect_reject "a certificate of nobody" state unknown_user
record $state "$staff_ca" $alice
expect_accept "(the same once it is in order)" state 20

make_cert expired staff 71112222333344445555666677778888 $((now - 7200)) $((now - 60))
record 71112222333344445555666677778888 "$staff_ca" $alice
connect expired
t_is "a certificate that is really expired fails in TLS" "$EAP_RESULT $(reasons)" "reject "
t_like "and the log says so" "$(new_log)" "certificate has expired"
make_cert server staff 72112222333344445555666677778888 "" "" server
record 72112222333344445555666677778888 "$staff_ca" $alice
connect server
t_is "a server's certificate fails in TLS" "$EAP_RESULT $(reasons)" "reject "
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dev/foreign.key" -out "$dev/foreign.pem" -subj /CN=alice -days 2 \
	-set_serial 0x$alice_serial -addext extendedKeyUsage=clientAuth 2>/dev/null
eapol_conf "$dev/foreign.conf" "$dev/foreign.pem" "$dev/foreign.key"
connect foreign
t_is "a certificate of a foreign CA with a known serial fails in TLS" "$EAP_RESULT $(reasons)" "reject "

eapol_conf "$dev/ca.conf" "$SCEPAUTH_DIR/ca/staff/issuing.pem" "$SCEPAUTH_DIR/ca/staff/issuing.key"
connect ca
t_is "the issuing CA itself is no device" "$EAP_RESULT" reject
make_cert sub staff 73112222333344445555666677778888 "" "" sub_ca
connect sub
t_like "nor is a certificate that says it is a CA, which the ledger does not have" "$EAP_RESULT $(reasons)" '^reject (unknown_cert)?$'

redis_as "$HELPDESK_NAME" FCALL revoke_cert 0 "$state" "lost on the train" >/dev/null
expect_reject "revoked by the helpdesk" state cert_revoked
record $state "$staff_ca" $alice state reserved
expect_reject "revoked says so in any state" state cert_revoked

# --- reject: people, groups, store --------------------------------------------------------------------

redis_as "$HELPDESK_NAME" FCALL suspend_user 0 alice@example.edu "asks for it" >/dev/null
expect_reject "suspended by the helpdesk" alice user_held
t_like "the log names the person" "$(new_log)" "reason=user_held serial=$alice_serial login=alice@example.edu nas=[^ ]+ mac=02-00-00-00-00-01"
t_like "FreeRADIUS's own line names the reason" "$(new_log)" "Invalid user \(scepauth: user_held\)"
redis_as "$HELPDESK_NAME" FCALL restore_user 0 alice@example.edu >/dev/null
expect_accept "and restored" alice 20

person $alice alice@example.edu students
expect_reject "whose group does not allow this CA any more" alice no_group
person $alice alice@example.edu ""
expect_reject "who is in no group" alice no_group
person $alice alice@example.edu nonesuch
expect_reject "whose group has no policy" alice no_group
person $alice alice@example.edu students,staff
expect_accept "who is in two: the one that allows the CA" alice 20

epoch=$(redis_as installer HGET meta epoch)
install_as HDEL meta epoch
expect_reject "a store without epoch" alice store_not_ready
install_as HSET meta epoch "$epoch"
expect_accept "(and with it)" alice 20

# --- here and now --------------------------------------------------------------------------------------

at() { # CALLED-STATION-ID NAS-IDENTIFIER: more options of eapol_test
	place=("-N30:s:$1" "-N32:s:$2")
}
place=()
expect_here() { # TEXT WANTED: "accept 20", or "reject " and a reason
	connect alice "${place[@]}"
	local got="$EAP_RESULT $EAP_VLAN"
	[[ $EAP_RESULT == accept ]] || got="$EAP_RESULT $(reasons)"
	t_is "$1" "$got" "$2" || t_note "$(new_log | tail -n 5)"
}
install_as HSET group:staff ssids "campus,staff lab" nas "ap-*,192.0.2.9"
at 00-11-22-33-44-55:campus ap-17
expect_here "on a Wi-Fi and at a NAS of the group's" "accept 20"
at "00-11-22-33-44-55:staff lab" ap-17
expect_here "a name with a blank" "accept 20"
at 00-11-22-33-44-55:guests ap-17
expect_here "on another Wi-Fi" "reject ssid_not_allowed"
at 00-11-22-33-44-55 ap-17
expect_here "without a Wi-Fi" "reject ssid_not_allowed"
at 00-11-22-33-44-55:campus switch-1
expect_here "at another NAS" "reject nas_not_allowed"
install_as HSET group:staff nas "switch-*,$RADIUS_HOST"
at 00-11-22-33-44-55:campus ap-17
expect_here "a NAS is known by its address, too" "accept 20"
place=()
install_as HSET group:staff ssids "" nas "" zone EST5EDT,M3.2.0,M11.1.0
# Open until the next full hour but one, by New York's clock: a session of 1 to 2 hours.
install_as HSET group:staff hours "$(TZ=EST5EDT,M3.2.0,M11.1.0 date -d '3 hours ago' '+%a %H:00' | tr '[:upper:]' '[:lower:]')-$(
	TZ=EST5EDT,M3.2.0,M11.1.0 date -d '2 hours' +%H:00)"
expect_here "in the group's hours" "accept 20"
t_ok "the session ends with them ($EAP_SESSION_TIMEOUT s)" test "$EAP_SESSION_TIMEOUT" -gt 3500 -a "$EAP_SESSION_TIMEOUT" -le 7200
install_as HSET group:staff hours "$(TZ=EST5EDT,M3.2.0,M11.1.0 date -d '3 hours ago' '+%a %H:00' | tr '[:upper:]' '[:lower:]')-$(
	TZ=EST5EDT,M3.2.0,M11.1.0 date -d '1 hour ago' +%H:00)"
expect_here "after them" "reject time_not_allowed"
install_as HSET group:staff hours sometimes
expect_here "hours that nobody can read" "reject internal_error"
install_as HSET group:staff hours "" zone "" user_name match
expect_here "a device that names nobody where the name must fit" "accept 20"
eapol_conf "$dev/liar2.conf" "$dev/alice.pem" "$dev/key.pem" sam@example.edu
expect_reject "one that names somebody else" liar2 user_name_mismatch
eapol_conf "$dev/own.conf" "$dev/alice.pem" "$dev/key.pem" ALICE
expect_accept "one that names its person" own 20
install_as HSET group:staff user_name odd
expect_here "a rule for names that is none" "reject internal_error"
install_as HSET group:staff user_name ""
expect_accept "(and without these rules)" liar2 20

# --- the device's address -----------------------------------------------------------------------------

device_at() { # ADDRESS SSID
	place=("-N31:s:$1" "-N30:s:00-11-22-33-44-55:$2" "-N32:s:ap-17")
}
seen_as() { redis_as installer HGET "seen:$alice_serial" "b:$1"; }
# shellcheck disable=SC2317 # called by t_wait
is_noted() { [[ $(seen_as "$2") == "$1 "* ]]; }
noted() { t_ok "$1 is noted for $2" t_wait 30 is_noted "$1" "$2"; } # told a moment after the answer
# shellcheck disable=SC2317 # called by t_wait
sessions_are() { [[ $(redis_as installer ZCARD "usessions:$alice") == "$1" ]]; }
# shellcheck disable=SC2317 # called by t_wait
why_has() { redis_as installer FCALL_RO why 0 alice@example.edu | grep -q "$1"; }
forget_sessions() { # as if everybody had left
	local t
	for t in $(redis_as installer ZRANGE "usessions:$alice" 0 -1); do install_as DEL "session:$t"; done
	install_as DEL "usessions:$alice"
}
install_as HSET group:staff mac bind
device_at 00-00-5E-00-53-01 campus
expect_here "the first device of a certificate" "accept 20"
noted 00005e005301 campus
expect_here "and again" "accept 20"
device_at 00-00-5E-00-53-02 campus
expect_here "another device with the same certificate" "reject mac_not_allowed"
device_at 0200.5e00.5303 guests
expect_here "an address made up for another Wi-Fi" "accept 20"
noted 02005e005303 guests
device_at 06-00-5e-00-53-04 guests
expect_here "another such address there, while the first is in use" "reject mac_not_allowed"
install_as HSET "seen:$alice_serial" b:guests "02005e005303 $((now - 90000))"
expect_here "and when it was given up" "accept 20"
noted 06005e005304 guests
place=("-N31:s:port 7")
expect_here "a device without an address" "reject mac_not_allowed"
t_like "why tells of it" "$(redis_as installer FCALL_RO why 0 alice@example.edu)" 'bound to device 00005e005301 on "campus"'
t_is "the helpdesk lets another device take its place" "$(redis_as helen FCALL forget_mac 0 "$alice_serial" 'new Wi-Fi card')" 2
t_is "of all that the person has, by name" "$("$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" --as helen forget-mac alice@example.edu 'once more')" \
	"alice@example.edu: 0 addresses forgotten"
device_at 00-00-5E-00-53-02 campus
expect_here "which then is the one" "accept 20"
noted 00005e005302 campus
device_at 00-00-5E-00-53-01 campus
expect_here "and the first no more" "reject mac_not_allowed"

install_as HSET group:staff mac "" two_macs refuse
forget_sessions
install_as HDEL "seen:$alice_serial" two_macs # it is told once a day
install_as DEL events:radius
expect_here "alone" "accept 20"
t_ok "which is noted" t_wait 30 sessions_are 1
device_at 00-00-5E-00-53-02 campus
expect_here "a second one at the same time" "reject two_macs"
# shellcheck disable=SC2317 # called by t_wait
event_has() { redis_as installer XREVRANGE events:radius + - COUNT 9 | paste -sd ' ' | grep -qE "$1"; }
t_ok "an event tells of both" t_wait 30 event_has "cert_two_macs.*$alice_serial.*mac 00005e005302 other 00005e005301 private no verdict two_macs"
install_as HSET group:staff two_macs quarantine quarantine_vlan 66
expect_here "or apart" "accept 66"
t_like "which the log says" "$(new_log)" "accept reason=quarantined .* vlan=66 session=3600 "
t_ok "and not for long" test "$EAP_SESSION_TIMEOUT" -eq 3600
t_ok "and why tells of it" t_wait 30 why_has 'accept (quarantined), group staff, VLAN 66'
install_as HSET group:staff quarantine_vlan ""
expect_here "with no VLAN to put it in" "reject internal_error"
install_as HSET group:staff two_macs odd
expect_here "a rule for addresses that is none" "reject internal_error"
install_as HSET group:staff two_macs "" mac ""
place=()
expect_here "(and without these rules)" "accept 20"

# --- the backend --------------------------------------------------------------------------------------

sed -i "s/^\tdeadline_ms = .*/\tdeadline_ms = 300/" "$raddb/mods-available/scepauth"
restart_radius
redis_pid=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/redis.pid")
before=$(milliseconds)
connect alice
usual=$(($(milliseconds) - before))
kill -STOP "$redis_pid"
before=$(milliseconds)
expect_reject "Redis hangs" alice backend_timeout
took=$(($(milliseconds) - before))
t_ok "and costs its deadline of 300 ms, not what its client would wait ($took ms instead of $usual ms)" test $took -lt $((usual + 8000))
t_like "which is logged" "$(new_log)" "store not available, everybody is rejected"
sleep 0.3
connect alice
t_is "a probe fails the same way" "$EAP_RESULT $(reasons)" "reject backend_timeout"
t_unlike "and is no news" "$(new_log)" "store not available"
kill -CONT "$redis_pid"
t_ok "Redis goes on, so does RADIUS" t_wait 5 eapol_run "$dev/alice.conf"

t_stop redis
expect_reject "Redis is gone" alice backend_down
t_ok "metrics_file tells while it lasts" t_wait 30 counter breaker_open "" 1
t_start redis
t_ok "and comes back" t_wait 5 eapol_run "$dev/alice.conf"
t_stop radius
t_ok "questions without an answer in time are counted" counter backend_errors_total ',kind="deadline"' '[1-9][0-9]*'
t_ok "and those without a connection" counter backend_errors_total ',kind="down"' '[1-9][0-9]*'
t_ok "refusals by reason: timeout" counter verdicts_total ',reason="backend_timeout"' '[1-9][0-9]*'
t_ok "down" counter verdicts_total ',reason="backend_down"' '[1-9][0-9]*'
t_ok "the breaker is closed in the end" counter breaker_open "" 0
t_patient "$SCEPAUTH_DIR"
t_start radius

# --- an older store, an empty one, another one --------------------------------------------------------

digest=$(printf '%064d' 1)
store=$(redis_as installer HGET meta store)
redis_as ca FCALL beat 0 "$store" 1 10 "$digest" 0 >/dev/null
expect_accept "a store that the CA has just told of record 10" alice 20
t_stop redis
cp -a "$SCEPAUTH_DIR/redis/data" "$T_DIR/data.old"
t_start redis
redis_as ca FCALL beat 0 "$store" 1 11 "$digest" 10 >/dev/null
t_ok "and of record 11" t_wait 5 eapol_run "$dev/alice.conf"
t_ok "which the server notes" t_wait 5 grep -qE "^$store 1 11 $digest\$" "$SCEPAUTH_DIR/log/scepauth.seen"
t_is "for itself only" "$(stat -c %a "$SCEPAUTH_DIR/log/scepauth.seen")" 600
t_stop redis
mv "$SCEPAUTH_DIR/redis/data" "$T_DIR/data.new"
cp -a "$T_DIR/data.old" "$SCEPAUTH_DIR/redis/data"
t_start redis
sleep 0.3
expect_reject "an old copy of Redis' data was restored" alice store_rolled_back
restart_radius
expect_reject "also after a restart" alice store_rolled_back
redis_as ca FCALL renew 0 "$store" 2 12 "$digest" ready >/dev/null
expect_accept "after a repair, in a new epoch" alice 20
redis_as ca FCALL suspect 0 "the test says so" >/dev/null
expect_reject "while it is suspect" alice store_not_ready
redis_as ca FCALL renew 0 "$store" 3 13 "$digest" ready >/dev/null
install_as FLUSHALL
expect_reject "Redis was emptied" alice store_not_ready
"$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" install >/dev/null 2>&1 || t_bail "scepctl install"
expect_reject "and set up anew" alice store_foreign
t_stop redis radius
rm -r "$SCEPAUTH_DIR/redis/data"
mv "$T_DIR/data.new" "$SCEPAUTH_DIR/redis/data"
echo rubbish >"$SCEPAUTH_DIR/log/scepauth.seen"
t_like "a damaged note: the server does not start, and says why" \
	"$(env "${T_RADIUS_ENV[@]}" freeradius -X -d "$raddb" 2>&1 </dev/null & pid=$!; sleep 3; kill $pid 2>/dev/null)" 'scepauth.seen is damaged.*remove the file'
rm "$SCEPAUTH_DIR/log/scepauth.seen"
t_start redis radius
expect_accept "without it, the store that is there is the one" alice 20
# A connection that Redis closed behind our back is not the device's problem.
install_as CLIENT KILL USER radius
expect_accept "Redis closed an idle connection" alice 20

secret=$(sed -n 's/^ *scepauth_redis_password *= *"\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$raddb/instance.conf")
t_like "the password is in instance.conf" "$secret" '^.{16,}$'
sed -i 's/^\( *scepauth_redis_password *= *\).*/\1"not-the-one-it-wants"/' "$raddb/instance.conf"
restart_radius
expect_reject "a wrong Redis password" alice backend_error
t_like "is told apart in the log" "$(new_log)" "refuses this user or password"
t_unlike "without saying it" "$(cat "$RADIUS_LOG")" "not-the-one-it-wants|$secret"
good_radius
t_ok "the refused password is counted as an error" counter backend_errors_total ',kind="error"' '[1-9][0-9]*'
t_ok "not as Redis being away" counter backend_errors_total ',kind="down"' 0

install_as REPLICAOF 127.0.0.1 1
expect_reject "a replica without its primary" alice backend_error
install_as REPLICAOF NO ONE
t_ok "until it is a primary" t_wait 5 eapol_run "$dev/alice.conf"
install_as FUNCTION DELETE scepauth
expect_reject "Redis without the Functions" alice backend_error
t_like "is told apart in the log too" "$(new_log)" "scepctl install"
"$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" install >/dev/null 2>&1 || t_bail "scepctl install"
t_ok "until they are there" t_wait 5 eapol_run "$dev/alice.conf"

# --- many at once -------------------------------------------------------------------------------------

# shellcheck disable=SC2317 # called by t_ok
many() {
	local pids=() i failed=0
	for i in 1 2 3 4 5 6 7 8; do
		eapol_test -c "$dev/alice.conf" -a "$RADIUS_HOST" -p "$RADIUS_PORT" -s "$RADIUS_SECRET" -t 10 \
			-M "02:00:00:00:00:0$i" -r 2 >"$T_DIR/many.$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || ((++failed)); done
	return $((failed > 0))
}
mark_log
t_ok "eight devices at once, three times each" many
t_is "each got its own verdict" "$(new_log | grep -c 'scepauth: accept')" 24
t_is "and its own token" "$(new_log | sed -n 's/.* class=\(sa1:[0-9a-f]*\) .*/\1/p' | sort -u | wc -l)" 24

# --- misconfigured servers ----------------------------------------------------------------------------

edit() { # FILE SED_EXPRESSION
	sed -i "$2" "$raddb/$1"
	cmp -s "$raddb/$1" "$T_DIR/raddb.good/$1" && t_bail "edit of $1 changed nothing: $2"
	restart_radius
}

mkdir -m 700 "$T_DIR/sessions"
edit mods-available/eap "/cache {/,/}/s|enable = no|enable = yes\nname = x\npersist_dir = $T_DIR/sessions|"
eapol_conf "$dev/resumes.conf" "$dev/alice.pem" "$dev/key.pem" anonymous \
	"tls_disable_tlsv1_3=0 tls_disable_session_ticket=0"
t_like "a TLS session cache is warned about" "$(new_log)" "mods-(available|enabled)/eap:[0-9]+: the TLS session cache is on"
connect resumes -r 1
t_is "a resumed TLS 1.3 session shows no certificate" \
	"$(grep -c 'code=2 (Access-Accept)' <<<"$EAP_OUT") $(reasons)" "1 no_serial"

# The same for a certificate that was revoked in between, three times a few seconds apart: a full handshake, a resumption,
# and what the device does after that was refused.
resumed13=71112222333344445555666677778881
make_cert resumes13 staff $resumed13
record $resumed13 "$staff_ca" $alice
printf '%s\n' "$RADIUS_SECRET" >"$T_DIR/secret"
mark_log
"$SCEPAUTH_BIN/eap_load" --ca "$ROOT_CERT" --secret-file "$T_DIR/secret" --cert "$dev/resumes13.pem" --key "$dev/key.pem" \
	--tls 1.3 --resume -r 0.2 -n 3 --timeout 10 --json "$RADIUS_HOST:$RADIUS_PORT" >"$T_DIR/resumes13" 2>&1 &
resumer=$!
t_ok "TLS 1.3: let in by a full handshake" t_wait 10 eval 'new_log | grep -q "scepauth: accept serial=$resumed13"'
redis_as "$HELPDESK_NAME" FCALL revoke_cert 0 "$resumed13" "lost in between" >/dev/null
wait "$resumer"
t_is "revoked in between: no other came in" "$(jq -c '[.outcomes.accept, .outcomes.reject]' "$T_DIR/resumes13")" '[1,2]' || t_note "$(<"$T_DIR/resumes13")"
t_like "the first that was refused really resumed" "$(reasons)" '^no_serial (no_serial|cert_revoked)$'
t_is "and none was let in" "$(new_log | grep -c "scepauth: accept")" 1
eapol_conf "$dev/resumes13.conf" "$dev/resumes13.pem" "$dev/key.pem" anonymous "tls_disable_tlsv1_3=0 tls_disable_session_ticket=0"
connect resumes13 -r 2
t_is "nor does it get in again" "$(grep -c 'code=2 (Access-Accept)' <<<"$EAP_OUT") $(reasons)" "0 cert_revoked"

# TLS 1.2: the server does know the certificate of a resumed session, so the module decides as ever. What is
# revoked between two of them is refused, and so is every later one.
resumed=71112222333344445555666677778880
make_cert resumes12 staff $resumed
record $resumed "$staff_ca" $alice
eapol_conf "$dev/resumes12.conf" "$dev/resumes12.pem" "$dev/key.pem" anonymous \
	"tls_disable_tlsv1_3=1 tls_disable_session_ticket=0"
mark_log
eapol_test -c "$dev/resumes12.conf" -a "$RADIUS_HOST" -p "$RADIUS_PORT" -s "$RADIUS_SECRET" -t 30 -r 200 \
	>"$T_DIR/resumes12" 2>&1 &
resumer=$!
accepts() { new_log | grep -c "scepauth: accept serial=$resumed"; }
t_ok "TLS 1.2 goes on with a session of before" t_wait 10 eval '(($(accepts) >= 3))'
redis_as "$HELPDESK_NAME" FCALL revoke_cert 0 "$resumed" "lost in between" >/dev/null
known=$(accepts)
t_ok "revoked in between: refused" t_wait 10 eval '[[ $(reasons) == cert_revoked* ]]'
wait "$resumer"
t_ok "which really resumed" grep -q 'resumed=1' "$T_DIR/resumes12"
t_ok "no accept came after the revocation" test "$(accepts)" -le $((known + 1))
t_unlike "not by another door either" "$(new_log | grep -A9999 'reason=cert_revoked')" "scepauth: accept serial=$resumed"
eapol_run "$dev/resumes12.conf" -r 3
t_is "nor does it get in again" "$(grep -c 'code=2 (Access-Accept)' <<<"$EAP_OUT")" 0
good_radius

edit sites-available/check-eap-tls 's/^\t\tscepauth$/\t\tupdate request {\n\t\t\t\&TLS-Client-Cert-Serial += "02"\n\t\t}\n\t\tscepauth/'
expect_reject "two serials" alice two_serials
good_radius

edit sites-available/check-eap-tls 's/^\t\tscepauth$/\t\tupdate control {\n\t\t\t\&Auth-Type := Accept\n\t\t}\n\t\tscepauth/'
t_like "a preset Accept is warned about" "$(new_log)" "check-eap-tls:[0-9]+: Auth-Type is preset to Accept"
expect_reject "and does not help a revoked certificate" state cert_revoked
expect_reject "nor an unknown one" unknown unknown_cert
expect_accept "and a good one passes" alice 20
good_radius

edit sites-available/check-eap-tls 's/^\t\tscepauth$/\t\tupdate control {\n\t\t\t\&Auth-Type := Reject\n\t\t}\n\t\tscepauth/'
expect_reject "a rule that said no before the module stands" alice internal_error
good_radius

edit sites-available/check-eap-tls 's/^\t\tscepauth$/\t\tscepauth\n\t\treject/'
connect alice
t_is "a rule that says no after it stands too" "$EAP_RESULT" reject
good_radius

edit sites-available/default 's/^\t\tscepauth_only_eap$/\t\tscepauth/'
t_like "a module in the outer server is warned about" "$(new_log)" "default:[0-9]+: scepauth stands in the authorize section of a server that no eap module names"
expect_reject "the module in the outer server" alice not_eap_tls
good_radius

warnings() { # FILE SED_EXPRESSION: of a configuration check
	sed -i "$2" "$raddb/$1"
	cmp -s "$raddb/$1" "$T_DIR/raddb.good/$1" && t_bail "edit of $1 changed nothing: $2"
	env "${T_RADIUS_ENV[@]}" freeradius -XC -d "$raddb" 2>&1 | grep -o 'scepauth: .*'
	cp "$T_DIR/raddb.good/$1" "$raddb/$1"
}
t_unlike "the configuration as it comes is warned of nothing" "$(env "${T_RADIUS_ENV[@]}" freeradius -XC -d "$raddb" 2>&1)" ' scepauth: /'
t_like "a client without require_message_authenticator" \
	"$(warnings clients.conf '0,/^\trequire_message_authenticator = yes/s//\trequire_message_authenticator = no/')" \
	'clients.conf:[0-9]+: client localhost: set require_message_authenticator = yes'
t_is "and no other client" \
	"$(warnings clients.conf '0,/^\trequire_message_authenticator = yes/s//\tproto = udp/' | grep -c 'set require_message')" 1
t_like "the module in post-auth" "$(warnings sites-available/default 's/^\tpost-auth {$/&\n\t\tscepauth/')" \
	'default:[0-9]+: scepauth does nothing in post-auth'
t_like "an eap module that names no server" "$(warnings mods-available/eap '/^\t\tvirtual_server/d')" \
	'nobody asks the ledger'
t_like "a folder of CAs" "$(warnings mods-available/eap 's|^\t\tca_file|\t\tca_path = /etc/ssl/certs\n&|')" \
	'eap:[0-9]+: ca_path trusts whatever CA is in /etc/ssl/certs'
for ((i = 0; i < 70; i++)); do cat "$SCEPAUTH_DIR/radius/client-ca.pem"; done >"$T_DIR/many-cas.pem"
t_like "a file of too many CAs" "$(warnings mods-available/eap "s|^\t\tca_file = .*|\t\tca_file = $T_DIR/many-cas.pem|")" \
	'eap:[0-9]+: ca_file .*many-cas.pem holds [0-9]+ CAs'

sed -i 's/^\tdeadline_ms = .*/\tdeadline_ms = 1/' "$raddb/mods-available/scepauth"
bad=$(env "${T_RADIUS_ENV[@]}" freeradius -XC -d "$raddb" 2>&1)
t_like "a value out of range is named with its file" "$bad" 'mods-enabled/scepauth\[[0-9]+\]: .*deadline_ms = 1 is out of range: 5 to 10000'
sed -i 's/deadline_ms = 1$/deadline_ms = 300/; /^\tpassword/d' "$raddb/mods-available/scepauth"
bad=$(env "${T_RADIUS_ENV[@]}" freeradius -XC -d "$raddb" 2>&1)
t_like "a missing password too" "$bad" 'password'
t_unlike "and nothing is OK then" "$bad" 'Configuration appears to be OK'
good_radius

# --- what is not EAP-TLS ------------------------------------------------------------------------------

radius_answer() { # WHAT ATTRIBUTES...
	local what=$1
	shift
	printf '%s\n' "$@" | radclient -x -r 1 -t 2 "$RADIUS_HOST:$port" "$what" "$RADIUS_SECRET" 2>&1
}
port=$RADIUS_PORT
t_like "a password gets nobody in" "$(radius_answer auth 'User-Name = "alice@example.edu"' 'User-Password = "x"' \
	'Message-Authenticator = 0x00')" 'Access-Reject'
for method in PEAP TTLS MD5 GTC; do
	printf 'network={\n\tkey_mgmt=%s\n\teap=%s\n\tidentity="alice@example.edu"\n\tpassword="x"\n}\n' \
		"$([[ $method == MD5 ]] && echo IEEE8021X || echo WPA-EAP)" "$method" >"$dev/$method.conf"
	eapol_run "$dev/$method.conf"
	t_is "neither does EAP-$method" "$EAP_RESULT" reject
done
port=$((RADIUS_PORT + 1))
t_like "accounting is answered" "$(radius_answer acct 'User-Name = "alice"' 'Acct-Status-Type = Start' \
	'Acct-Session-Id = "1"' "Class = \"$class\"")" 'Accounting-Response'

# Code 1, length 26, an authenticator of zeroes, User-Name "test": no Message-Authenticator.
unsigned() {
	exec 9<>"/dev/udp/$RADIUS_HOST/$RADIUS_PORT"
	printf '\001\001\000\032\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\001\006test' >&9
	timeout 1 head -c 1 <&9 | wc -c
	exec 9>&-
}
t_is "an unsigned request is not answered" "$(unsigned)" 0

# --- a replica that was left behind -------------------------------------------------------------------

good_radius
sed -i 's/^\tmax_beat_age = 0$/\tmax_beat_age = 600/' "$raddb/mods-available/scepauth"
restart_radius
install_as HSET meta beat $(($(date +%s) - 5))
expect_accept "the CA was heard of a moment ago" alice 20
install_as HSET meta beat $(($(date +%s) - 700))
expect_reject "not for longer than we bear" alice store_stale

# --- every word was seen ------------------------------------------------------------------------------

# Each reason code of the source came from this server above.
said=$(grep -ho 'scepauth: [a-z]* reason=[a-z_]*' "$RADIUS_LOG"* | sed 's/.*=//' | sort -u)
mapfile -t codes < <(sed -n 's/^\tX(AUTHZ_[A-Z_]*, "\([a-z_]*\)").*/\1/p' "$T_TOP/core/authz/reason.h")
t_ok "the source has reason codes" test "${#codes[@]}" -gt 30
for code in "${codes[@]}"; do
	[[ $code != ok && $code != known_good ]] || continue # the latter: e2e/known_good
	t_ok "the reason code $code was told" grep -qx "$code" <<<"$said"
done

t_done
