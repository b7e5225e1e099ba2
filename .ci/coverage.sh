#!/usr/bin/env bash
# coverage.sh: each file of core/authz is executed to its last branch by the unit suite of its name. What decides who
# gets in has no line that nobody has seen running.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

top=$PWD
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
flags=()
eval "flags=($(make -s print-CPPFLAGS))"
fail=0
for file in core/authz/*.c; do
	name=$(basename "$file" .c)
	"${CC:-gcc}" -std=c11 "${flags[@]}" -O0 --coverage -o "$dir/$name" "tests/unit/authz/test_$name.c" core/authz/*.c \
		core/base/{buf,err,text}.c core/model/*.c -dumpdir "$dir/$name-" -lcmocka
	"$dir/$name" >/dev/null 2>&1 || { echo "coverage: test_$name fails" && fail=1; }
	said=$(cd "$dir" && "${GCOV:-gcov}" -b -s "$top" "$name-$name.gcda" 2>/dev/null | sed -n "/^File '$name\|^File '.*core\/authz\/$name\.c'/,/^\$/p" |
		grep -E '^(Lines executed|Taken at least once):' | grep -v ':100\.00%') || true
	[[ -z $said ]] || { echo "coverage: $file: $said" && fail=1; }
	[[ -s $dir/$name-$name.gcda ]] || { echo "coverage: $file: nothing was measured" && fail=1; }
done
((fail)) || echo "coverage: every branch of $(find core/authz -name '*.c' | wc -l) files is executed"
exit $fail
