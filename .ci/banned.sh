#!/usr/bin/env bash
# banned.sh: core/base/banned.h must be forced into every compilation and must stop what it bans.
set -euo pipefail
cd "$(dirname "$0")/.."

fail=0
say() {
	echo "banned: $*"
	fail=1
}
make -s print-CPPFLAGS 2>/dev/null | grep -q -- '-include core/base/banned.h' || say "the Makefile no longer forces core/base/banned.h"

names=$(sed -n 's/^#pragma GCC poison//p' core/base/banned.h)
for name in strcpy strcat sprintf vsprintf strncpy strtok atoi alloca system popen mktemp; do
	grep -qw -- "$name" <<<"$names" || say "core/base/banned.h no longer bans $name"
done
for name in $names; do
	out=$(echo "void *f(void); void *f(void) { return (void *)$name; }" |
		LC_ALL=C "${CC:-cc}" -I. -include core/base/banned.h -x c -fsyntax-only - 2>&1) || true
	if [[ $out != *poisoned* ]]; then
		say "the compiler takes $name although it is banned"
	fi
done
echo "int f(void); int f(void) { return 0; }" | "${CC:-cc}" -I. -include core/base/banned.h -x c -fsyntax-only - ||
	say "innocent code does not compile with core/base/banned.h"
# A way around the header is a way around the rule.
if grep -rnE 'pragma[[:space:]]+GCC[[:space:]]+(diagnostic|system_header)|#[[:space:]]*undef[[:space:]]+(str|mem|s?printf)' \
	--include='*.[ch]' core scep_ca onboard_portal auto_revoke scepctl; then
	say "compiler warnings or banned names are switched off above"
fi
((fail)) || echo "banned: $(wc -w <<<"$names") names do not compile"
exit $fail
