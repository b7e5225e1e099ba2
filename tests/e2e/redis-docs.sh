#!/usr/bin/env bash
# quick: docs/REDIS.md names every Function and every kind of key, and no other.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

lua=$T_TOP/redis/scepauth.lua doc=$T_TOP/docs/REDIS.md

sed -n "s/^register('\([a-z_]*\)'.*/\1/p" "$lua" | sort -u >"$T_DIR/registered"
# Rows of the tables under "## Functions" begin with the call.
sed -n '/^## Functions/,/^## Users/p' "$doc" >"$T_DIR/page"
# shellcheck disable=SC2016 # backticks of Markdown
sed -nE 's/^(\| )?`([a-z_]+)[^`]*`.*/\2/p' "$T_DIR/page" | sort -u >"$T_DIR/described"
t_is "Functions without a place in the reference" "$(comm -23 "$T_DIR/registered" "$T_DIR/described")" ""
t_is "described, but not there" "$(comm -13 "$T_DIR/registered" "$T_DIR/described" | grep -v '^source$')" ""

# Read-only ones are marked RO.
sed -n "s/^register('\([a-z_]*\)'.*'no-writes')/\1/p" "$lua" | sort >"$T_DIR/ro"
# shellcheck disable=SC2016
sed -nE 's/^(\| )?`([a-z_]+)[^`]*` RO.*/\2/p' "$T_DIR/page" | sort >"$T_DIR/ro.doc"
t_is "marked RO as they are registered" "$(diff "$T_DIR/ro" "$T_DIR/ro.doc")" ""

# Keys: every literal that the library puts in front of an id.
grep -oE "'[a-z]+:' \.\." "$lua" | cut -d"'" -f2 | sort -u | while read -r k; do
	grep -q "^| .*\`$k<" "$doc" || echo "$k"
done >"$T_DIR/keys"
t_is "keys without a row" "$(cat "$T_DIR/keys")" ""
sources=$(sed -n '/^local SOURCES/,/}/p' "$lua" | grep -oE "'[a-z]+'" | tr -d "'" | tr '\n' ' ')
of() { grep "^user $1 " "$T_TOP/redis/users.acl.in" | grep -oE '%W~hold:[a-z]+' | cut -d: -f2; }
t_is "sources are the same in the library and in the rights" "$(tr ' ' '\n' <<<"$sources" | sort | xargs)" \
	"$({ echo helpdesk; of auto_revoke; } | sort | xargs)"
t_is "also in those of the ca" "$(tr ' ' '\n' <<<"$sources" | sort | xargs)" "$(of ca | sort | xargs)"
t_like "and the page lists them" "$(cat "$doc")" "Sources: .${sources% }.,"
t_done
