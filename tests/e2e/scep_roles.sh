#!/usr/bin/env bash
# The processes of scep_ca: who holds what, the walls between them tried from inside, a hijacked 	t_is "the challenge of that enrolment is in no process any more" "$(who challenge)" "",
# and processes that die. The walls' program is tests/tools/scep_roles.c.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis ca
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
roles=$SCEPAUTH_BIN/../tests/bin/scep_roles
load=$SCEPAUTH_BIN/../tests/bin/scep_load
memory=$SCEPAUTH_BIN/../tests/bin/scep_memory
[[ -x $tool && -x $roles && -x $load && -x $memory ]] || t_bail "no $roles: make units"
ra=$SCEPAUTH_DIR/ca/students/ra.pem
w=$T_DIR/w
mkdir -p "$w"
cd "$w" || exit 1

mint() { "$tool" mint "$SCEPAUTH_CONF" students "$@"; }
top=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/ca.pid")
children() { cat "/proc/$top/task/$top/children"; }
enrol() { # LOGIN: leaves STATUS, PKI_STATUS and the challenge in a file
	printf %s "$(mint login="$1")" >challenge
	"$tool" request "$ra" "k.$1" r.der challenge="$(cat challenge)" || return 1
	STATUS=$(curl -s -o reply.der -w '%{http_code}' --data-binary @r.der "$SCEP_URL/scep/students?operation=PKIOperation")
	PKI_STATUS=$("$tool" reply "$ra" "k.$1" reply.der cert.der 2>&1 | sed -n 's/^status=//p')
	[[ $STATUS == 200 && $PKI_STATUS == 0 ]]
}

# --- who is there, by order of their start: ca, one ra per core, front ---------------------------------------

read -ra pids < <(children)
t_is "one ca, one ra per core, one front" "${#pids[@]}" $(($(nproc) + 2))
ca=${pids[0]} opener=${pids[1]} front=${pids[-1]}
t_is "all are confined" "$(grep -h '^Seccomp:' /proc/{"$top","$ca","$opener","$front"}/task/*/status | sort -u | tr -d '\t')" "Seccomp:2"
t_is "none can gain rights" "$(grep -h '^NoNewPrivs:' /proc/{"$top","$ca","$opener","$front"}/status | sort -u | tr -d '\t')" "NoNewPrivs:1"

t_is "none leaves a core dump" "$(grep -h '^Max core' /proc/{"$top","$ca","$opener","$front"}/limits | tr -s ' ' | sort -u)" "Max core file size 0 0 bytes "
own="$(stat -c %u /proc/{"$top","$ca","$opener","$front"}/mem | sort -u)"
t_is "none can be traced by its own user: what is in /proc is root's" "$own" 0

# --- keys in memory ------------------------------------------------------------------------------------------

# who FILE: the roles in whose memory the secret of this file lies
who() {
	local pid n out=()
	while read -r pid n; do
		((n > 0)) || continue
		case $pid in
		"$ca") out+=(ca) ;;
		"$front") out+=(front) ;;
		"$top") out+=(first) ;;
		*) out+=(ra) ;;
		esac
	done < <("$memory" "$1" "$top" "${pids[@]}")
	printf '%s\n' "${out[@]}" | sort -u | paste -sd ' '
}
if ((EUID != 0)); then
	t_skip "who holds which key" "needs root to look into other processes"
elif [[ -r $SCEPAUTH_BIN/../lib/sanitizer-preload ]]; then
	t_skip "who holds which key" "the sanitizers map terabytes of shadow into each process"
	t_ok "an enrolment works" enrol anna
