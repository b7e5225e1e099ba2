# shellcheck shell=bash
# shellcheck disable=SC2034,SC2153 # variables are for, or from, the scripts around
# lib.sh: sourced by the end-to-end tests. Prints TAP.
#
#   . "$(dirname "$0")/../support/lib.sh"
#   t_instance redis ca            an instance in $T_DIR, these services started, its env sourced
#   t_ok "text" command...         passes when the command succeeds
#   t_not "text" command...        passes when it fails by itself (not by a signal or for being missing)
#   t_is "text" "$got" "$want"     t_like "text" "$got" regex     t_unlike "text" "$got" regex
#   conf_set SECTION KEY VALUE     in the instance's configuration, as it is written there (quotes and all)
#   t_skip "text" "reason"         t_done
#
# At exit what t_instance and t_defer named is cleaned up; a script that ends before t_done bails out.
# T_KEEP=1 keeps the folder.

T_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export SCEPAUTH_BIN=${SCEPAUTH_BIN:-$T_TOP/build/std/bin}
export SCEPAUTH_SHARE=$T_TOP
export LC_ALL=C.UTF-8
# For env: what a process needs that loads the module as built with the sanitizers.
T_RADIUS_ENV=()
if [[ -r $SCEPAUTH_BIN/../lib/sanitizer-preload ]]; then
	T_RADIUS_ENV=("LD_PRELOAD=$(cat "$SCEPAUTH_BIN/../lib/sanitizer-preload")" ASAN_OPTIONS=detect_leaks=0)
fi
T_DIR=$(mktemp -d "${TMPDIR:-/tmp}/scepauth-test.XXXXXX")
t_count=0 t_failed=0 t_finished=0
t_deferred=()

t_note() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

t_pass() {
	((++t_count))
	echo "ok $t_count - $1"
}

t_fail() { # TEXT [WHY]
	((++t_count, ++t_failed))
	echo "not ok $t_count - $1"
	[[ -z ${2-} ]] || t_note "$2"
	return 1
}

t_skip() {
	((++t_count))
	echo "ok $t_count - $1 # SKIP $2"
}

t_ok() {
	local text=$1 out rc
	shift
	out=$("$@" 2>&1) && rc=0 || rc=$?
	if ((rc == 0)); then t_pass "$text"; else t_fail "$text" "$* -> exit status $rc"$'\n'"$out"; fi
}

t_not() {
	local text=$1 out rc
	shift
	out=$("$@" 2>&1) && rc=0 || rc=$?
	if ((rc > 0 && rc < 126)); then t_pass "$text"; else t_fail "$text" "$* -> exit status $rc"$'\n'"$out"; fi
}

t_is() {
	if [[ $2 == "$3" ]]; then t_pass "$1"; else t_fail "$1" "got:  $2"$'\n'"want: $3"; fi
}

t_like() {
	if [[ $2 =~ $3 ]]; then t_pass "$1"; else t_fail "$1" "got:  $2"$'\n'"want: $3"; fi
}

t_unlike() {
	if [[ ! $2 =~ $3 ]]; then t_pass "$1"; else t_fail "$1" "got:  $2"$'\n'"does not want: $3"; fi
}

# t_prom WHAT FILE...: good metrics for Prometheus, by promtool too where it is installed.
t_prom() {
	local what=$1 file out
	shift
	for file; do
		out=$(awk -f "$T_TOP/tests/support/prom.awk" "$file" 2>&1) || { t_fail "$what" "$out"; return 0; }
		[[ ! -x $(command -v promtool) ]] || out=$(promtool check metrics <"$file" 2>&1) || { t_fail "$what" "$out"; return 0; }
	done
	t_pass "$what"
}

# t_wait SECONDS COMMAND...: until it succeeds; fails when it has not by then.
t_wait() {
	local until=$((SECONDS + $1))
	shift
	while ! "$@" >/dev/null 2>&1; do
		((SECONDS < until)) || return 1
		sleep 0.05
	done
}

t_bail() {
	echo "Bail out! $*"
	exit 1
}

# Another time for a program: not together with the sanitizers, which want to be loaded first.
t_faketime() { command -v faketime >/dev/null && [[ ! -e $SCEPAUTH_BIN/../lib/sanitizer-preload ]]; }

t_defer() { # COMMAND as one string, run at exit, last first
	t_deferred=("$1" "${t_deferred[@]}")
}

t_exit() {
	local rc=$? command
	trap - EXIT
	((t_finished)) || { echo "Bail out! ended before t_done (exit status $rc)" && rc=1; }
	for command in "${t_deferred[@]}"; do eval "$command"; done
	if [[ ${T_KEEP-} == 1 ]]; then t_note "kept $T_DIR"; else rm -rf "$T_DIR"; fi
	exit "$rc"
}
trap t_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

t_done() {
	echo "1..$t_count"
	t_finished=1
	exit $((t_failed > 0))
}

# t_instance [SERVICE ...]: without names all of them. Options of `scepctl init` go into T_INIT (an array).
t_instance() {
	local dir=$T_DIR/i instance=$T_TOP/packaging/instance.sh
	"$instance" make "$dir" --fast -- "${T_INIT[@]}" >"$T_DIR/make.log" 2>&1 || {
		t_note "$(cat "$T_DIR/make.log")"
		t_bail "no instance"
	}
	t_defer "'$instance' stop '$dir'"
	# shellcheck disable=SC1091
	. "$dir/env"
	t_patient "$dir"
	t_start "$@"
}

# The module waits for Redis however slow the machine is: only tests about its deadline shorten it again.
t_patient() { # INSTANCE
	sed -i "s/^\tdeadline_ms = .*/\tdeadline_ms = 5000/" "$1/raddb/mods-available/scepauth"
}

conf_set() { # SECTION KEY VALUE
	sed -i "/^$1 {/,/^}/ s|^\t\(# \)\{0,1\}$2 = .*|\t$2 = $3|" "$SCEPAUTH_CONF"
}
t_start() { # SERVICE ...: of the instance
	"$T_TOP/packaging/instance.sh" start "$SCEPAUTH_DIR" "$@" >"$T_DIR/start.log" 2>&1 || {
		t_note "$(cat "$T_DIR/start.log")"
		t_bail "could not start $*"
	}
}

t_stop() { # SERVICE ...
	"$T_TOP/packaging/instance.sh" stop "$SCEPAUTH_DIR" "$@"
}

# The CA takes its files anew by SIGHUP; returns when nothing of before serves.
t_reload_ca() {
	local top n running
	top=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/ca.pid")
	n=$(grep -c 'scep_ca: reloaded' "$CA_LOG")
	read -ra running <"/proc/$top/task/$top/children"
	kill -HUP "$top"
	t_wait 60 eval '(($(grep -c "scep_ca: reloaded" "$CA_LOG") > '"$n"'))' || t_bail "scep_ca does not reload: $(tail -n 5 "$CA_LOG")"
	t_wait 30 eval "! kill -0 ${running[*]} 2>/dev/null" || t_bail "roles of before do not end"
}

# One bit of a file is turned round.
t_flip() { # FILE OFFSET [BIT]
	local byte
	byte=$(od -An -tu1 -j "$2" -N1 "$1")
	# shellcheck disable=SC2059
	printf "\\x$(printf %02x $((byte ^ (1 << ${3:-0}))))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

T_INIT=()

# shellcheck source=tests/support/device.sh
. "$T_TOP/tests/support/device.sh"
