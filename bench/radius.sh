#!/usr/bin/env bash
# What deciding about a certificate costs FreeRADIUS, on this machine, in one run: bare EAP-TLS, the same with rlm_scepauth,
# and with what else one would take; and the stock configuration against a tuned one. See README.md here.
#
#   bench/radius.sh          SCEPAUTH_BIN names the programs; BENCH_ROUNDS (8) of BENCH_SECONDS (2) for each; BENCH_ROWS
#   BENCH_COUNT=1 bench/radius.sh   counts the server's instructions (valgrind) in place of time: the same on a busy machine
#
# All servers run from the beginning and are loaded in turn, in every other round backwards. Each has processor 0, and
# what it asks, and the devices, have the others. The result ends with lines `ratio NAME VALUE`: medians of the rounds.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export SCEPAUTH_SHARE=$top SCEPAUTH_BIN=${SCEPAUTH_BIN:-$top/build/std/bin}
instance=$top/packaging/instance.sh
seconds=${BENCH_SECONDS:-2} rounds=${BENCH_ROUNDS:-8}
dir=$(mktemp -d "${TMPDIR:-/tmp}/scepauth-bench.XXXXXX")
pids=()
cleanup() {
	((${#pids[@]} == 0)) || kill "${pids[@]}" 2>/dev/null || true
	"$instance" stop "$dir/i" >/dev/null 2>&1 || true
	wait
	if [[ ${BENCH_KEEP-} == 1 ]]; then echo "kept $dir" >&2; else rm -rf "$dir"; fi
}
trap cleanup EXIT

die() { echo "bench: $*" >&2 && exit 1; }
say() { # a step that failed must show its own words
	"$@" >"$dir/log" 2>&1 || { cat "$dir/log" >&2 && exit 1; }
}
compgen -G "/usr/lib/*/freeradius/rlm_redis.so" >/dev/null || compgen -G "/usr/lib/freeradius/rlm_redis.so" >/dev/null || die "no stock rlm_redis here: packaging/deps.sh --bench"
[[ -r /etc/freeradius/3.0/radiusd.conf ]] || die "the stock configuration cannot be read: run as root, packaging/deps.sh --bench"

cores=$(nproc)
((cores > 1)) && others=1-$((cores - 1)) || others=0
on() { taskset -c "$@"; }

# --- an instance, people and certificates -------------------------------------------------------------

say on "$others" "$instance" make "$dir/i" -- --group staff:20 --group students:30
# shellcheck disable=SC1091,SC2153
. "$dir/i/env"
say on "$others" "$instance" start "$dir/i" redis ca
redis_as() {
	local user=$1
	shift
	# shellcheck disable=SC2153 # from env above
	REDISCLI_AUTH=$(cat "$SCEPAUTH_DIR/secrets/redis-$user") redis-cli -s "$REDIS_SOCKET" --user "$user" "$@"
}

ca=$SCEPAUTH_DIR/ca/staff now=$(date +%s)
key_id=$(openssl x509 -in "$ca/issuing.pem" -noout -ext subjectKeyIdentifier | tail -n 1 | tr -d ' :\n' | tr A-F a-f)
port=$((RADIUS_PORT + 40))
own_redis=$((port + 30))
redis-server --port "$own_redis" --bind 127.0.0.1 --save '' --dir "$dir" >"$dir/redis.log" 2>&1 &
own_redis_pid=$!
pids+=("$own_redis_pid")
taskset -cp "$others" "$own_redis_pid" >/dev/null

# issue NAME SERIAL OPENSSL_REQ_NEWKEY...: into the folder NAME is in, and into both ledgers.
issue() {
	local name=$1 serial=$2
	shift 2
	openssl req -new -nodes -newkey "$@" -keyout "$name.key" -subj "/CN=${name##*/}" -out "$name.csr" 2>/dev/null
	openssl x509 -req -in "$name.csr" -CA "$ca/issuing.pem" -CAkey "$ca/issuing.key" -set_serial "0x$serial" -days 5 \
		-out "$name.pem" -extfile <(printf '%s\n' 'basicConstraints=critical,CA:FALSE' \
			'keyUsage=critical,digitalSignature' 'extendedKeyUsage=clientAuth' 'authorityKeyIdentifier=keyid:always') 2>/dev/null
	redis_as installer HSET "user:u$serial" source local login "${name##*/}@example.edu" name a email "" groups staff leave_at 0 >/dev/null
	redis_as installer HSET "cert:$serial" issuer "$key_id" user "u$serial" device "d$serial" profile staff state active \
		not_before $((now - 3600)) not_after $((now + 400000)) spki aa ticket bb >/dev/null
	redis-cli -p "$own_redis" HSET "cert:$serial" user "u$serial" state active >/dev/null
}
ec=(ec -pkeyopt ec_paramgen_curve:P-256)
mkdir "$dir/rsa" "$dir/ec"
for n in {1..8}; do
	issue "$dir/rsa/r$n" "1111222233334444555566667777888$n" rsa:2048
	issue "$dir/ec/e$n" "1111222233334444555566667777889$n" "${ec[@]}"
done

# --- servers ------------------------------------------------------------------------------------------

# All are configured; BENCH_ROWS names those that run.
count=${BENCH_COUNT:-0} under=()
if [[ $count == 1 ]]; then
	command -v valgrind >/dev/null || die "no valgrind here: packaging/deps.sh --bench"
	read -ra names <<<"${BENCH_ROWS:-bare empty module verdict redis}"
else
	read -ra names <<<"${BENCH_ROWS:-bare empty module verdict redis crl ocsp stock tuned}"
fi
declare -A port_of pid_of ca_of dir_of backend_of
next_port() { ((port += 2)); }

# ours NAME: a copy of the configuration as shipped, to be changed before start.
ours() {
	local to=$dir/$1
	mkdir -p "$to/log" "$to/run"
	cp -a "$SCEPAUTH_DIR/raddb" "$to/raddb"
	next_port
	sed -i -e "s|^scepauth_dir = .*|scepauth_dir = \"$to\"|" -e "s|^\(scepauth_auth_port =\).*|\1 $port|" \
		-e "s|^\(scepauth_acct_port =\).*|\1 $((port + 1))|" "$to/raddb/instance.conf"
	port_of[$1]=$port ca_of[$1]=$ROOT_CERT dir_of[$1]=$dir/ec
	conf=$to/raddb
}
# A line in the log for each accept, as the module writes one: nobody runs a network without.
accepts_logged() { sed -i 's/^\tauth_accept = no/\tauth_accept = yes/' "$conf/radiusd.conf"; }
without_module() { # whoever has a certificate is let in
	accepts_logged
	sed -i '/virtual_server = check-eap-tls/d' "$conf/mods-available/eap"
}

ours bare
without_module
ours module

ours empty # the way to a decision, and none
accepts_logged
rm "$conf/mods-enabled/scepauth"
sed -i '/accounting {/,/}/d' "$conf/sites-available/default"
printf '%s\n' 'server check-eap-tls {' 'authorize {' 'update control {' '&Auth-Type := Accept' '}' '}' '}' >"$conf/sites-available/check-eap-tls"

ours verdict # the same, and nobody is told who is where
sed -i "s/^\tnotes = .*/\tnotes = 0/" "$conf/mods-available/scepauth"

ours redis
cat >"$conf/mods-enabled/redis" <<CONF
redis {
	server = 127.0.0.1
	port = $own_redis
	pool {
		start = 4
		min = 4
		max = 32
		spare = 4
		uses = 0
		lifetime = 0
		idle_timeout = 0
	}
}
CONF
accepts_logged
rm "$conf/mods-enabled/scepauth"
sed -i '/accounting {/,/}/d' "$conf/sites-available/default"
# The least that would do: is it in the ledger, is it revoked.
cat >"$conf/sites-available/check-eap-tls" <<'CONF'
server check-eap-tls {
	authorize {
		if ("%{redis:HGET cert:%{TLS-Client-Cert-Serial} state}" != "active") {
			reject
		}
		if ("%{redis:HEXISTS revoked %{TLS-Client-Cert-Serial}}" != "0") {
			reject
		}
		update control {
			&Auth-Type := Accept
		}
		update reply {
			&Tunnel-Type := VLAN
			&Tunnel-Medium-Type := IEEE-802
			&Tunnel-Private-Group-Id := "20"
		}
	}
}
CONF

ours crl
without_module
mkdir "$dir/crldb"
awk 'BEGIN { for (i = 0; i < 100000; i++)
	printf "R\t400101000000Z\t251101000000Z\t4%031d\tunknown\t/CN=x%d\n", i, i }' >"$dir/crldb/index"
echo 01 >"$dir/crldb/number"
printf '%s\n' '[ca]' 'default_ca = it' '[it]' "database = $dir/crldb/index" "crlnumber = $dir/crldb/number" 'default_md = sha256' \
	"certificate = $ca/issuing.pem" "private_key = $ca/issuing.key" >"$dir/crldb/conf"
say openssl ca -gencrl -config "$dir/crldb/conf" -crldays 5 -out "$dir/crl.pem"
cat "$SCEPAUTH_DIR/radius/client-ca.pem" "$dir/crl.pem" >"$dir/ca-and-crl.pem"
sed -i "s|^scepauth_client_ca = .*|scepauth_client_ca = \"$dir/ca-and-crl.pem\"|" "$conf/instance.conf"
sed -i 's/check_crl = no/check_crl = yes/' "$conf/mods-available/eap"

ours ocsp
without_module
sed -i '/^\t\tocsp {/,/^\t\t}/c\		ocsp {\
			enable = yes\
			override_cert_url = yes\
			url = "'"$SCEP_URL"'/ocsp"\
			use_nonce = yes\
			timeout = 5\
			softfail = no\
		}' "$conf/mods-available/eap"

# As Debian ships it, but for the certificates, and clients that may ask.
next_port
port_of[stock]=$port ca_of[stock]=$ROOT_CERT dir_of[stock]=$dir/rsa
mkdir -p "$dir/stock/log" "$dir/stock/run"
cp -a /etc/freeradius/3.0 "$dir/stock/raddb"
sed -i -e "s|^raddbdir = .*|raddbdir = $dir/stock/raddb|" -e "s|^logdir = .*|logdir = $dir/stock/log|" \
	-e "s|^run_dir = .*|run_dir = $dir/stock/run|" -e 's/^\t\(user\|group\) = .*//' "$dir/stock/raddb/radiusd.conf"
awk -v port="$port" '/^[ \t]*port = 0/ { sub(/0/, port + n++) } { sub(/^[ \t]*ipv6addr = ::/, "ipaddr = 127.0.0.1 #"); sub(/^[ \t]*ipaddr = \*/, "ipaddr = 127.0.0.1"); print }' \
	/etc/freeradius/3.0/sites-available/default >"$dir/stock/raddb/sites-available/default"
sed -i "s/port = 18120/port = $((port + 4))/" "$dir/stock/raddb/sites-available/inner-tunnel"
next_port && next_port
sed -i "s|secret = testing123|secret = $RADIUS_SECRET|" "$dir/stock/raddb/clients.conf"
sed -i -e "s|private_key_file = .*|private_key_file = $SCEPAUTH_DIR/radius/server.key|" \
	-e "s|certificate_file = .*|certificate_file = $SCEPAUTH_DIR/radius/server.pem|" \
	-e "s|ca_file = .*|ca_file = $SCEPAUTH_DIR/radius/client-ca.pem|" "$dir/stock/raddb/mods-available/eap"

# The module, and a key on P-256 for the server too; one certificate in the server's chain.
ours tuned
openssl req -x509 -new -nodes -newkey "${ec[@]}" -keyout "$dir/root.key" -subj /CN=root -days 5 -out "$dir/root.pem" 2>/dev/null
openssl req -new -nodes -newkey "${ec[@]}" -keyout "$dir/server.key" -subj /CN=radius.example.edu -out "$dir/server.csr" 2>/dev/null
openssl x509 -req -in "$dir/server.csr" -CA "$dir/root.pem" -CAkey "$dir/root.key" -set_serial 1 -days 5 -out "$dir/server.pem" \
	-extfile <(echo extendedKeyUsage=serverAuth) 2>/dev/null
sed -i -e "s|^scepauth_server_cert = .*|scepauth_server_cert = \"$dir/server.pem\"|" \
	-e "s|^scepauth_server_key = .*|scepauth_server_key = \"$dir/server.key\"|" "$conf/instance.conf"
ca_of[tuned]=$dir/root.pem

backend_of=([bare]="" [empty]="" [module]=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/redis.pid") [verdict]=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/redis.pid") [redis]=$own_redis_pid [crl]=""
	[ocsp]=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/ca.pid") [stock]="" [tuned]=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/redis.pid"))

