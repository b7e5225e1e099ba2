#!/usr/bin/env bash
# How long `scepctl rebuild` takes for a journal of 100000 certificates, into a Redis as shipped (appendfsync always).
# See README.md here.
#
#   bench/rebuild.sh        SCEPAUTH_BIN names the programs; BENCH_CERTS (100000) how many
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export SCEPAUTH_SHARE=$top SCEPAUTH_BIN=${SCEPAUTH_BIN:-$top/build/std/bin}
instance=$top/packaging/instance.sh
count=${BENCH_CERTS:-100000}
dir=$(mktemp -d "${TMPDIR:-/tmp}/scepauth-bench.XXXXXX")
trap '"$instance" stop "$dir/i" >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT

say() { # a step that failed must show its own words
	"$@" >"$dir/log" 2>&1 || { cat "$dir/log" >&2 && exit 1; }
}
seconds() { # COMMAND...: how long it took
	local began
	began=$(date +%s%N)
	"$@"
	awk -v ns=$(($(date +%s%N) - began)) 'BEGIN { printf "%.1f\n", ns / 1e9 }'
}
# shellcheck disable=SC2153
redis() { REDISCLI_AUTH=$(cat "$SCEPAUTH_DIR/secrets/redis-installer") redis-cli -s "$REDIS_SOCKET" --user installer "$@"; }

say "$instance" make "$dir/i" --fast
# shellcheck disable=SC1091
. "$dir/i/env"
say "$instance" start "$dir/i" redis
redis FLUSHALL >/dev/null
rm -rf "$SCEPAUTH_DIR/journal"
mkdir -m 700 "$SCEPAUTH_DIR/journal"
say "$SCEPAUTH_BIN/../tests/bin/journal_make" "$SCEPAUTH_DIR/journal" "$count"
ctl() { say "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" "$@"; }

echo "cores $(nproc)"
echo "redis_appendfsync $(sed -n 's/^appendfsync //p' "$SCEPAUTH_DIR/redis/redis.conf")"
echo "certificates $count"
echo "journal_mb $(du -sm "$SCEPAUTH_DIR/journal" | cut -f1)"
echo "journal_verify_s $(seconds ctl journal verify)"
redis_cpu() { redis INFO cpu | tr -d '\r' | awk -F: '/^used_cpu_(user|sys):/ { s += $2 } END { print s }'; }
before=$(redis_cpu)
TIMEFORMAT='%U %S'
{ time seconds ctl rebuild --json >"$dir/took"; } 2>"$dir/cpu"
echo "rebuild_s $(cat "$dir/took")"
echo "rebuild_cpu_s scepctl $(awk '{ print $1 + $2 }' "$dir/cpu") redis $(redis_cpu | awk -v b="$before" '{ print $1 - b }')"
cat "$dir/log"
echo "redis_mb $(redis INFO memory | sed -n 's/^used_memory:\([0-9]*\).*/\1/p' | awk '{ print int($1 / 1048576) }')"
echo "rebuild_again_s $(seconds ctl rebuild --merge --json)"
cat "$dir/log"
