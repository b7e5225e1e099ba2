# shellcheck shell=bash
# lib.sh: worlds for the fault tests. Sourced, or run by fault_crash as `lib.sh new_world INSTANCE`.
# $SCEPAUTH_BIN holds the programs as they are; those with fault points are built beside them.

fault_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# Prints the folder of fault_crash. A build made with FAULT=1 serves itself.
fault_programs() {
	local own=$SCEPAUTH_BIN/../tests/bin
	if grep -qa SCEPAUTH_FAULT "$SCEPAUTH_BIN/scep_ca" && [[ -x $own/fault_crash ]]; then
		realpath "$own"
		return
	fi
	# Suites run beside each other.
	mkdir -p "$fault_top/build"
	flock "$fault_top/build/fault.lock" env -u MAKEFLAGS -u MFLAGS make -s -C "$fault_top" SAN=0 FAULT=1 BUILD=build/fault fault-programs >&2 && echo "$fault_top/build/fault/tests/bin"
}

# An instance whose Redis the driver starts, behind its proxy, and the state of it that each world begins with.
fault_instance() { # DIR
	"$fault_top/packaging/instance.sh" make "$1" --fast -- --group staff:20 --group students:30 >"$1.log" 2>&1 &&
		cp -a "$1/redis/data" "$1/redis/pristine" && : >"$1/log/redis.log"
}

new_world() { # DIR
	rm -rf "$1/journal" "$1/redis/data" "$1/history" && mkdir -m 700 "$1/journal" && cp -a "$1/redis/pristine" "$1/redis/data"
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || "$@"
