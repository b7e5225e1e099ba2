#!/usr/bin/env bash
# The EAP-TLS load generator (bench/eap_load) on a real FreeRADIUS: for each kind of certificate its verdict must be
# eapol_test's, with TLS 1.2 and 1.3; and what it says of many sessions, wrong secrets, silence and misuse.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis
raddb=$SCEPAUTH_DIR/raddb
dev=$T_DIR/dev
mkdir -p "$dev/all"
sed -i 's/^\treject_delay = 1$/\treject_delay = 0/' "$raddb/radiusd.conf"
sed -i 's/^\tdeadline_ms = .*/\tdeadline_ms = 10000/' "$raddb/mods-available/scepauth" # however slow the machine
now=$(date +%s)
printf '%s\n' "$RADIUS_SECRET" >"$T_DIR/secret"

# --- certificates and records -------------------------------------------------------------------------

install_as() { redis_as installer "$@" >/dev/null; }
staff_ca=$(openssl x509 -in "$SCEPAUTH_DIR/ca/staff/issuing.pem" -noout -ext subjectKeyIdentifier |
	tail -n 1 | tr -d ' :\n' | tr 'A-F' 'a-f')

issue() { # NAME SERIAL OPENSSL_REQ_NEWKEY...: $dev/NAME.pem and .key
	local name=$1 serial=$2
	shift 2
	openssl req -new -nodes -newkey "$@" -keyout "$dev/$name.key" -subj "/CN=$name" -out "$dev/$name.csr" 2>/dev/null
	openssl x509 -req -in "$dev/$name.csr" -CA "$SCEPAUTH_DIR/ca/staff/issuing.pem" -CAkey "$SCEPAUTH_DIR/ca/staff/issuing.key" \
		-set_serial "0x$serial" -days 5 -out "$dev/$name.pem" 2>/dev/null -extfile <(printf '%s\n' \
			'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature' 'extendedKeyUsage=clientAuth' \
			'authorityKeyIdentifier=keyid:always') || t_bail "no certificate $name"
}

record() { # SERIAL
	install_as HSET "cert:$1" issuer "$staff_ca" user "$alice" device d1 profile staff state active \
		not_before $((now - 3600)) not_after $((now + 400000)) spki aa ticket bb
}

alice=u0000000000000000000000000000a11c
install_as HSET "user:$alice" source local login alice@example.edu name alice email "" groups staff leave_at 0
install_as HSET login:local alice@example.edu "$alice"
ec=(ec -pkeyopt ec_paramgen_curve:P-256)
issue good 11112222333344445555666677778881 rsa:2048
issue good-ec 11112222333344445555666677778882 "${ec[@]}"
issue revoked 11112222333344445555666677778883 "${ec[@]}"
issue unknown 11112222333344445555666677778884 "${ec[@]}"
for n in 1 2 3; do record 1111222233334444555566667777888$n; done
install_as HSET revoked 11112222333344445555666677778883 "at=$now reason=keyCompromise"
# FreeRADIUS 3.2 sends no alert for it, only the reject.
openssl req -x509 -new -nodes -newkey "${ec[@]}" -keyout "$dev/foreign.key" -subj /CN=foreign -days 5 \
	-addext extendedKeyUsage=clientAuth -out "$dev/foreign.pem" 2>/dev/null
t_start radius

load() { # OPTION...: leaves OUT, ERR, RC
	OUT=$("$SCEPAUTH_BIN/eap_load" --ca "$ROOT_CERT" --secret-file "$T_DIR/secret" "$@" \
		"$RADIUS_HOST:$RADIUS_PORT" 2>"$T_DIR/err") && RC=0 || RC=$?
	ERR=$(<"$T_DIR/err")
}
figure() { jq -r "$1" <<<"$OUT"; }

# --- the same verdicts as eapol_test ------------------------------------------------------------------