for name in "${names[@]}"; do
	[[ $count != 1 ]] || under=(valgrind --quiet --tool=callgrind --instr-atstart=no "--callgrind-out-file=$dir/$name.count")
	PATH=$PATH:/usr/sbin taskset -c 0 "${under[@]}" freeradius -f -l "$dir/$name.log" -d "$dir/$name/raddb" &
	pid_of[$name]=$!
	pids+=($!)
done
for name in "${names[@]}"; do
	until grep -qs 'Ready to process requests' "$dir/$name.log"; do
		kill -0 "${pid_of[$name]}" 2>/dev/null || { tail -n 5 "$dir/$name.log" >&2 && die "the server '$name' does not start"; }
		((SECONDS < 120)) || die "the server '$name' is not ready"
		sleep 0.1
	done
done

# --- measuring ----------------------------------------------------------------------------------------

ticks() { # PID...: processor time of these and their children, in 1/100 s
	local pid all=("$@")
	for pid in "$@"; do
		# shellcheck disable=SC2207
		all+=($(cat "/proc/$pid/task/$pid/children" 2>/dev/null || true))
	done
	for pid in "${all[@]}"; do cat "/proc/$pid/stat" 2>/dev/null || true; done |
		awk '{ sub(/.*\) /, ""); n += $12 + $13 } END { print n + 0 }'
}

