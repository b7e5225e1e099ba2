# shellcheck shell=bash
# shellcheck disable=SC2154 # variables come from the instance's env
# nas.sh: access points and sessions for tests of auto_revoke --disconnect, after lib.sh.

double=$SCEPAUTH_BIN/../tests/bin/nas_double
NAS_SECRET=a-secret-of-tests

# nas_section NAME ADDRESSES PORT [KEY=VALUE ...]: another kind of access point.
nas_section() {
	local name=$1 address=$2 port=$3 pair
	shift 3
	(umask 077 && echo "$NAS_SECRET" >"$SCEPAUTH_DIR/secrets/nas-$name")
	{
		printf 'nas "%s" {\n\taddress = { %s }\n\tsecret = "secrets/nas-%s"\n' "$name" "$address" "$name"
		printf '\tport = %s\n\tsend-to = "127.0.0.1"\n' "$port"
		for pair in "$@"; do printf '\t%s = "%s"\n' "${pair%%=*}" "${pair#*=}"; done
		echo "}"
	} >>"$SCEPAUTH_CONF"
}

nas_port() { nas_ports 1; } # a port that is free now
nas_ports() { # COUNT: the first of so many in a row
	local port i
	while :; do
		port=$((20000 + RANDOM % 12000))
		for ((i = 0; i < $1; i++)); do
			! grep -qi ":$(printf %04X "$((port + i))") " /proc/net/udp || continue 2
		done
		break
	done
	echo "$port"
}

# nas_start NAME PORT[-LAST] BEHAVIOUR...: what it sees goes to $T_DIR/NAME.nas
declare -A NAS_PID
nas_start() {
	local name=$1 port=$2
	shift 2
	"$double" "$port" "$NAS_SECRET" "$@" >"$T_DIR/$name.nas" 2>&1 &
	NAS_PID[$name]=$!
	t_wait 10 grep -q ready "$T_DIR/$name.nas" || t_bail "no access point: $(cat "$T_DIR/$name.nas")"
}
nas_stop() {
	[[ -n ${NAS_PID[$1]-} ]] || return 0
	kill "${NAS_PID[$1]}" 2>/dev/null
	wait "${NAS_PID[$1]}" 2>/dev/null
	unset "NAS_PID[$1]"
}
nas_stop_all() { for name in "${!NAS_PID[@]}"; do nas_stop "$name"; done; }

# person LOGIN GROUP: with an active certificate; leaves its serial in SERIAL[LOGIN], the id in ID[LOGIN].
declare -A SERIAL ID
person() {
	local login=$1 group=$2 now n
	now=$(date +%s)
	n=$((${#ID[@]} + 1))
	ID[$login]=$(redis_as portal FCALL user_put 0 local "$login" "u$(printf %032x "$((4096 + n))")" "$login" "" "$group" 0)
	SERIAL[$login]=40$(printf %030x "$n")
	redis_as installer HSET "cert:${SERIAL[$login]}" issuer "$(redis_as installer HGET "group:$group" issuers | cut -d, -f1)" \
		user "${ID[$login]}" device d00 profile "$group" not_before "$((now - 60))" not_after "$((now + 86400))" \
		state active spki '' ticket '' >/dev/null
	redis_as installer ZADD "ucerts:${ID[$login]}" "$((now + 86400))" "${SERIAL[$login]}" >/dev/null
}

# on_network LOGIN NAS [FIELD VALUE ...]: a session as the RADIUS module notes it; its token is TOKEN.
on_network() {
	local login=$1 nas=$2
	shift 2
	TOKEN=$(head -c 16 /dev/urandom | xxd -p)
	redis_as radius FCALL session_open 0 "$TOKEN" "${SERIAL[$login]}" 3600 nas "$nas" mac 02-00-00-00-00-01 acct "A-$login" \
		login "$login" nas_ip 192.0.2.200 "$@" >/dev/null
}
is_on() { [[ $(redis_as installer EXISTS "session:$1") == 1 ]]; }
is_off() { ! is_on "$1"; }
receipt() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" --json receipts "$1" | jq -r ".receipts[0].$2"; }
receipt_is() { [[ $(receipt "$1" "$2") == "$3" ]]; }
