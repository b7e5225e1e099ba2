#!/usr/bin/env bash
# docs/EVENTS.md is the schema: every event word that can leave is in it, and every one in it can leave.
#
#   docs-events.sh [AUDIT.JSONL]   with a file: that the events seen there carry documented fields only
# shellcheck source-path=SCRIPTDIR disable=SC2016
. "$(dirname "$0")/../support/lib.sh"

cd "$T_TOP" || exit 1
doc=docs/EVENTS.md

documented() { sed -n 's/^| \(`[a-z_`, ]*\) |.*/\1/p' "$doc" | grep -o '[a-z_]\+' | sort -u; }
# Rows of the envelope's table are no events.
events_documented() { documented | grep -vxE 'time|program|event|actor'; }

words_lua() { # the expression after "event(who, " up to its first comma
	sed -n 's/.*event(who, \([^,]*\),.*/\1/p' redis/scepauth.lua | grep -o "'[a-z_]*'" | tr -d "'"
	sed -n "s/.*local DESK_WORDS = \(.*\)/\1/p" redis/scepauth.lua | grep -o "[a-z]*_[a-z_]*" | grep -v DESK
}
sources=$(find auto_revoke core onboard_portal rlm_scepauth scep_ca scepctl -name '*.c' ! -path 'core/audit/*')
words_c() { # calls of audit_event and of the functions that pass a word on to it
	# shellcheck disable=SC2086
	cat $sources | tr '\n\t' '  ' |
		grep -oE '\b(audit_event|audit_event_at|revoker_event|note_event|audit)\( *"[a-z_]+"|\b(source_alarm|brake_event)\(r, *"[a-z_]+"|\bconsole_note\([^"()]*"[a-z_]+"' |
		grep -o '"[a-z_]*"' | tr -d '"'
	grep -o 'word = "[a-z_]*"' auto_revoke/daemon/follow.c | grep -o '"[a-z_]*"' | tr -d '"'
}
emitted() { { words_lua; words_c; } | sort -u; }

seen_documented() { # every event in $1 has its word and all its fields in a row of the page
	local event fields row f bad=0
	while read -r event fields; do
		row=$(grep -E "^\| [^|]*\`$event\`" "$doc")
		[[ $row != *"| P,"* ]] || row+=' `user` `login` `identity`'
		[[ $row != *"| C,"* ]] || row+=' `user` `login` `identity` `device` `profile` `serial` `issuer`'
		[[ $row != *"the same, "* && $row != *"as \`brake_engaged\`"* ]] || row+=$(grep -E '^\| `brake_engaged`' "$doc")
		for f in $fields; do
			[[ $row == *"\`$f\`"* ]] || { echo "$event: $f is not documented" && bad=1; }
		done
	done < <(jq -r 'select((.event != "event_malformed") and ([keys[] | select(startswith("x_"))] == []))
		| .event + " " + ([keys[] | select(. as $k | ["time", "program", "event", "actor", "event_id", "truncated"]
			| index($k) | not)] | join(" "))' "$1" | sort -u)
	return "$bad"
}

if [[ -n ${1-} ]]; then
	t_ok "fields of the events that were seen are documented" seen_documented "$1"
	t_done
fi
t_ok "the Functions emit events" test "$(words_lua | wc -l)" -ge 15
t_ok "the programs do" test "$(words_c | wc -l)" -ge 15
t_is "every event that can leave is documented" "$(comm -23 <(emitted) <(events_documented))" ""
t_is "every documented event can leave" "$(comm -13 <(emitted) <(events_documented))" ""
# A new function that passes words on must be named in words_c, or its words escape this test.
# shellcheck disable=SC2086
t_is "no other function passes event words on" \
	"$(grep -lE '\baudit_event(_at)?\([^"]' $sources | sort | paste -sd ' ')" \
	"auto_revoke/daemon/follow.c auto_revoke/daemon/source.c onboard_portal/daemon/console.c onboard_portal/daemon/reply.c scep_ca/front/run.c"
t_done
