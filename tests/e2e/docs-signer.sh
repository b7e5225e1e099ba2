#!/usr/bin/env bash
# docs/SIGNER-PROTOCOL.md says what the code does: operations and limits, and each field with type and bound.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

roles=$SCEPAUTH_BIN/../tests/bin/scep_roles
[[ -x $roles ]] || t_bail "no $roles: make units"
cd "$T_TOP" || exit 1
doc=docs/SIGNER-PROTOCOL.md
code=scep_ca/signer/proto.c

# Rows of the tables, cells with one blank between.
rows() { sed -nE "s/^\| *($1) *\|/\1|/p" "$doc" | sed -E 's/ *\| */ /g; s/ +$//'; }

t_is "operations, who serves them, and their limits" "$(rows '[0-9]' | grep -E '^[0-9] (ra|ca) ')" "$("$roles" table)"
t_is "deadlines" "$(sed -nE 's/^\| (the front, for|a role, for).* \| ([0-9]+) \|$/\2/p' "$doc" | paste -sd ' ')" \
	"$(sed -nE 's/^#define (RA_DEADLINE|CA_DEADLINE|TRANSFER)_MS ([0-9]+)$/\2/p' scep_ca/signer/remote.c scep_ca/signer/process.c | paste -sd ' ')"
t_like "version" "$(sed -n 's/.*FRAME_VERSION = \([0-9]*\).*/| version, \1 |/p' core/ipc/frame.h)" "^$(grep -o '| version, [0-9]* |' "$doc" | sed 's/|/[|]/g')$"

# The types of the fields that a decoder reads, in its order.
decoder() {
	sed -n "/^\(static \)\{0,1\}int $1(/,/^}/p" "$code" |
		grep -oE '\b(get_name|get_hash|get_time|take_last|frame_(get|get_str|get_exact|enum|bool))\(' |
		sed 's/get_name(/name/; s/get_hash(/hash/; s/get_time(/time/; s/take_last(/bytes/; s/frame_get_str(/text/; s/frame_get_exact(/exact/
			s/frame_get(/bytes/; s/frame_enum(/number/; s/frame_bool(/bool/' | paste -sd ' '
}
documented() { sed -nE "s/^\| $1 \| [^|]* \| ([a-z]+) \|.*/\1/p" "$doc" | paste -sd ' '; }
fields() { t_is "fields of $1" "$(documented "$1")" "$(decoder "$2")"; }
fields open proto_get_open
fields reply proto_get_reply
fields issue proto_get_issue
fields crl proto_get_crl
fields "any answer" get_result
fields "open answer" proto_get_opened
fields "reply answer" proto_get_replied
fields "issue answer" proto_get_issued
fields "crl answer" proto_get_crl_made
fields "ocsp answer" proto_get_ocsp_done
t_is "no decoder is left out" "$(grep -cE '^int proto_get_' "$code")" 9

# The bounds, in the order of the page.
t_is "bounds" "$(sed -nE 's/^\| [a-z]+( answer)? \| [^|]* \| (bytes|text|exact|number|name) \| (0 to )?([0-9]+).*\|$/\4/p' "$doc" | paste -sd ' ')" \
	"$("$roles" bounds | paste -sd ' ')"
t_done