for version in 1.2 1.3; do
	for name in good good-ec revoked unknown foreign; do
		eapol_conf "$dev/conf" "$dev/$name.pem" "$dev/$name.key" anonymous \
			"tls_disable_tlsv1_3=$([[ $version == 1.3 ]] && echo 0 || echo 1)"
		eapol_run "$dev/conf" || true
		load --cert "$dev/$name.pem" --key "$dev/$name.key" --tls "$version" -n 1 --json
		mine=$(figure '.outcomes | to_entries | map(select(.value == 1).key) | join(" ")')
		case $name in
		good*) want="accept accept 0" ;;
		*) want="reject reject 1" ;;
		esac
		t_is "TLS $version, certificate $name: eapol_test's verdict, ours, exit status" "$EAP_RESULT $mine $RC" "$want" ||
			t_note "$OUT $ERR"
		[[ $name != good ]] || t_is "by that version, with the right keys" \
			"$(figure '[.tls12, .tls13, .accepts_with_keys] | join(" ")')" \
			"$([[ $version == 1.3 ]] && echo 0 1 || echo 1 0) 1"
	done
done

# --- many at once -------------------------------------------------------------------------------------

for name in good good-ec; do cp "$dev/$name.pem" "$dev/$name.key" "$dev/all"; done
openssl pkcs12 -export -in "$dev/good.pem" -inkey "$dev/good.key" -passout pass:geheim -out "$dev/all/third.p12"
echo geheim >"$T_DIR/password"
load --dir "$dev/all" --password-file "$T_DIR/password" -c 300 -n 600 --sockets 3 --timeout 10 --tries 6 --json
# A quick server ends the first before the last begin.
t_is "600 sessions of three identities, up to 300 at once: all accepted" "$(figure ".outcomes.accept, (.most_at_once > 100 and .most_at_once <= 300)" | paste -sd" ") $RC" "600 true 0" ||
	t_note "$OUT $ERR"
t_ok "percentiles rise" jq -e '.accept_us | .n == 600 and .min > 0 and .min <= .p50 and .p50 <= .p90 and .p90 <= .p99 and .p99 <= .max' <<<"$OUT"
t_ok "the server saw as many requests as are told" jq -e '.requests >= 2400 and .round_trip_us.n <= .requests' <<<"$OUT"

load --cert "$dev/good-ec.pem" --key "$dev/good-ec.key" -r 20 -t 2 --json
t_ok "a rate of 20 for 2 s: about 40, all accepted" jq -e '.outcomes | .accept >= 30 and .accept <= 41 and .accept == add' <<<"$OUT" || t_note "$OUT"
load --cert "$dev/good-ec.pem" --key "$dev/good-ec.key" -n 20 -c 4
t_like "text for people" "$OUT" 'accept       20.*per second .*accept       min .*p99.*tls          20 1\.3'
t_is "no progress line without a terminal" "$ERR" ""
load --cert "$dev/revoked.pem" --key "$dev/revoked.key" -n 5
t_is "refusals are an exit status" "$RC" 1
load --cert "$dev/good.pem" --key "$dev/good.key" -n 2 --json
requests=$(figure .requests)
for option in "--fragment 200" "--mtu 400"; do
	read -ra options <<<"$option"
	load --cert "$dev/good.pem" --key "$dev/good.key" -n 2 --json "${options[@]}"
	t_ok "$option: all accepted, in more round trips" jq -e --argjson n "$requests" ".outcomes.accept == 2 and .requests >= \$n + 4" <<<"$OUT" || t_note "$requests $OUT"
done

# --- whom it trusts -----------------------------------------------------------------------------------

