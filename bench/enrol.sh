#!/usr/bin/env bash
# Enrolments per second of scep_ca, with Redis as shipped (appendfsync always), by 1 and by 8 connections,
# beside what one core of this machine does of RSA-2048 signatures at the same hour. See README.md here.
#
#   bench/enrol.sh          SCEPAUTH_BIN names the programs; BENCH_SECONDS (6) bounds each measurement
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export SCEPAUTH_SHARE=$top SCEPAUTH_BIN=${SCEPAUTH_BIN:-$top/build/std/bin}
instance=$top/packaging/instance.sh
tools=$SCEPAUTH_BIN/../tests/bin
seconds=${BENCH_SECONDS:-6}
dir=$(mktemp -d "${TMPDIR:-/tmp}/scepauth-bench.XXXXXX")
trap '"$instance" stop "$dir/i" >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT

say() { # a step that failed must show its own words
	"$@" >"$dir/log" 2>&1 || { cat "$dir/log" >&2 && exit 1; }
}
bits() { openssl x509 -in "$1" -noout -text | sed -n 's/.*Public-Key: (\([0-9]*\) bit)/\1/p'; }

say "$instance" make "$dir/i"
# shellcheck disable=SC1091
. "$dir/i/env"
say "$instance" start "$dir/i" redis ca

# shellcheck disable=SC2153
ra=$SCEPAUTH_DIR/ca/students/ra.pem
echo "cores $(nproc)"
echo "openssl $(openssl version | cut -d' ' -f2)"
echo "redis_appendfsync $(sed -n 's/^appendfsync //p' "$SCEPAUTH_DIR/redis/redis.conf")"
echo "ra_key_bits $(bits "$ra")"
echo "issuing_key_bits $(bits "$SCEPAUTH_DIR/ca/students/issuing.pem")"

# enrol THREADS TICKETS
enrol() {
	"$tools/scep_tool" mint "$SCEPAUTH_CONF" students login="bench$1" count="$2" >"$dir/challenges"
	"$tools/scep_load" "${SCEP_URL##*:}" students "$ra" "$1" "$seconds" <"$dir/challenges" >"$dir/result"
	rate=$(sed -n 's/^per_second=//p' "$dir/result")
	echo "enrolments_per_s $1 $rate"
	echo "latency_ms $1 median $(sed -n 's/^median_ms=//p' "$dir/result") p99 $(sed -n 's/^p99_ms=//p' "$dir/result")"
}
enrol 1 500
one=$rate
enrol 8 1000
eight=$rate
signs=$(openssl speed -mr -seconds 2 rsa2048 2>/dev/null | sed -n 's/^+F2:[0-9]*:2048:\([0-9.]*\):.*/\1/p')
echo "openssl_rsa2048_sign_per_s $signs"
awk -v one="$one" -v eight="$eight" -v signs="$signs" 'BEGIN {
	printf "ratio_to_sign 1 %.3f\nratio_to_sign 8 %.3f\n", one / signs, eight / signs
}'
