#!/bin/sh
# Prints a C file that holds the given files: sh embed.sh FILE... > assets.c
set -eu

echo '#include "onboard_portal/flow/assets.h"'
n=0
for file in "$@"; do
	printf '\nstatic const char asset_%d[] =\n' "$n"
	od -An -v -to1 "$file" | awk '{ s = ""; for (i = 1; i <= NF; i++) s = s "\\" $i; print "\t\"" s "\"" }'
	printf '\t"";\n'
	n=$((n + 1))
done

printf '\nconst struct asset portal_assets[] = {\n'
n=0
for file in "$@"; do
	printf '\t{"%s", asset_%d, sizeof(asset_%d) - 1},\n' "${file##*/}" "$n" "$n"
	n=$((n + 1))
done
printf '\t{0, 0, 0},\n};\n'
