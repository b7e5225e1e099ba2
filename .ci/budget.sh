#!/usr/bin/env bash
# budget.sh [DIR]: sizes. A function over 80 lines, a .c over 800 or a .h over 200 fails; functions over 60 are listed.
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

mapfile -t files < <(find core scep_ca onboard_portal auto_revoke rlm_scepauth scepctl tests bench -name '*.[ch]' 2>/dev/null | sort)
functions=$(ctags -x --languages=C --langmap=C:.c.h --kinds-C=f --fields=+ne --_xformat='%F %N %n %e' "${files[@]}" |
	awk '{ print $4 - $3 + 1, $1 ":" $3, $2 }' | sort -rn)
fail=0
long=$(awk '$1 > 80' <<<"$functions")
[[ -z $long ]] || { echo "functions over 80 lines:" && echo "$long" && fail=1; }
near=$(awk '$1 > 60 && $1 <= 80' <<<"$functions")
[[ -z $near ]] || { echo "functions over 60 lines (look at them):" && echo "$near"; }
big=$(wc -l "${files[@]}" | awk '$2 != "total" && (($2 ~ /\.c$/ && $1 > 800) || ($2 ~ /\.h$/ && $1 > 200))')
[[ -z $big ]] || { echo "files over 800 (.c) or 200 (.h) lines:" && echo "$big" && fail=1; }
awk '{ n[NR] = $1 } END { if (NR) print "budget:", NR, "functions, median", n[int((NR + 1) / 2)], "lines, longest", n[1] }' <<<"$functions"
exit $fail
