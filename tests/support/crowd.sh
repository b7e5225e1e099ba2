# shellcheck shell=bash
# shellcheck disable=SC2154 # variables come from the instance's env
# crowd.sh: many people on the network at once, for tests of auto_revoke --disconnect, after lib.sh and nas.sh. Person I is
# crowd<I>, with three devices and three sessions, at one of the access points crowd_nas named.
#
#   crowd_nas COUNT PORT      access points 198.51.100.1 to .COUNT, the I-th at port PORT + I - 1; before --disconnect starts
#   crowd_people FIRST LAST   people and certificates, known to the directory "file"
#   crowd_join FIRST LAST NAS...   their sessions, spread over these access points, by the last byte of their address
#   crowd_acct FIRST LAST     the Acct-Session-Id of each of their sessions, one a line

# redis-cli says ECHO at the end, which our users may not.
crowd_pipe() { # USER < commands
	local out
	redis_as installer ACL SETUSER "$1" +echo >/dev/null
	out=$(REDISCLI_AUTH=$(<"$SCEPAUTH_DIR/secrets/redis-$1") redis-cli -s "$REDIS_SOCKET" --user "$1" --no-auth-warning --pipe 2>&1)
	[[ $out == *"errors: 0,"* ]] || t_bail "redis-cli --pipe: ${out:0:300}"
}

crowd_nas() {
	local i
	for ((i = 1; i <= $1; i++)); do nas_section "crowd$i" "\"198.51.100.$i\"" "$(($2 + i - 1))" "${@:3}"; done
}

crowd_people() {
	crowd_pipe installer < <(awk -v first="$1" -v last="$2" -v now="$(date +%s)" -v issuer="$(redis_as installer HGET group:students issuers | cut -d, -f1)" 'BEGIN {
		for (i = first; i <= last; i++) {
			id = sprintf("u%032x", 1048576 + i)
			printf "HSET user:%s source local login crowd%d name crowd%d mail \"\" groups students leave_at 0\n", id, i, i
			printf "HSET login:local crowd%d %s\n", i, id
			for (j = 1; j <= 3; j++) {
				serial = sprintf("50%028x%02x", i, j)
				printf "HSET cert:%s issuer %s user %s device d00 profile students not_before %d not_after %d state active spki x ticket x\n",
					serial, issuer, id, now - 60, now + 86400
				printf "ZADD ucerts:%s %d %s\n", id, now + 86400, serial
			}
		}
	}')
}

crowd_join() {
	local first=$1 last=$2
	shift 2
	crowd_pipe radius < <(awk -v first="$first" -v last="$last" -v list="$*" 'BEGIN {
		n = split(list, nas, " ")
		for (i = first; i <= last; i++)
			for (j = 1; j <= 3; j++)
				printf "FCALL session_open 0 %032x 50%028x%02x 36000 nas 198.51.100.%d mac 02-%02x-%02x-%02x-00-%02x acct C%d-%d login crowd%d\n",
					i * 4 + j, i, j, nas[(i * 3 + j) % n + 1], i / 65536, i / 256 % 256, i % 256, j, i, j, i
	}')
}

crowd_acct() { awk -v first="$1" -v last="$2" 'BEGIN { for (i = first; i <= last; i++) for (j = 1; j <= 3; j++) printf "C%d-%d\n", i, j }'; }