measure() { # NAME: a row in results
	local name=$1 out before behind
	before=$(ticks "${pid_of[$name]}")
	# shellcheck disable=SC2086
	behind=$(ticks ${backend_of[$name]})
	out=$(on "$others" "$SCEPAUTH_BIN/eap_load" --dir "${dir_of[$name]}" --ca "${ca_of[$name]}" -c 16 -t "$seconds" --json \
		"127.0.0.1:${port_of[$name]}") || jq -e '.outcomes | .accept * 2 > add' <<<"$out" >/dev/null ||
		{ echo "$out" >&2 && tail -n 5 "$dir/$name.log" >&2 && die "'$name' does not accept people"; }
	# shellcheck disable=SC2086
	jq -r --arg name "$name" --argjson server $(($(ticks "${pid_of[$name]}") - before)) \
		--argjson behind $(($(ticks ${backend_of[$name]}) - behind)) '.outcomes.accept as $n | [$name, .window_accepts * 1e6 / .window_us,
		.accept_us.p50 / 1000, .accept_us.p99 / 1000, $server * 10 / $n, $behind * 10 / $n, .requests / $n,
		.own_cpu_us / .elapsed_us, (.outcomes | add - .accept)] | @tsv' <<<"$out" >>"$dir/results"
}

echo "cores $cores"
echo "processor $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
echo "freeradius $(PATH=$PATH:/usr/sbin freeradius -v | sed -n 's/.*Version \([0-9.]*\).*/\1/p' | head -n 1)"
echo "openssl $(openssl version | cut -d' ' -f2)"
echo "load_average $(cut -d' ' -f1 /proc/loadavg) before"
[[ $count == 1 ]] || awk -v cores="$cores" '$1 > cores / 2 { print "note: other work is going on; repeat this when the machine is calm" }' /proc/loadavg
export RADIUS_SECRET
for name in "${names[@]}"; do # everything loaded, every connection made
	say "$SCEPAUTH_BIN/eap_load" --dir "${dir_of[$name]}" --ca "${ca_of[$name]}" -n 40 "127.0.0.1:${port_of[$name]}"