good=(--cert "$dev/good-ec.pem" --key "$dev/good-ec.key" -n 1 --json)
load "${good[@]}" --ca "$dev/foreign.pem"
t_like "a server of another CA is not trusted" "$(figure '.reasons[0] | .outcome + " " + .text') $RC" '^tls_alert sent: unknown CA \(.*\) 1$'
load "${good[@]}" --server-name elsewhere.example
t_like "nor one of another name" "$(figure '.reasons[0].text') $RC" 'ostname mismatch'
OUT=$(RADIUS_SECRET=$RADIUS_SECRET "$SCEPAUTH_BIN/eap_load" --insecure "${good[@]}" "$RADIUS_HOST:$RADIUS_PORT")
t_is "unless told so; the secret may come by the environment" "$(figure .outcomes.accept)" 1
echo wrong-secret >"$T_DIR/wrong"
load "${good[@]}" --secret-file "$T_DIR/wrong" --timeout 0.2
t_is "another secret: nothing is believed, exit status 3" "$(figure .outcomes.timeout) $RC" "1 3"

# --- what it says of itself ----------------------------------------------------------------------------

mark() { from=$(($(stat -c %s "$RADIUS_LOG") + 1)); }
said() { tail -c "+$from" "$RADIUS_LOG"; }
told() { figure '.outcomes | [.accept, .reject, .timeout] | join(" ")'; }
name=$(sed -n 's/^\tserver-name = "\(.*\)"/\1/p' "$SCEPAUTH_CONF" | head -n 1)
load "${good[@]}" --server-name "$name"
t_is "a server of the name asked for ($name) is good" "$(told)" "1 0 0"
load --p12 "$dev/all/third.p12" --password-file "$T_DIR/password" -n 1 --json
t_is "certificate and key from one PKCS#12 file" "$(told)" "1 0 0"
cat "$dev/good.pem" "$dev/good.key" >"$dev/both.pem"
load --cert "$dev/both.pem" -n 1 --json
t_is "or one PEM file" "$(told)" "1 0 0"
mark
load "${good[@]}" --nas-id ap-17
t_is "--nas-id" "$(told) $(said | grep -c 'scepauth: accept .* nas=ap-17 ')" "1 0 0 1"
install_as HSET group:staff ssids campus
load "${good[@]}"
t_is "a Wi-Fi of its own that the group does not know" "$(told)" "0 1 0"
load "${good[@]}" --called 00-11-22-33-44-55:campus
t_is "--called" "$(told)" "1 0 0"
install_as HSET group:staff ssids "" user_name match
load "${good[@]}" --identity sam@example.edu
t_is "--identity: somebody else" "$(told)" "0 1 0"
load "${good[@]}" --identity alice@example.edu
t_is "and oneself" "$(told)" "1 0 0"
install_as HSET group:staff user_name ""
load "${good[@]}" --source "$RADIUS_HOST"
t_is "--source, a client of the server's" "$(told)" "1 0 0"
load "${good[@]}" --source 127.0.0.9 --timeout 0.2 --tries 1
t_is "and one that it does not know" "$(told) $RC" "0 0 1 3"
mark
load --cert "$dev/good-ec.pem" --key "$dev/good-ec.key" -r 10 -t 1 --warmup 2 --json
t_ok "--warmup: what came in this time is not counted" test "$(figure .outcomes.accept)" -lt "$(said | grep -c 'scepauth: accept')"
t_ok "and the rest is" test "$(figure .outcomes.accept)" -ge 5
load "${good[@]}" -q
t_is "-q" "$(told)$ERR" "1 0 0"
t_like "--version" "$("$SCEPAUTH_BIN/eap_load" --version)" '^eap_load '

# --- progress, and the end before its time ----------------------------------------------------------------

RADIUS_SECRET=$RADIUS_SECRET script -qec "'$SCEPAUTH_BIN/eap_load' --insecure --cert '$dev/good-ec.pem' --key '$dev/good-ec.key' -r 5 -t 2 $RADIUS_HOST:$RADIUS_PORT" /dev/null </dev/null >"$T_DIR/screen"
t_like "on a terminal a line tells how it goes" "$(tr '\r' '\n' <"$T_DIR/screen")" '[0-9]+ accept'
t_ok "and is written over, several times" test "$(tr -cd '\r' <"$T_DIR/screen" | wc -c)" -ge 4
RADIUS_SECRET=$RADIUS_SECRET "$SCEPAUTH_BIN/eap_load" --ca "$ROOT_CERT" --cert "$dev/good-ec.pem" --key "$dev/good-ec.key" -r 10 -t 600 --json \
	"$RADIUS_HOST:$RADIUS_PORT" >"$T_DIR/ended" 2>/dev/null &
