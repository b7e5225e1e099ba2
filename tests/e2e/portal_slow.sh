#!/usr/bin/env bash
# Clients of onboard_portal that never finish what they began.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

T_INIT=(--group staff:20 --group students:30 --onboarding-ssid open-campus)
t_instance redis ca portal
port=${PORTAL_URL##*:}
pid=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/portal.pid")
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$pid/stat"; }
connections() { # that the portal holds
	find "/proc/$pid/fd" -lname 'socket:*' 2>/dev/null | wc -l
}
honest() { # [CURL_OPTION...]: status of a page
	curl -sS --max-time 60 --cacert "$ROOT_CERT" -o /dev/null -w '%{http_code}' "$@" "$PORTAL_URL/login" 2>/dev/null
}
slow=()
# dawdle N TEXT: N connections that send only TEXT
dawdle() {
	local fd i
	for ((i = 0; i < $1; i++)); do
		exec {fd}<>"/dev/tcp/127.0.0.1/$port" || t_bail "no connection"
		slow+=("$fd")
		# shellcheck disable=SC2059 # it has escapes
		printf "$2" >&"$fd"
	done
}
let_go() {
	local fd
	for fd in "${slow[@]}"; do exec {fd}>&-; done 2>/dev/null
	slow=()
}

before=$(connections)
t_is "an honest client" "$(honest)" 200
dawdle 30 '\x16\x03\x01'
dawdle 30 ''
t_ok "sixty clients stop in the middle of their handshakes" t_wait 30 eval '(($(connections) >= before + 60))'
t_is "an honest one, of the same address, is served" "$(honest)" 200
spent=$(ticks)
sleep 3
t_ok "they cost no processor" test $(($(ticks) - spent)) -lt 60
dawdle 50 '\x16'
t_is "with more than a hundred of one address it gets no more" "$(honest)" 000
t_is "and others are served" "$(honest --interface 127.0.0.2)" 200
gone() { (($(connections) <= before + 2)); }
t_ok "each is cut in the end" t_wait 90 gone
t_is "and then that address is served again" "$(honest)" 200
let_go

# The same with requests: a byte now and then, which would keep an idle timeout from ever running out.
trickle() {
	{
		printf 'POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n'
		while printf a; do sleep 0.5; done
	} 2>/dev/null | openssl s_client -quiet -connect "127.0.0.1:$port" >/dev/null 2>&1
	echo cut >>"$T_DIR/cut"
}
for _ in 1 2 3 4 5 6; do trickle & done
t_is "an honest client beside trickled forms" "$(honest)" 200
cut() { [[ $(grep -c . "$T_DIR/cut" 2>/dev/null) == 6 ]]; }
t_ok "trickled forms are cut, too" t_wait 90 cut
wait
t_is "after all that" "$(honest) $(grep -c 'ready ' "$SCEPAUTH_DIR/log/portal.log")" "200 1"
t_done