done
# Of the server alone and outside the kernel. Two devices, so that no worker waits for another.
instructions() { # NAME
	local name=$1 n=200
	callgrind_control -i on "${pid_of[$name]}" >/dev/null 2>&1
	say "$SCEPAUTH_BIN/eap_load" --dir "${dir_of[$name]}" --ca "${ca_of[$name]}" -c 2 -n "$n" "127.0.0.1:${port_of[$name]}"
	sleep 1 # what is done after the answer
	callgrind_control -d "${pid_of[$name]}" >/dev/null 2>&1
	callgrind_control -i off "${pid_of[$name]}" >/dev/null 2>&1
	awk -v n="$n" '$1 == "totals:" { printf "%.0f\n", $2 / n }' "$dir/$name.count.1"
}
if [[ $count == 1 ]]; then
	declare -A took
	for name in "${names[@]}"; do
		took[$name]=$(instructions "$name")
		[[ -n ${took[$name]} ]] || die "valgrind did not count '$name'"
		echo "instructions_per_auth $name ${took[$name]}"
	done
	for name in "${names[@]}"; do
		[[ $name == bare || -z ${took[bare]-} ]] ||
			awk -v name="$name" -v a="${took[bare]}" -v b="${took[$name]}" 'BEGIN { printf "ratio %s_vs_bare_by_instructions %.3f\n", name, a / b }'
	done
	exit 0