loader=$!
mark
t_wait 20 eval 'said | grep -q "scepauth: accept"'
kill -TERM "$loader"
wait "$loader"
t_is "ended before its time: exit status" $? 0
t_ok "and a report" jq -e '.outcomes.accept >= 1 and (.outcomes | add) == .outcomes.accept' "$T_DIR/ended"

# --- resumption ---------------------------------------------------------------------------------------

t_stop radius
cp "$raddb/mods-available/eap" "$T_DIR/eap"
mkdir "$T_DIR/tls"
sed -i "/cache {/,/}/s|enable = no|enable = yes\nname = test\npersist_dir = $T_DIR/tls|; s|ecdh_curve = \"\"|ecdh_curve = \"prime256v1\"|" "$raddb/mods-available/eap"
t_start radius
session=(--cert "$dev/good-ec.pem" --key "$dev/good-ec.key" -n 5 -c 1 --tls 1.2 --json)
load "${session[@]}" --resume
t_ok "where the server lets it, all but the first resume" jq -e ".outcomes.accept == 5 and .resumed == 4" <<<"$OUT" || t_note "$OUT"
load "${session[@]}"
t_is "none do without being told to" "$(figure .resumed)" 0
load "${good[@]}" --groups P-256
t_is "--groups: one that the server has" "$(told)" "1 0 0"
load "${good[@]}" --groups X448
t_is "and one that it has not" "$(figure .outcomes.accept) $RC" "0 1"
t_stop radius
cp "$T_DIR/eap" "$raddb/mods-available/eap"

# --- silence ------------------------------------------------------------------------------------------

load "${good[@]}" --timeout 0.1 --tries 4
t_ok "nobody there: each request was repeated, and the reason is told" jq -e '.outcomes.timeout == 1 and .requests == 4 and .repeated == 3 and .port_unreachable > 0' <<<"$OUT"
t_is "exit status 3" "$RC" 3

# --- misuse -------------------------------------------------------------------------------------------

misuse() { # TEXT REGEX OPTION...
	local text=$1 regex=$2
	shift 2
	load "$@"
	t_like "$text" "$RC $ERR" "^2 eap_load: .*$regex"
}
misuse "no certificate" "one of --cert" -n 1
misuse "a key of another" "do not belong together" --cert "$dev/good.pem" --key "$dev/good-ec.key"
misuse "no file" "cannot be read" --cert "$dev/none.pem"
misuse "no key in it" "no PEM key" --cert "$dev/good.pem"
misuse "a locked PKCS#12" "password" --p12 "$dev/all/third.p12"
misuse "an empty folder" "no certificate with a key" --dir "$T_DIR"
misuse "a concurrency of nothing" "--concurrency is 1 to" --dir "$dev/all" -c 0
misuse "more than the identifiers carry" "at most 256" --dir "$dev/all" -c 257 --sockets 1
misuse "an unknown option" "no such option" --frobnicate
misuse "a group that there is not" "no groups that this OpenSSL knows" "${good[@]}" --groups nonsense
misuse "no such version" "1.2 or 1.3" --dir "$dev/all" --tls 1.1
t_like "--help helps" "$("$SCEPAUTH_BIN/eap_load" --help)" '^Usage: eap_load'
missing=
while read -r option; do
	sed 's/\\-/-/g' "$T_TOP/man/eap_load.1" | grep -qE "(Fl -?${option#--}( |$)|Fl .*, -${option#--}( |$))" || missing+=" $option"
done < <("$SCEPAUTH_BIN/eap_load" --help | grep -oE -- '--[a-z][a-z0-9-]+' | sort -u)
t_is "every option stands in its manual page" "$missing" ""

t_done