else
	for when in "at the start" "after an enrolment"; do
		[[ $when != after* ]] || t_ok "an enrolment works" enrol anna
		for p in students staff; do
			t_is "$when the issuing key of $p is in ca alone" "$(who "$SCEPAUTH_DIR/ca/$p/issuing.key")" "ca"
			t_is "$when the RA key of $p is in ra alone" "$(who "$SCEPAUTH_DIR/ca/$p/ra.key")" "ra"
		done
		t_is "$when the ticket MAC key is in ca alone" "$(who "$SCEPAUTH_DIR/secrets/ticket-mac.key")" "ca"
		t_is "$when the seal key is in ca and ra" "$(who "$SCEPAUTH_DIR/secrets/seal.key")" "ca ra"
	done
	# What ra opened may linger in its heap.
	t_unlike "the challenge of that enrolment is in no other process than ra" "$(who challenge)" "ca|front|first"
	CHALLENGE=$(cat challenge) sleep 60 &
	seen() { "$memory" challenge $! | grep -q " [1-9]"; }
	t_ok "where a process has it in clear, it is seen" t_wait 5 seen
	kill $!
fi
t_unlike "no key file is open or mapped in the front" "$(ls -l /proc/"$front"/fd; cat /proc/"$front"/maps)" '\.key|/ca/|/secrets/|/journal'
t_unlike "nor in the ra" "$(ls -l /proc/"$opener"/fd; cat /proc/"$opener"/maps)" '\.key|/ca/|/secrets/|/journal'

# --- the walls, from inside, and a hijacked front --------------------------------------------------------------

counted() { # takes over the TAP of a program
	local line
	while read -r line; do
		case $line in
		"ok - "*) t_pass "${line#ok - }" ;;
		"not ok - "*) t_fail "${line#not ok - }" ;;
		*) t_note "$line" ; [[ $line != Bail* ]] || t_fail "$line" ;;
		esac
	done
}
for role in front ra ca; do counted < <("$roles" wall "$role" "$SCEPAUTH_CONF" </dev/null 2>&1); done
counted < <("$roles" hijack "$SCEPAUTH_CONF" "$ra" students "$(mint login=hanna)" "$(mint login=ivo)" 2>&1)
read -ra after < <(children)
t_is "no process died of it" "${after[*]}" "${pids[*]}"
fds() { local p; for p in "${pids[@]}"; do find "/proc/$p/fd" -mindepth 1; done | wc -l; }
t_ok "and none keeps connections" t_wait 20 eval '(($(fds) < 300))'
t_ok "an enrolment works after it" enrol gina
if ((EUID == 0)) && command -v setpriv >/dev/null; then
	chmod 711 "$T_DIR" "$SCEPAUTH_DIR" "$SCEPAUTH_DIR/run"
	chmod 666 "$SCEPAUTH_DIR"/run/scep-*.sock
	cp "$roles" "$T_DIR/roles" && chmod 755 "$T_DIR/roles"
	for role in ra ca; do
		t_is "$role: another uid is hung up on" "$(setpriv --reuid=65534 --clear-groups "$T_DIR/roles" connect "$SCEPAUTH_DIR/run/scep-$role.sock")" "hung up"
	done
	t_is "because of its uid" "$(grep -c 'uid 65534 is refused' "$CA_LOG")" 4
	chmod 600 "$SCEPAUTH_DIR"/run/scep-*.sock
fi

# --- SIGHUP under load ---------------------------------------------------------------------------------------

# Each enrolment is a connection of its own; 8 at a time, while all roles are replaced three times.
prepared=100
mint login=rolling count=$prepared >challenges
n=0
while read -r c; do echo "$n $c" && ((++n)); done <challenges | xargs -P 4 -L 1 bash -c '"$0" request "$1" "k.$2" "r.$2" challenge="$3"' "$tool" "$ra"
one() { curl -s -m 30 -o "a.$1" -w '%{http_code}\n' --data-binary "@r.$1" "$SCEP_URL/scep/students?operation=PKIOperation"; }
export -f one
export SCEP_URL
seq 0 $((prepared - 1)) | xargs -P 8 -I N bash -c 'one N; sleep 0.2' >codes &
loader=$!
read -ra before < <(children)
reloaded() { grep -c 'scep_ca: reloaded' "$CA_LOG"; }
for n in 1 2 3; do
	kill -HUP "$top"
	t_ok "reload $n ends" t_wait 60 eval "((\$(reloaded) == $n))"