fi

: >"$dir/results"
for ((round = 0; round < rounds; round++)); do
	for ((i = 0; i < ${#names[@]}; i++)); do
		measure "${names[$((round % 2 ? ${#names[@]} - 1 - i : i))]}"
	done
done
echo "load_average $(cut -d' ' -f1 /proc/loadavg) after"

awk -v names="${names[*]}" '
	function median(list,   a, n, i, j, t) {
		n = split(list, a, " ")
		for (i = 2; i <= n; i++) for (j = i; j > 1 && a[j - 1] + 0 > a[j] + 0; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
		return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
	}
	function ratio(what, one, other, column, turned,   i, list) {
		if (!n[one] || !n[other]) return
		for (i = 1; i <= n[one]; i++) list = list " " (turned ? v[other, i, column] / v[one, i, column] : v[one, i, column] / v[other, i, column])
		printf "ratio %s %.3f\n", what, median(list)
	}
	{ n[$1]++; lost[$1] += $9; for (i = 2; i <= NF; i++) { v[$1, n[$1], i] = $i; all[$1, i] = all[$1, i] " " $i } if ($8 > 0.9) busy = 1 }
	END {
		k = split(names, name, " ")
		for (i = 1; i <= k; i++) {
			x = name[i]
			printf "auths_per_s %s %.1f\n", x, median(all[x, 2])
			printf "latency_ms %s p50 %.1f p99 %.1f\n", x, median(all[x, 3]), median(all[x, 4])
			printf "cpu_ms_per_auth %s server %.2f behind %.2f\n", x, median(all[x, 5]), median(all[x, 6])
			printf "requests_per_auth %s %.1f\n", x, median(all[x, 7])
			if (lost[x]) printf "not_accepted %s %d\n", x, lost[x]
		}
		if (busy) print "note: the devices needed more than 90 % of a core and may have been the limit"
		split("redis crl ocsp", other, " ")
		for (i = 1; i <= 3; i++) ratio("module_vs_" other[i], "module", other[i], 2)
		ratio("empty_vs_bare", "empty", "bare", 2)
		ratio("empty_vs_bare_by_cpu", "empty", "bare", 5, 1)
		ratio("module_vs_empty", "module", "empty", 2)
		ratio("module_vs_empty_by_cpu", "module", "empty", 5, 1)
		ratio("verdict_vs_redis", "verdict", "redis", 2)
		ratio("verdict_vs_bare", "verdict", "bare", 2)
		ratio("verdict_vs_redis_by_cpu", "verdict", "redis", 5, 1)
		ratio("verdict_vs_bare_by_cpu", "verdict", "bare", 5, 1)
		ratio("module_vs_bare_by_cpu", "module", "bare", 5, 1)
		ratio("module_vs_redis_by_cpu", "module", "redis", 5, 1)
		ratio("tuned_vs_stock_by_cpu", "tuned", "stock", 5, 1)
		ratio("tuned_vs_stock", "tuned", "stock", 2)
		ratio("module_vs_bare", "module", "bare", 2)
	}' "$dir/results"
