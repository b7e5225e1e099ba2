#!/usr/bin/env bash
# Crashes of the ca role and of Redis at every step, under load, and the checker that looks for what they broke;
# before that the checker itself, on states in which it must find something.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/fault/lib.sh
. "$T_TOP/tests/fault/lib.sh"

cd "$T_TOP" || exit 1
check=$T_TOP/tests/fault/check.sh

# --- the checker: one state that is good, and each thing that could be wrong with it --------------------------

good=$T_DIR/good
mkdir -p "$good"
lines() { # FILE: fields separated by blanks on standard input
	tr ' ' '\t' >"$good/$1"
}
lines journal <<'END'
1 opened - - - - -
2 intent s1 t1 k1 u1 -
3 issued s1 - - - DER1
4 committed s1 - - - -
5 intent s2 t2 k2 u2 -
6 intent s3 t2 k2 u2 -
7 aborted s2 - - - -
8 issued s3 - - - DER3
9 committed s3 - - - -
10 intent s4 t4 k4 u4 -
11 issued s4 - - - DER4
12 committed s4 - - - -
END
lines redis <<'END'
cert s1 active k1 t1 u1 aki
cert s2 aborted k2 t2 u2 aki
cert s3 active k2 t2 u2 aki
cert s4 active k4 t4 u4 aki
claim t1 spent k1 s1 DER1
claim t2 spent k2 s3 DER3
claim t4 spent k4 s4 DER4
revoked s2
revoked s4
hold u4
end
END
lines verdicts <<'END'
verdict s1 accept
verdict s2 cert_not_active
verdict s3 accept
verdict s4 cert_revoked
END
lines history <<'END'
ask t1 k1 u1
got t1 k1 ok s1 DER1
ask t1 k9 u1
got t1 k9 refused:19 - -
ask t2 k2 u2
got t2 k2 error:9 - -
ask t2 k2 u2
got t2 k2 ok s3 DER3
ask t2 k2 u2
got t2 k2 again s3 DER3
ask t4 k4 u4
got t4 k4 ok s4 DER4
asked user u4
acked user u4
asked cert s4
acked cert s4
ask t4 k4 u4
got t4 k4 refused:19 - -
END
t_ok "the checker: a good state passes" bash "$check" --files "$good"
# finds INVARIANT TEXT FILE SED_SCRIPT: in sed's script a blank stands for a tab
finds() {
	local dir=$T_DIR/doctored
	rm -rf "$dir"
	cp -r "$good" "$dir"
	sed -i -e "${4// /\\t}" "$dir/$3"
	if cmp -s "$dir/$3" "$good/$3"; then
		t_fail "$1: $2" "nothing was doctored"
		return
	fi
	t_like "the checker finds $1: $2" "$(bash "$check" --files "$dir" 2>&1)" "(^|"$'\n'")$1: "
}
finds I1 "delivered and not active" redis 's/^cert s1 active/cert s1 reserved/'
finds I1 "delivered and unknown to Redis" redis '/^cert s1 /d'
finds I1 "delivered with other bytes" history 's/ok s1 DER1/ok s1 DERX/'
finds I1 "a certificate that does not verify" history 's/ok s1/forged s1/'
finds I1 "an honest device that never got through" history '/^got t2 .*DER3/d'
finds I2 "signed without an intent" journal '/^10 intent/d'
finds I2 "in Redis and without an intent" redis 's/^end/cert s5 aborted k5 t5 u5 aki\nend/'
finds I2 "delivered and not in the journal" journal '/^3 issued/d'
finds I3 "two live certificates of one ticket" redis 's/^cert s2 aborted/cert s2 active/;/^revoked s2/d'
finds I3 "delivered to another key" history 's/^got t1 k1 ok/got t1 k9 ok/'
finds I3 "the second answer differs" history 's/again s3 DER3/again s1 DER1/'
finds I4 "accepted though revoked" verdicts 's/s4 cert_revoked/s4 accept/'
finds I4 "accepted though not active" verdicts 's/s2 cert_not_active/s2 accept/'
finds I4 "refused though good" verdicts 's/s1 accept/s1 no_group/'
finds I4 "RADIUS was never asked" verdicts '/s1/d'
finds I5 "a revocation was forgotten" redis '/^revoked s4/d'
finds I5 "a hold was forgotten" redis '/^hold/d'
finds I5 "delivered after the person was revoked" history 's/^got t4 k4 refused.*/got t4 k4 again s4 DER4/'
finds I6 "a serial drawn twice" journal 's/^5 intent s2/5 intent s1/'
finds I6 "a serial signed twice" journal '/^3 issued/a 3 issued s1 - - - DERX'
finds I7 "still reserved" redis 's/^cert s3 active/cert s3 reserved/'
finds I7 "no end in the journal" journal '/^7 aborted/d'
finds I7 "committed and aborted" journal '$a 13 aborted s1 - - - -'
finds I7 "committed and gone from Redis" redis '/^cert s3/d'
finds I7 "aborted and live" journal 's/^12 committed/12 aborted/'
finds I7 "another person in Redis than in the journal" redis 's/^cert s3 active k2 t2 u2/cert s3 active k2 t2 u9/'
finds I7 "other bytes in Redis than in the journal" redis 's/s3 DER3/s3 DERX/'
finds history "an empty history" history 'd'

# --- crashes --------------------------------------------------------------------------------------------------

bin=$(fault_programs) || t_bail "no fault programs"
for n in 0 1; do fault_instance "$T_DIR/$n" || t_bail "no instance: $(cat "$T_DIR/$n.log")"; done
seed=${FAULT_SEED:-$((EPOCHSECONDS % 1000000))} crashes=${FAULT_CI_CRASHES:-200}
"$bin/fault_crash" crashes "$seed" "$crashes" 50 "$T_DIR/0" "$T_DIR/1" >"$T_DIR/out" 2>&1
rc=$?
t_note "$(tail -n 4 "$T_DIR/out")"
t_is "$crashes crashes (seed $seed) and nothing lost or invented" "$rc $(grep -o '[0-9]* violations$' "$T_DIR/out" | tail -n 1)" "0 0 violations"
((rc == 0)) || t_note "$(cat "$T_DIR/out")"
t_like "devices, thieves and the helpdesk were there" "$(tail -n 2 "$T_DIR/out")" '[1-9][0-9]* certificates delivered, [1-9][0-9]* refusals, [1-9][0-9]* requests without an answer, [1-9][0-9]* revocations'

# --- and it would show: a disk that lies ----------------------------------------------------------------------

sed -i 's/^appendfsync always/appendfsync no/' "$T_DIR/0/redis/redis.conf"
t_not "a Redis that does not sync is found out" "$bin/fault_crash" crashes "$seed" 300 50 "$T_DIR/0"
SCEPAUTH_FAULT_LIE=1 t_not "so is a journal that does not" "$bin/fault_crash" crashes "$seed" 300 50 "$T_DIR/1"
t_done
