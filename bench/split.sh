#!/usr/bin/env bash
# What the walls of scep_ca cost: enrolments per second with its roles as processes, and with the same code in one
# process without walls, turn and turn about on the same instance. See README.md here.
#
#   bench/split.sh          SCEPAUTH_BIN names the programs; BENCH_SECONDS (5) bounds each measurement, BENCH_ROUNDS (3)
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export SCEPAUTH_SHARE=$top SCEPAUTH_BIN=${SCEPAUTH_BIN:-$top/build/std/bin}
instance=$top/packaging/instance.sh
tools=$SCEPAUTH_BIN/../tests/bin
seconds=${BENCH_SECONDS:-5} rounds=${BENCH_ROUNDS:-3} connections=8
dir=$(mktemp -d "${TMPDIR:-/tmp}/scepauth-bench.XXXXXX")
one=
trap '[[ -z $one ]] || kill "$one" 2>/dev/null || true; "$instance" stop "$dir/i" >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT

say() { # a step that failed must show its own words
	"$@" >"$dir/log" 2>&1 || { cat "$dir/log" >&2 && exit 1; }
}
say "$instance" make "$dir/i"
# shellcheck disable=SC1091
. "$dir/i/env"
say "$instance" start "$dir/i" redis

n=0
measure() { # leaves RATE
	# shellcheck disable=SC2153
	"$tools/scep_tool" mint "$SCEPAUTH_CONF" students login="bench$((++n))" count=1500 >"$dir/challenges"
	# shellcheck disable=SC2153
	"$tools/scep_load" "${SCEP_URL##*:}" students "$SCEPAUTH_DIR/ca/students/ra.pem" $connections "$seconds" \
		<"$dir/challenges" >"$dir/result"
	RATE=$(sed -n 's/^per_second=//p' "$dir/result")
}
split() {
	say "$instance" start "$dir/i" ca
	measure
	say "$instance" stop "$dir/i" ca
}
in_one() {
	: >"$dir/one.log"
	"$tools/scep_inprocess" "$SCEPAUTH_CONF" >"$dir/one.log" 2>&1 &
	one=$!
	for _ in {1..200}; do
		grep -q ' ready ' "$dir/one.log" && break
		kill -0 "$one" || { cat "$dir/one.log" >&2 && exit 1; }
		sleep 0.05
	done
	measure
	kill "$one"
	wait "$one" || true
	one=
}
echo "cores $(nproc)"
echo "connections $connections"
split=() in_one=()
for ((i = 0; i < rounds; i++)); do
	in_one
	in_one+=("$RATE")
	split
	split+=("$RATE")
done
echo "in_one_process_per_s ${in_one[*]}"
echo "split_per_s ${split[*]}"
printf '%s\n' "${split[@]}" - "${in_one[@]}" | awk '
	$1 == "-" { other = 1; next }
	other { b += $1; next }
	{ a += $1 }
	END { printf "ratio split_vs_inprocess %.3f\n", a / b }'
