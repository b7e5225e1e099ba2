#!/usr/bin/env bash
# What goes wrong below or inside the signing roles, row by row of the table in tests/fault/README.md: memory, random
# bytes, clocks, signatures, keys, two CAs at one Redis.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/fault/lib.sh
. "$T_TOP/tests/fault/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis
bin=$(fault_programs) || t_bail "no fault programs"
counted() { # takes over the TAP of a program
	local line
	while read -r line; do
		case $line in
		"ok - "*) t_pass "${line#ok - }" ;;
		"not ok - "*) t_fail "${line#not ok - }" ;;
		Bail*) t_fail "$line" ;;
		*) t_note "$line" ;;
		esac
	done
}
rows() { # VERB ARGUMENT...
	local out rc=0
	out=$("$bin/fault_rows" "$@" 2>&1) || rc=$?
	counted < <(grep -E '^(ok|not ok|Bail|#)' <<<"$out")
	t_is "$1: the program ended" "$rc" 0
}

# step 41: a fraction of all allocations; FAULT_MEMORY_STEP=1 takes each
rows memory "$SCEPAUTH_CONF" "$SCEPAUTH_DIR/history" "${FAULT_MEMORY_STEP:-41}"
ln -s redis.sock "$SCEPAUTH_DIR/run/real.sock"
t_ok "row 31: no partial state: the checker finds I1 to I7 kept" bash "$T_TOP/tests/fault/check.sh" "$SCEPAUTH_DIR" "$bin"
for verb in again random signature keys clock; do rows "$verb" "$SCEPAUTH_CONF"; done
mkdir -m 700 "$SCEPAUTH_DIR/journal2"
sed 's|# journal = .*|journal = "journal2"|' "$SCEPAUTH_CONF" >"$SCEPAUTH_DIR/second.conf"
rows race "$SCEPAUTH_CONF" "$SCEPAUTH_DIR/second.conf"
t_done
