#!/usr/bin/env bash
# A Redis that lies, stalls or hangs up, seen through a real FreeRADIUS: never an accept, each with its reason, and
# many connections at once all get their answer.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis ca radius
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
raddb=$SCEPAUTH_DIR/raddb
w=$T_DIR/w
mkdir -p "$w"
cd "$w" || exit 1

openssl genrsa -out k.pem 2048 2>/dev/null
challenge=$("$tool" mint "$SCEPAUTH_CONF" students login=sam)
ra=$SCEPAUTH_DIR/ca/students/ra.pem
"$tool" request "$ra" k.pem request.der challenge="$challenge" >/dev/null
curl -s -o reply.der --data-binary @request.der "$SCEP_URL/scep/students?operation=PKIOperation"
"$tool" reply "$ra" k.pem reply.der cert.der >/dev/null
openssl x509 -inform der -in cert.der -out cert.pem || t_bail "no certificate"
serial=$(openssl x509 -in cert.pem -noout -serial | sed 's/serial=//' | tr A-F a-f)
eapol_conf sam.conf cert.pem k.pem
eapol_run sam.conf
t_is "Redis itself lets the device in" "$EAP_RESULT" accept

# What it says, byte for byte: the lies are made from it.
redis_as installer --json FCALL_RO authorize 0 "$serial" 0 "" | jq -j '
	def resp: if type == "array" then "*\(length)\r\n" + (map(resp) | add // "")
		elif type == "number" then ":\(.)\r\n" else "$\(utf8bytelength)\r\n\(.)\r\n" end;
	resp' >yes
t_stop ca redis
# Every question is asked, and no notes are told: what is seen is about the question alone.
sed -i 's/^\treject_delay = 1$/\treject_delay = 0/' "$raddb/radiusd.conf"
sed -i 's/^\tbreaker_ms = .*/\tbreaker_ms = 0/; s/^\tdeadline_ms = .*/\tdeadline_ms = 1000/; s/^\tnotes = .*/\tnotes = 0/' "$raddb/mods-available/scepauth"
sed -i "s|^\tmetrics_file = .*|\tmetrics_file = \"$w/radius.prom\"|" "$raddb/mods-available/scepauth"
t_stop radius
t_start radius

double=
quiet() { [[ -z $double ]] || { kill "$double"; wait "$double" 2>/dev/null; double=; }; }
t_defer quiet
speaks() { # MODE FILE
	quiet
	rm -f "$REDIS_SOCKET"
	"$SCEPAUTH_BIN/../tests/bin/redis_double" "$REDIS_SOCKET" "$1" "$2" &
	double=$!
	t_wait 10 test -S "$REDIS_SOCKET" || t_bail "no double"
}
mark() { from=$(($(stat -c %s "$RADIUS_LOG") + 1)); }
said() { tail -c "+$from" "$RADIUS_LOG" | sed -n 's/.*scepauth: \(accept\|reject\)\( reason=[a-z_]*\)\{0,1\}.*/\1\2/p'; }
is() { # TEXT MODE FILE REASON
	speaks "$2" "$3"
	mark
	eapol_run sam.conf || true
	t_is "$1" "$EAP_RESULT, $(said)" "$4" || t_note "$(tail -n 4 "$RADIUS_LOG")"
}
refuses() { is "$1" "$2" "$3" "reject, reject reason=$4"; }
lie() { # TEXT REASON BYTES
	printf '%b' "$3" >lie
	refuses "$1" say lie "$2"
}

is "the double's yes counts: what follows is refused for its fault" say yes "accept, accept"
half=$(($(wc -c <yes) / 2))
head -c "$half" yes >first_half
head -c -1 yes >nearly

refuses "no answer to anything" mute yes backend_timeout
refuses "a yes, byte for byte, too slowly" drip yes backend_timeout
refuses "half a yes and silence" say first_half backend_timeout
refuses "a yes that lacks its last byte" say nearly backend_timeout
refuses "half a yes, and the connection is closed" hang first_half backend_down
refuses "nothing, and the connection is closed" hang /dev/null backend_down

for word in LOADING READONLY MASTERDOWN OOM NOPERM BUSY MISCONF NOAUTH ERR NOTREADY; do
	lie "the error $word" backend_error "-$word not now\\r\\n"
done
lie "OK is no answer" backend_error '+OK\r\n'
lie "nor is a number" backend_error ':1\r\n'
lie "nor nothing" backend_error '$-1\r\n'
lie "nor an empty list" backend_error '*0\r\n'
lie "bytes that are no reply" backend_error 'HTTP/1.1 200 OK\r\n\r\n'
lie "a list longer than any" backend_error '*2147483647\r\n'
lie "a text longer than any, which never comes" backend_timeout '$2147483647\r\n'
lie "a length that overflows" backend_error '*99999999999999999999\r\n'
lie "a negative length" backend_error '*-7\r\n'
lie "lists in lists in lists" backend_error "$(printf '*1\\r\\n%.0s' {1..3000})"
sed '2s/.*/:0\r/' yes >not_ready
refuses "a yes of a store that is not ready" say not_ready store_not_ready
sed "s/$serial/$(tr 0-9a-f 1-9a-f0 <<<"$serial")/" yes >other
refuses "a yes about another certificate" say other internal_error
head -c 3000000 /dev/zero | tr '\0' 'x' >flood
refuses "megabytes of something" say flood backend_error

# --- many at once -------------------------------------------------------------------------------------

eight() { # WHAT REASON: eight devices at once, each of them refused for it
	local pids=() i
	mark
	for i in 1 2 3 4 5 6 7 8; do
		eapol_test -c sam.conf -a "$RADIUS_HOST" -p "$RADIUS_PORT" -s "$RADIUS_SECRET" -t 20 \
			-M "02:00:00:00:00:0$i" >"many.$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	t_is "eight at once ($1): each has an answer" "$(grep -l 'code=3 (Access-Reject)' many.? | wc -l)" 8
	t_is "which is no ($1)" "$(grep -l 'code=2 (Access-Accept)' many.? | wc -l)" 0
	t_is "for its reason ($1)" "$(said | sort -u)" "reject reason=$2"
}
# The server's own clock, over all questions since it began: those without an answer cost the deadline of a second each, not
# the fifteen that the double drips or the twenty that a device waits.
within_deadline() { # WHAT
	t_stop radius
	t_ok "no worker waited longer than the deadline ($1)" awk '
		/^scepauth_lookup_seconds_sum/ { sum = $2 }
		/^scepauth_backend_errors_total.*kind="deadline"/ { late = $2 }
		END { print sum, late; exit !(late >= 1 && sum >= late * 0.99 && sum < late * 1.5 + 5) }' radius.prom
	t_start radius
}

for mode in mute drip; do
	speaks $mode yes
	eight $mode backend_timeout
done
quiet
within_deadline "doubles"

# --- a real Redis that is stopped ---------------------------------------------------------------------

t_start redis
t_ok "Redis itself is back, and lets the device in" t_wait 30 eapol_run sam.conf
redis_pid=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/redis.pid")
kill -STOP "$redis_pid"
eight "SIGSTOP, connections are open" backend_timeout
within_deadline "SIGSTOP"
t_pass "the server starts while Redis is stopped"
eight "SIGSTOP, nothing but new connections" backend_timeout
kill -CONT "$redis_pid"
t_ok "Redis goes on: the device gets in, without a restart of the server" t_wait 30 eapol_run sam.conf

# --- a real Redis that nobody can connect to ----------------------------------------------------------

# It is stopped with its queue of connections full: the kernel drops what comes to it, as a firewall does.
port=$((20000 + RANDOM % 12000))
while ss -Hltn 2>/dev/null | grep -q ":$port "; do ((++port)); done
redis-server --port $port --bind 127.0.0.1 --tcp-backlog 1 --save '' --daemonize no >hole.log 2>&1 &
hole=$!
t_defer "kill -9 $hole 2>/dev/null"
t_wait 20 redis-cli -p $port ping || t_bail "no second Redis: $(tail -n 3 hole.log)"
kill -STOP "$hole"
held=()
for _ in 1 2 3 4; do
	(exec 3<>"/dev/tcp/127.0.0.1/$port" && exec sleep 300) 2>/dev/null &
	held+=($!)
done
t_defer "kill ${held[*]} 2>/dev/null"
# shellcheck disable=SC2317 # called by t_wait
drops() { ! timeout 1 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"; }
t_ok "connections to it vanish" t_wait 30 drops
cp "$raddb/mods-available/scepauth" module.socket
sed -i "s|^\tsocket = .*|&\n\tservers = \"127.0.0.1:$port\"|" "$raddb/mods-available/scepauth"
t_stop radius
t_start radius
eight "a black hole" backend_timeout
within_deadline "a black hole"
cp module.socket "$raddb/mods-available/scepauth"
t_stop radius
kill "${held[@]}" 2>/dev/null
kill -9 "$hole"; wait "$hole" 2>/dev/null

# --- a real Redis that is loading ---------------------------------------------------------------------

for ((i = 0; i < 4000; i++)); do echo "SET pad:$i x"; done | redis_as installer >/dev/null
redis_as installer BGREWRITEAOF >/dev/null
# shellcheck disable=SC2317 # called by t_wait
rewritten() { [[ $(redis_as installer INFO persistence) == *aof_rewrite_in_progress:0*aof_rewrite_scheduled:0* ]]; }
t_wait 60 rewritten || t_bail "Redis does not rewrite its file"
t_stop redis
cp "$SCEPAUTH_DIR/redis/redis.conf" redis.conf
printf 'key-load-delay 5000\nloading-process-events-interval-bytes 1024\n' >>"$SCEPAUTH_DIR/redis/redis.conf"
t_start radius
SCEPAUTH_READY_SECONDS=200 "$T_TOP/packaging/instance.sh" start "$SCEPAUTH_DIR" redis >start.redis 2>&1 &
starter=$!
# shellcheck disable=SC2317 # called by t_wait
loads() { redis_as installer PING 2>&1 | grep -q LOADING; }
t_ok "a real Redis is loading" t_wait 30 loads
mark
eapol_run sam.conf || true
t_is "and lets nobody in" "$EAP_RESULT, $(said)" "reject, reject reason=backend_error"
t_like "for that reason" "$(tail -c "+$from" "$RADIUS_LOG")" "still loading its data"
wait "$starter"
t_is "it ends" $? 0
t_ok "and the device gets in" t_wait 30 eapol_run sam.conf
cp redis.conf "$SCEPAUTH_DIR/redis/redis.conf"

# --- killed while it is asked -------------------------------------------------------------------------

sed -i 's/^\tdeadline_ms = .*/\tdeadline_ms = 10000/' "$raddb/mods-available/scepauth"
t_stop radius
t_start radius
redis_pid=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/redis.pid")
kill -STOP "$redis_pid"
mark
(eapol_run sam.conf; echo "$EAP_RESULT" >result) &
asked=$!
# shellcheck disable=SC2317 # called by t_wait
waits() { ss -Haxn | awk -v s="$REDIS_SOCKET" 'index($0, s) && $3 > 0 { found = 1 } END { exit !found }'; }
t_ok "a question waits for the answer of a stopped Redis" t_wait 10 waits
kill -9 "$redis_pid"
wait "$asked"
t_is "which is killed: refused, and not after the deadline of ten seconds" "$(<result), $(said)" "reject, reject reason=backend_down"
t_stop redis
t_start redis
t_ok "and in again when it is back" t_wait 30 eapol_run sam.conf
t_done
