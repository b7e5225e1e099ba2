#!/usr/bin/env bash
# quick: does tests/run tell the truth? Suites that pass, fail, skip, crash, hang, lie about their plan.
. "$(dirname "$0")/../support/lib.sh"

mkdir -p "$T_DIR/tests/e2e"
export SCEPAUTH_AGAIN=0
cp "$T_TOP/tests/run" "$T_DIR/tests/run"

suite() { # NAME LINE...
	local name=$1
	shift
	printf '%s\n' "$@" >"$T_DIR/tests/e2e/$name.sh"
}
run() {
	OUT=$(BUILD=$T_DIR/build SCEPAUTH_SUITE_SECONDS=2 "$T_DIR/tests/run" "$@" 2>&1)
	RC=$?
	LAST=$(tail -n 1 <<<"$OUT")
}

suite good '' '# quick' 'echo "ok 1 - a"; echo "ok 2 - b"; echo 1..2'
run
t_is "two good tests: last line" "$LAST" "2 passed, 0 failed"
t_is "two good tests: exit status" "$RC" 0

suite slow 'echo "ok 1 - s # SKIP no need"; echo "not ok 2 # SKIP cmocka says it so"; echo "ok 3 - x"; echo 1..3'
run
t_is "skipped tests are not counted as passed" "$LAST" "3 passed, 0 failed"
t_like "skipped tests are shown with the reason" "$OUT" "s # SKIP no need"
t_like "and counted" "$OUT" "2 tests skipped"
run --quick
t_is "--quick takes only quick scripts" "$LAST" "2 passed, 0 failed"
run slow
t_is "a pattern chooses" "$LAST" "1 passed, 0 failed"
run nothing-like-it
t_is "a pattern without a suite fails" "$RC" 2
rm "$T_DIR/tests/e2e/slow.sh"

bad() { # TEXT LAST REGEX LINE
	suite bad "$4"
	run
	t_is "$1: last line" "$LAST" "$2"
	t_is "$1: exit status" "$RC" 1
	t_like "$1: says why" "$OUT" "$3"
	rm "$T_DIR/tests/e2e/bad.sh"
}
bad "a failing test" "3 passed, 1 failed" "got: apples" 'echo "not ok 1 - fruit"; echo "# got: apples"; echo "ok 2 - b"; echo 1..2; exit 1'
bad "a failing test with exit status 0" "2 passed, 1 failed" "not ok 1 - liar" 'echo "not ok 1 - liar"; echo 1..1'
bad "a crash" "3 passed, 1 failed" "ended by signal 11" 'echo "ok 1 - a"; kill -SEGV $$'
bad "a hang" "3 passed, 1 failed" "took longer than 2 s" 'echo "ok 1 - a"; sleep 20'
bad "no output" "2 passed, 1 failed" "ran no test" 'true'
bad "fewer tests than planned" "3 passed, 1 failed" "planned 5 tests and ran 1" 'echo 1..5; echo "ok 1 - a"'
bad "no plan" "3 passed, 1 failed" "planned 0 tests and ran 1" 'echo "ok 1 - a"'
bad "bail out" "3 passed, 1 failed" "gave up" 'echo "ok 1 - a"; echo 1..1; echo "Bail out! no power"'
bad "good tests and a bad exit status" "3 passed, 1 failed" "ended with exit status 7" 'echo "ok 1 - a"; echo 1..1; exit 7'

# Each waits for the other.
for i in 1 2; do
	suite "pair$i" "touch $T_DIR/$i" "until test -e $T_DIR/$((3 - i)); do sleep 0.05; done" "echo \"ok 1 - a\"; echo 1..1"
done
run -j 2 pair
t_is "two suites at a time" "$LAST" "2 passed, 0 failed"
rm "$T_DIR"/[12]
run -j 1 pair
t_is "one at a time with -j 1" "$LAST" "1 passed, 1 failed"
rm "$T_DIR/tests/e2e/pair"*

# Again: only what is neither a crash nor a finding, and never quietly.
SCEPAUTH_AGAIN=1
suite once "test -e $T_DIR/met && echo 'ok 1 - met' || echo 'not ok 1 - met'" "touch $T_DIR/met" "echo 1..1"
run
t_is "passed alone, the second time: last line" "$LAST" "3 passed, 0 failed"
t_like "and said" "$OUT" 'unsteady: .*e2e/once: not ok 1 - met'
SCEPAUTH_AGAIN=0
rm "$T_DIR/met"
run
t_is "not without being told" "$LAST" "2 passed, 1 failed"
SCEPAUTH_AGAIN=1
suite once "test -e $T_DIR/crashed && echo 'ok 1 - x' || { touch $T_DIR/crashed; kill -SEGV \$\$; }" "echo 1..1"
run
t_is "not after a crash" "$LAST" "2 passed, 1 failed"
suite once "test -e $T_DIR/found && echo 'ok 1 - x' || echo 'ERROR: AddressSanitizer: x'" "touch $T_DIR/found" "echo 1..1"
run
t_is "not after what a sanitizer found" "$LAST" "2 passed, 1 failed"
rm "$T_DIR/tests/e2e/once.sh"
bad "what fails twice" "2 passed, 1 failed" "once more, each by itself" 'echo "not ok 1 - x"; echo 1..1'
for i in 1 2 3 4; do suite "many$i" "test -e $T_DIR/m$i && echo 'ok 1 - x' || echo 'not ok 1 - x'" "touch $T_DIR/m$i" "echo 1..1"; done
run
t_is "four at once are no matter of load" "$LAST" "2 passed, 4 failed"
rm "$T_DIR"/tests/e2e/many*
SCEPAUTH_AGAIN=0

mkdir -p "$T_DIR/tests/unit/x"
: >"$T_DIR/tests/unit/x/test_x.c"
run
t_is "a unit that was not built fails: last line" "$LAST" "2 passed, 1 failed"
t_done
