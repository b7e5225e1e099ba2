#!/usr/bin/env bash
# full.sh CRASHES [SEED]: for `make fault-full`. Two workers for each processor. At the first violation it stops and
# keeps everything; the last line is "N crashes, M violations".
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/fault/lib.sh
. tests/fault/lib.sh

# they wait for disks most of the time
workers=${FAULT_WORKERS:-$((2 * $(nproc) < 8 ? 2 * $(nproc) : 8))}
crashes=$1 seed=${2:-$((EPOCHSECONDS % 1000000))}
export SCEPAUTH_BIN=${SCEPAUTH_BIN:-$PWD/build/std/bin}
bin=$(fault_programs)
dir=$(mktemp -d "${TMPDIR:-/tmp}/scepauth-faults.XXXXXX")
instances=()
for ((i = 0; i < workers; i++)); do
	fault_instance "$dir/$i" || {
		cat "$dir/$i.log"
		exit 1
	}
	instances+=("$dir/$i")
done
rc=0
"$bin/fault_crash" crashes "$seed" "$crashes" 150 "${instances[@]}" || rc=$?
if ((rc == 0)); then
	rm -rf "$dir"
else
	echo "kept: $dir; again: make fault-full FAULT_SEED=$seed"
	exit "$rc"
fi
