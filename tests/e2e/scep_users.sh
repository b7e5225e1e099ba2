#!/usr/bin/env bash
# The roles of scep_ca as three system users: who they become, whom they let in, whose files are whose.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

if ((EUID != 0)); then
	t_skip "the roles as three users" "needs root"
	t_done
fi
# Users that every Debian has (base-passwd).
front=games ra=uucp ca=backup
# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
[[ -x $tool ]] || t_bail "no $tool: make units"
cd "$T_DIR" || exit 1

check() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" check 2>&1; }
sed -i "1i run-as = \"$front\"\nrun-as-ra = \"$ra\"\nrun-as-ca = \"$ca\"" "$SCEPAUTH_CONF"
sed -i '/^#* *run-as\(-ra\|-ca\|\) = ""/d' "$SCEPAUTH_CONF"
t_like "check: the journal has to be the ca's own" "$(check)" "journal.*$ca"
t_not "the ca role does not start with a journal that is not its own" "$T_TOP/packaging/instance.sh" start "$SCEPAUTH_DIR" ca
t_like "and says so" "$(tail -n 3 "$CA_LOG")" "journal"
chown -R "$ca" "$SCEPAUTH_DIR/journal"
chmod 711 "$T_DIR" "$SCEPAUTH_DIR" "$SCEPAUTH_DIR/run"
chmod 666 "$REDIS_SOCKET"
t_unlike "check: now it is" "$(check)" "journal.*$ca"
t_start ca

top=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/ca.pid")
read -ra pids < <(cat "/proc/$top/task/$top/children")
user_of() { awk '/^Uid:/ { print $2, $3, $4, $5 }' "/proc/$1/status" | tr ' ' '\n' | sort -u | while read -r u; do id -nu "$u"; done | paste -sd ' '; }
t_is "the first process stays root" "$(user_of "$top")" root
t_is "the ca role is its user" "$(user_of "${pids[0]}")" "$ca"
t_is "so is the ra role" "$(user_of "${pids[1]}")" "$ra"
t_is "and the front" "$(user_of "${pids[-1]}")" "$front"
t_is "none has a capability" "$(for p in "${pids[@]}"; do sed -n 's/^Cap\(Prm\|Eff\|Inh\|Amb\):\t//p' "/proc/$p/status"; done | sort -u)" 0000000000000000
t_is "nor a group of root's" "$(for p in "${pids[@]}"; do grep -E '^(Gid|Groups):' "/proc/$p/status"; done | tr '\t' ' ' | grep -cE ' 0( |$)')" 0
t_is "the sockets are the front's alone" "$(stat -c '%U %a' "$SCEPAUTH_DIR"/run/scep-*.sock | sort -u)" "$front 600"

enrol() {
	"$tool" request "$SCEPAUTH_DIR/ca/students/ra.pem" "k.$1" r.der challenge="$("$tool" mint "$SCEPAUTH_CONF" students login="$1")" || return 1
	curl -s -o reply.der --data-binary @r.der "$SCEP_URL/scep/students?operation=PKIOperation" &&
		"$tool" reply "$SCEPAUTH_DIR/ca/students/ra.pem" "k.$1" reply.der cert.der | grep -q '^status=0'
}
t_ok "an enrolment works" enrol anna
as() { setpriv --reuid="$1" --clear-groups "${@:2}"; }
for who in $front $ra; do t_not "$who cannot read the journal" as "$who" ls "$SCEPAUTH_DIR/journal"; done
for who in $front $ra $ca; do
	for key in ca/students/issuing.key ca/students/ra.key secrets/ticket-mac.key secrets/seal.key; do
		t_not "$who cannot read $key" as "$who" cat "$SCEPAUTH_DIR/$key"
	done
done
t_not "the front's user cannot look into the ca role" as "$front" cat "/proc/${pids[0]}/maps"
t_not "nor trace it" as "$front" kill -0 "${pids[0]}"
kill -HUP "$top"
t_ok "a reload works as well" t_wait 20 grep -q 'scep_ca: reloaded' "$CA_LOG"
users() { tr ' ' '\n' <"/proc/$top/task/$top/children" | while read -r p; do [[ -z $p ]] || user_of "$p"; done | sort | uniq -c | tr -s ' ' | paste -sd ' '; }
t_ok "with the same users" t_wait 20 eval '[[ $(users) == " 1 $ca  1 $front  $(nproc) $ra" ]]'
t_ok "and an enrolment after it" enrol bea
t_done