done
t_ok "the last one while enrolments were under way" kill -0 "$loader"
wait "$loader"
t_is "all were answered" "$(sort codes | uniq -c | tr -s ' ')" " $prepared 200"
certs=0
for ((n = 0; n < prepared; n++)); do "$tool" reply "$ra" "k.$n" "a.$n" cert.der 2>/dev/null | grep -q '^status=0' && ((++certs)); done
t_is "with a certificate each" "$certs" "$prepared"
read -ra pids < <(children)
t_is "as many roles as before" "${#pids[@]}" "${#before[@]}"
t_is "and none of those that were" "$(comm -12 <(printf '%s\n' "${before[@]}" | sort) <(printf '%s\n' "${pids[@]}" | sort))" ""
t_ok "the old ones are gone" t_wait 20 eval "! kill -0 ${before[*]} 2>/dev/null"

# What would not start is not taken.
mv "$SCEPAUTH_DIR/ca/students/ra.key" ra.key.away
kill -HUP "$top"
t_ok "a key that is not there: said" t_wait 20 grep -q 'not reloaded, all stays as it was' "$CA_LOG"
mv ra.key.away "$SCEPAUTH_DIR/ca/students/ra.key"
read -ra after < <(children)
t_is "and nobody was replaced" "${after[*]}" "${pids[*]}"
t_ok "an enrolment works" enrol dora

# --- deaths under load -----------------------------------------------------------------------------------------

mint login=load count=600 >challenges
"$load" "${SCEP_URL##*:}" students "$ra" 4 6 <challenges >load.log 2>&1 &
loader=$!
sleep 1
for n in 1 2 3; do
	kill -9 "$(tr ' ' '\n' < <(children) | sed -n "$((1 + n % 3))p")"
	sleep 1
done
wait "$loader"
t_ok "after kill -9 under load an enrolment works again" t_wait 10 enrol bea
t_is "and all are there" "$(children | wc -w)" $(($(nproc) + 2))
t_unlike "nobody got an internal error" "$(cat load.log)" 'http_500|status 500'
while read -r pid; do t_unlike "process $pid is no zombie" "$(sed "s,.*) ,," "/proc/$pid/stat")" "^Z"; done < <(children | tr " " "\n" | grep .)
t_stop ca
t_is "SIGTERM ends all" "$(for p in $(children 2>/dev/null) "${after[@]}"; do [[ ! -d /proc/$p ]] || echo "$p"; done)" ""
t_not "and takes the sockets away" ls "$SCEPAUTH_DIR"/run/scep-*.sock
t_start ca
top=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/ca.pid")
read -ra pids < <(children)
kill -9 "$top"
t_ok "when the first process is killed, all end" t_wait 5 eval "! kill -0 ${pids[*]} 2>/dev/null"
rm -f "$SCEPAUTH_DIR/run/ca.pid"
t_start ca
t_ok "and it starts again over the dead sockets" enrol cleo

# --- each role by itself ---------------------------------------------------------------------------------------

t_stop ca
own=()
for role in ca ra front; do
	"$SCEPAUTH_BIN/scep_ca" -c "$SCEPAUTH_CONF" --role "$role" >>"$T_DIR/$role.log" 2>&1 &
	own+=($!)
	t_defer "kill $! 2>/dev/null"
	t_ok "$role starts by itself" t_wait 20 grep -q 'scep_ca: ready' "$T_DIR/$role.log"
done
t_is "with its own processes only" "$(for p in "${own[@]}"; do wc -w <"/proc/$p/task/$p/children"; done | paste -sd ' ')" "1 $(nproc) 1"
t_ok "they work together" enrol emil
top=${own[0]}
kill -HUP "$top"
t_ok "one is reloaded by itself" t_wait 20 grep -q 'scep_ca: reloaded' "$T_DIR/ca.log"
t_ok "and serves" enrol fred
t_is "a role that there is not" "$("$SCEPAUTH_BIN/scep_ca" -c "$SCEPAUTH_CONF" --role portal 2>&1; echo $?)" $'scep_ca: --role is front, ra or ca\n2'
kill "${own[0]}"
wait "${own[0]}" 2>/dev/null
enrol greta 2>/dev/null
t_is "without the ca role: come again" "$STATUS" 503
kill "${own[@]:1}"
t_done
