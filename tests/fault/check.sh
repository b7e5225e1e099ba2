#!/usr/bin/env bash
# check.sh INSTANCE PROGRAMS: are the invariants I1 to I7 kept? Of an instance whose CA has settled and ended while
# its Redis runs (run/real.sock): reads the clients' history, the journal and Redis, and asks what the RADIUS
# module would say to every serial. PROGRAMS is the folder of fault_crash. Prints what is wrong, exit 1 then.
# check.sh --files DIR: the same from the files that it would have made of those: history, journal, redis, verdicts.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

gather() { # INSTANCE PROGRAMS DIR
	local ctl=$SCEPAUTH_BIN/scepctl
	cp "$1/history" "$3/history"
	"$ctl" -c "$1/scepauth.conf" journal verify >"$3/verify" 2>&1 || {
		echo "I2: the journal does not verify: $(cat "$3/verify")"
		return 1
	}
	"$ctl" -c "$1/scepauth.conf" journal export |
		jq -r '[.seq, .type, (.fields | .serial // "-", .ticket // "-", .spki // "-", .user // "-", .der // "-")] | @tsv' >"$3/journal"
	REDISCLI_AUTH=$(cat "$1/secrets/redis-installer") redis-cli -s "$1/run/real.sock" --user installer \
		EVAL "$(cat "$here/dump.lua")" 0 >"$3/redis"
	grep -q '^end' "$3/redis" || {
		echo "Redis was not read: $(head -c 300 "$3/redis")"
		return 1
	}
	awk -F'\t' '$1 == "cert" { print $2, $7 }' "$3/redis" | "$2/fault_crash" verdicts "$1" >"$3/verdicts"
}

if [[ $1 == --files ]]; then
	dir=$2
else
	dir=$1/checked
	rm -rf "$dir"
	mkdir -p "$dir"
	gather "$1" "$2" "$dir" || exit 1
fi
awk -F'\t' -f "$here/check.awk" "$dir/journal" "$dir/redis" "$dir/verdicts" "$dir/history"
