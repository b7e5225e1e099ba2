#!/usr/bin/env bash
# The RADIUS module with several Redis servers and a real Sentinel: a server that hangs, a failover, all without a
# restart of FreeRADIUS.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis ca
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
raddb=$SCEPAUTH_DIR/raddb
w=$T_DIR/w
mkdir -p "$w"
cd "$w" || exit 1
sed -i 's/^\treject_delay = 1$/\treject_delay = 0/' "$raddb/radiusd.conf"
# Longer than a busy machine takes, and shorter than Sentinel needs.
sed -i "s/^\tdeadline_ms = .*/\tdeadline_ms = 1000/" "$raddb/mods-available/scepauth"
cp "$raddb/mods-available/scepauth" module.good

# --- a device -----------------------------------------------------------------------------------------
openssl genrsa -out k.pem 2048 2>/dev/null
challenge=$("$tool" mint "$SCEPAUTH_CONF" students login=sam)
ra=$SCEPAUTH_DIR/ca/students/ra.pem
"$tool" request "$ra" k.pem request.der challenge="$challenge" >/dev/null
curl -s -o reply.der --data-binary @request.der "$SCEP_URL/scep/students?operation=PKIOperation"
"$tool" reply "$ra" k.pem reply.der cert.der >/dev/null
openssl x509 -inform der -in cert.der -out cert.pem || t_bail "no certificate"
eapol_conf sam.conf cert.pem k.pem
t_stop ca

# --- a second Redis and a Sentinel ----------------------------------------------------------------------
port=$((20000 + RANDOM % 4000 * 3))
while ss -Hltn 2>/dev/null | grep -qE ":($port|$((port + 1))|$((port + 2))) "; do port=$((port + 3)); done
first=$port second=$((port + 1)) sentinel=$((port + 2))
secret=$(cat "$SCEPAUTH_DIR/secrets/redis-installer")
redis_as installer CONFIG SET bind 127.0.0.1 >/dev/null
redis_as installer CONFIG SET port "$first" >/dev/null
redis_as installer CONFIG SET masteruser installer masterauth "$secret" >/dev/null
at() { # PORT COMMAND ...
	local port=$1
	shift
	REDISCLI_AUTH=$secret timeout 10 redis-cli -h 127.0.0.1 -p "$port" --user installer "$@" 2>&1
}
started=()
redis() { # NAME CONFIGURATION [OPTION]
	mkdir -m 700 "$w/$1"
	(umask 077 && printf '%s\n' "$2" >"$w/$1/conf")
	redis-server "$w/$1/conf" --dir "$w/$1" --logfile "$w/$1/log" --bind 127.0.0.1 "${@:3}" >/dev/null 2>&1 &
	started+=($!)
	t_defer "kill -9 $! 2>/dev/null"
}
cp "$SCEPAUTH_DIR/redis/users.acl" "$w/users.acl"
redis replica "port $second
aclfile $w/users.acl
masteruser installer
masterauth $secret
replicaof 127.0.0.1 $first
replica-serve-stale-data no"
t_wait 20 eval 'at $second INFO replication | grep -q master_link_status:up' || t_bail "no replica: $(tail -n 5 replica/log)"
redis sentinel "port $sentinel
sentinel monitor campus 127.0.0.1 $first 1
sentinel auth-user campus installer
sentinel auth-pass campus $secret
sentinel down-after-milliseconds campus 1000
sentinel failover-timeout campus 5000" --sentinel
primary_is() { redis-cli -h 127.0.0.1 -p "$sentinel" SENTINEL get-master-addr-by-name campus 2>/dev/null | grep -qx "$1"; }
t_ok "a Sentinel watches" t_wait 20 primary_is "$first"
t_wait 20 eval 'redis-cli -h 127.0.0.1 -p $sentinel SENTINEL replicas campus | grep -qx $second' || t_bail "no replica known"

# --- looking --------------------------------------------------------------------------------------------
# use SERVERS [MORE]: what the module is told, and FreeRADIUS with it
use() {
	sed "s|^\tsocket = .*|&\n\tservers = \"$1\"\n${2-}|" "$w/module.good" >"$raddb/mods-available/scepauth"
	t_stop radius 2>/dev/null
	t_start radius
}
mark() { from=$(($(stat -c %s "$RADIUS_LOG") + 1)); }
reasons() { tail -c "+$from" "$RADIUS_LOG" | sed -n 's/.*scepauth: reject reason=\([a-z_]*\) .*/\1/p' | sort -u | paste -sd' '; }
connect() {
	mark
	eapol_run sam.conf
	[[ $EAP_RESULT == accept ]]
}
# shellcheck disable=SC2317 # called by t_ok
refused() { ! connect && [[ $(reasons) =~ ^($1)$ ]]; }
primary_pid=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/redis.pid")

# --- a list ----------------------------------------------------------------------------------------------
use "127.0.0.1:$first, 127.0.0.1:$second"
t_ok "the first of two answers" connect
kill -STOP "$primary_pid"
t_ok "the first hangs: the second is asked within the same deadline" connect
kill -CONT "$primary_pid"
use "127.0.0.1:1, unix:$w/none, 127.0.0.1:$second"
t_ok "what is not there is passed by" connect
use "127.0.0.1:1, 127.0.0.1:1"
t_ok "nobody is there" refused backend_down
t_like "a name is refused at the start" "$(sed "s|^\tsocket = .*|&\n\tservers = \"localhost:6379\"|" module.good >"$raddb/mods-available/scepauth"
	env "${T_RADIUS_ENV[@]}" freeradius -XC -d "$raddb" 2>&1)" 'localhost:6379.* is none of unix:PATH'

# --- Sentinel ---------------------------------------------------------------------------------------------
use "sentinel:127.0.0.1:1, sentinel:127.0.0.1:$sentinel" '\tsentinel_name = "nobody"'
t_ok "Sentinel does not know the name" refused backend_error
use "sentinel:127.0.0.1:1, sentinel:127.0.0.1:$sentinel" '\tsentinel_name = "campus"'
t_ok "Sentinel says where the primary is" connect
pid=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/radius.pid")
kill -STOP "$primary_pid"
t_ok "the primary hangs: refused" refused 'backend_timeout|backend_down'
t_ok "Sentinel makes the other one the primary" t_wait 60 primary_is "$second"
t_ok "which is found without a restart" t_wait 30 connect
t_is "by the same process" "$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/radius.pid")" "$pid"
t_like "and is told of the connection" "$(t_wait 20 eval '[[ $(at $second KEYS "session:*") == *session:* ]]'; at "$second" KEYS 'session:*')" session:
kill -CONT "$primary_pid"
t_ok "the old primary becomes a replica" t_wait 60 eval '[[ $(at $first ROLE | head -n 1) == slave ]]'
t_ok "and nobody minds" connect
at "$second" HSET "revoked" "$(openssl x509 -in cert.pem -noout -serial | sed 's/serial=//' | tr A-F a-f)" "1 helen x" >/dev/null
t_ok "revoked at the new primary" refused cert_revoked
t_done
