#!/usr/bin/env bash
# instance.sh: the one script that makes, starts and stops an instance on this machine. `make up`, the
# demo, the tests and the benchmarks all use it.
#
#   instance.sh make DIR [--fast] [-- SCEPCTL_INIT_OPTION...]   keys, configuration, test accounts
#   instance.sh start DIR [redis|ca|portal|leavers|disconnect|radius|scim ...]  default: all that are configured
#   instance.sh stop DIR [SERVICE ...]
#   instance.sh restart DIR [SERVICE ...]
#   instance.sh status DIR
#   instance.sh up DIR         make it if it is not there, start it, say where it is and what to try
#   instance.sh new DIR [--fast] [-- ...]   make and start; once more when another took a port
#
# --fast: 2048-bit CA keys, for tests. Programs come from $SCEPAUTH_BIN (default build/std/bin beside
# this script). What others need to know goes to DIR/env: shell variables, among them secrets.
# SCEPAUTH_FREERADIUS_DEBUG=1 runs FreeRADIUS with -X; SCEPAUTH_RADIUS_PRELOAD is its LD_PRELOAD.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export SCEPAUTH_SHARE=${SCEPAUTH_SHARE:-$top}
bin=${SCEPAUTH_BIN:-$top/build/std/bin}
# A module with sanitizers (SAN=1) needs their runtime in the server before it.
[[ ! -e $bin/../lib/sanitizer-preload ]] ||
	SCEPAUTH_RADIUS_PRELOAD=${SCEPAUTH_RADIUS_PRELOAD-$(cat "$bin/../lib/sanitizer-preload")}
services=(redis ca portal leavers disconnect radius)
ready_seconds=${SCEPAUTH_READY_SECONDS:-20}

die() {
	echo "instance: $*" >&2
	exit 1
}

usage() {
	sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"
}

# --- ports -------------------------------------------------------------------------------------

# Local ports in use, TCP and UDP, decimal, one a line.
ports_in_use() {
	local hex
	cat /proc/net/{tcp,tcp6,udp,udp6} 2>/dev/null | awk '$1 ~ /:$/ { n = split($2, a, ":"); print a[n] }' |
		sort -u | while read -r hex; do echo $((16#$hex)); done
}

# free_ports N: N ports in a row below the ephemeral range that nobody uses.
free_ports() {
	local -A used=()
	local port try i
	while read -r port; do used[$port]=1; done < <(ports_in_use)
	for ((try = 0; try < 200; try++)); do
		port=$((20000 + (RANDOM << 15 | RANDOM) % 12000))
		for ((i = 0; i < $1; i++)); do
			[[ -z ${used[$((port + i))]-} ]] || continue 2
		done
		echo "$port"
		return 0
	done
	die "found no free ports between 20000 and 32000"
}

# --- processes ---------------------------------------------------------------------------------

pid_of() { # DIR SERVICE: prints the pid if that process runs
	local pid start now
	[[ -s $1/run/$2.pid ]] || return 1
	read -r pid start <"$1/run/$2.pid"
	now=$(started_at "$pid") || return 1
	[[ $now == "$start" ]] || return 1
	echo "$pid"
}

# The kernel's start time of a process: a number used again is not the same process. Fails when it is
# gone or a zombie.
started_at() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	stat=${stat##*) }
	[[ $stat != Z* ]] || return 1
	# shellcheck disable=SC2086
	set -- $stat
	echo "${20}"
}

tail_of() {
	echo "--- end of $1:" >&2
	tail -n 15 "$1" >&2 || true
}

# launch DIR SERVICE LOG READY_PATTERN COMMAND...: in the background, in its own session, and wait
# until the pattern appears in what it logs from now on.
launch() {
	local dir=$1 name=$2 log=$3 pattern=$4 pid start from deadline
	shift 4
	if pid=$(pid_of "$dir" "$name"); then
		echo "$name runs already (pid $pid)"
		return 0
	fi
	from=$(stat -c %s "$log" 2>/dev/null || echo 0)
	(
		umask 077
		cd "$dir"
		for fd in /proc/self/fd/*; do # what make or a pipe gave us must not live on in a daemon
			fd=${fd##*/}
			((fd < 3)) || eval "exec $fd>&-" 2>/dev/null || true
		done
		exec setsid "$@"
	) </dev/null >>"$log" 2>&1 &
	pid=$!
	start=$(started_at "$pid") || start=0
	echo "$pid $start" >"$dir/run/$name.pid"
	deadline=$((SECONDS + ready_seconds))
	while ! grep -qiE -- "$pattern" <(tail -c "+$((from + 1))" "$log"); do
		if ! pid_of "$dir" "$name" >/dev/null; then
			wait "$pid" && code=0 || code=$?
			rm -f "$dir/run/$name.pid"
			echo "instance: $name ended at its start with exit status $code" >&2
			tail_of "$log"
			return 1
		fi
		if ((SECONDS >= deadline)); then
			echo "instance: $name was not ready within $ready_seconds s" >&2
			tail_of "$log"
			return 1
		fi
		sleep 0.05
	done
}

# stop_one DIR SERVICE: TERM, and KILL after 5 s.
stop_one() {
	local pid i
	if pid=$(pid_of "$1" "$2"); then
		kill -TERM "$pid" 2>/dev/null || true
		for ((i = 0; i < 100; i++)); do
			pid_of "$1" "$2" >/dev/null || break
			sleep 0.05
		done
		if pid_of "$1" "$2" >/dev/null; then
			echo "instance: $2 did not end on TERM, killing it (pid $pid)" >&2
			kill -KILL "$pid" 2>/dev/null || true
		fi
	fi
	rm -f "$1/run/$2.pid"
}

start_one() {
	local dir=$1 name=$2 server
	case $name in
	redis)
		launch "$dir" redis "$dir/log/redis.log" 'Ready to accept connections' \
			redis-server "$dir/redis/redis.conf" --daemonize no --logfile '' --pidfile ''
		;;
	ca) launch "$dir" ca "$dir/log/ca.log" '\bready ' "$bin/scep_ca" -c "$dir/scepauth.conf" ;;
	portal) launch "$dir" portal "$dir/log/portal.log" '\bready ' "$bin/onboard_portal" -c "$dir/scepauth.conf" ;;
	disconnect)
		launch "$dir" disconnect "$dir/log/disconnect.log" '\bready ' "$bin/auto_revoke" -c "$dir/scepauth.conf" --disconnect
		;;
	leavers) launch "$dir" leavers "$dir/log/leavers.log" '\bready ' "$bin/auto_revoke" -c "$dir/scepauth.conf" ;;
	scim) launch "$dir" scim "$dir/log/scim.log" '\bready ' "$bin/auto_revoke" -c "$dir/scepauth.conf" --scim ;;
	radius)
		server=$(PATH=$PATH:/usr/sbin command -v freeradius || PATH=$PATH:/usr/sbin command -v radiusd) ||
			die "no freeradius here: packaging/deps.sh --run"
		local mode=(-f -l stdout)
		[[ ${SCEPAUTH_FREERADIUS_DEBUG-} != 1 ]] || mode=(-X)
		launch "$dir" radius "$dir/log/radius.log" 'Ready to process requests' \
			env ${SCEPAUTH_RADIUS_PRELOAD:+"LD_PRELOAD=$SCEPAUTH_RADIUS_PRELOAD"} \
			"$server" "${mode[@]}" -d "$dir/raddb"
		;;
	*) die "no service '$name'; there are: ${services[*]}" ;;
	esac
}

cmd_start() {
	local dir=$1 name
	shift
	(($#)) || set -- "${services[@]}"
	for name in "$@"; do
		start_one "$dir" "$name"
	done
}

cmd_stop() {
	local dir=$1 i
	shift
	(($#)) || set -- "${services[@]}"
	for ((i = $#; i > 0; i--)); do
		stop_one "$dir" "${!i}"
	done
}

cmd_status() {
	local name pid down=0
	for name in "${services[@]}"; do
		if pid=$(pid_of "$1" "$name"); then
			printf '%-8s runs, pid %s\n' "$name" "$pid"
		else
			printf '%-8s does not run\n' "$name"
			down=1
		fi
	done
	return $down
}

# --- making ------------------------------------------------------------------------------------

# A password that a shell, a URL and a form take as it is.
password() {
	head -c 15 /dev/urandom | base64 | tr '+/' 'xy'
}

# The directory export of a small university: our two people among sixty, so that one leaver is no mass change.
directory() {
	local i
	echo "login,groups,name,email,status,leave_at"
	echo "$1,students,Sam Student,$1@example.edu,active,"
	echo "$2,staff,Tina Staff,$2@example.edu,active,"
	for ((i = 1; i <= 58; i++)); do
		printf 'person%02d,students,Person %02d,person%02d@example.edu,active,\n' "$i" "$i" "$i"
	done
}

# set_key FILE SECTION KEY VALUE: scepctl init writes every key, with its default behind a #.
set_key() {
	sed -i "/^$2 {/,/^}/s/^\([[:space:]]*\)#\{0,1\} *$3 = .*/\1$3 = $4/" "$1"
	sed -n "/^$2 {/,/^}/p" "$1" | grep -qE "^[[:space:]]*$3 = $4\$" || die "no $3 in section $2 of $1"
}

write_env() {
	local dir=$1 name
	shift
	(
		umask 077
		{
			echo "# Written by packaging/instance.sh: how to reach this instance. Holds secrets."
			for name in "$@"; do
				printf '%s=%q\n' "$name" "${!name}"
			done
		} >"$dir/env.part"
	)
	mv "$dir/env.part" "$dir/env"
}

make_people() {
	local ctl=("$bin/scepctl" -c "$1/scepauth.conf")
	printf "%s\n" "$STUDENT_PASSWORD" | "${ctl[@]}" user add "$STUDENT_LOGIN" --groups students \
		--name "Sam Student" --email "$STUDENT_LOGIN@example.edu" --password-stdin &&
		printf "%s\n" "$STAFF_PASSWORD" | "${ctl[@]}" user add "$STAFF_LOGIN" --groups staff \
			--name "Tina Staff" --email "$STAFF_LOGIN@example.edu" --password-stdin &&
		"${ctl[@]}" helpdesk add "$HELPDESK_NAME" --password-file "$1/secrets/redis-$HELPDESK_NAME"
}

cmd_make() {
	local dir=$1 fast=() port socket
	shift
	if [[ ${1-} == --fast ]]; then
		fast=(--root-bits 2048 --issuer-bits 2048)
		shift
	fi
	[[ ${1-} != -- ]] || shift
	[[ -x $bin/scepctl ]] || die "no $bin/scepctl: run make first"
	command -v redis-server >/dev/null || die "no redis-server here: packaging/deps.sh --run"
	mkdir -p "$(dirname "$dir")"
	dir=$(cd "$(dirname "$dir")" && pwd)/$(basename "$dir")
	socket=$dir/run/redis.sock
	((${#socket} < 100)) || die "$socket is too long for a unix socket; choose a shorter folder"

	port=$(free_ports 5)
	# shellcheck disable=SC2034 # read by name in write_env
	local SCEPAUTH_DIR=$dir SCEPAUTH_CONF=$dir/scepauth.conf SCEPAUTH_BIN=$bin REDIS_SOCKET=$socket
	SCEP_URL=http://127.0.0.1:$port PORTAL_URL=https://localhost:$((port + 1))
	RADIUS_HOST=127.0.0.1 RADIUS_PORT=$((port + 2))
	ROOT_CERT=$dir/ca/root/root.pem
	STUDENT_LOGIN=sam STAFF_LOGIN=tina HELPDESK_NAME=helen
	STUDENT_PASSWORD=$(password) STAFF_PASSWORD=$(password)
	# shellcheck disable=SC2034
	local RADIUS_LOG=$dir/log/radius.log CA_LOG=$dir/log/ca.log \
		PORTAL_LOG=$dir/log/portal.log LEAVERS_LOG=$dir/log/leavers.log DISCONNECT_LOG=$dir/log/disconnect.log LEAVERS_FILE=$dir/leavers/directory.csv

	local pass
	pass=$(mktemp)
	password >"$pass"
	"$bin/scepctl" init "$dir" --quiet --share "$SCEPAUTH_SHARE" --organization "Example University" \
		--root-passphrase-file "$pass" --scep-listen "127.0.0.1:$port" --scep-url "$SCEP_URL" \
		--portal-listen "127.0.0.1:$((port + 1))" --portal-url "$PORTAL_URL" \
		--radius-listen 127.0.0.1 --radius-port "$RADIUS_PORT" --redis-socket "$socket" \
		--module-dir "$(cd "$bin/../lib" && pwd)" "${fast[@]}" "$@" || {
		rm -f "$pass"
		die "scepctl init failed"
	}
	mv "$pass" "$dir/secrets/root-passphrase"
	mkdir -p "$dir/log" "$dir/run" "$dir/leavers"
	directory "$STUDENT_LOGIN" "$STAFF_LOGIN" >"$LEAVERS_FILE"
	set_key "$dir/scepauth.conf" leavers interval 1
	# Debian 12 has scepclient 2.1, which signs with SHA-1 and encrypts with single DES.
	set_key "$dir/scepauth.conf" 'profile "staff"' allow-sha1 true
	set_key "$dir/scepauth.conf" 'profile "staff"' allow-des true
	sed -n 's/^[[:space:]]*scepauth_client_secret[[:space:]]*=[[:space:]]*"\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' \
		"$dir/raddb/instance.conf" >"$dir/run/secret"
	RADIUS_SECRET=$(cat "$dir/run/secret")
	rm -f "$dir/run/secret"
	[[ -n $RADIUS_SECRET ]] || die "no scepauth_client_secret in $dir/raddb/instance.conf"

	start_one "$dir" redis
	"$bin/scepctl" -c "$SCEPAUTH_CONF" install >"$dir/log/install.log" 2>&1 || {
		tail_of "$dir/log/install.log"
		stop_one "$dir" redis
		die "scepctl install failed"
	}
	if ! make_people "$dir" >>"$dir/log/install.log" 2>&1; then
		tail_of "$dir/log/install.log"
		stop_one "$dir" redis
		die "making the test accounts failed"
	fi
	HELPDESK_PASSWORD=$(cat "$dir/secrets/redis-$HELPDESK_NAME")
	stop_one "$dir" redis
	write_env "$dir" SCEPAUTH_DIR SCEPAUTH_CONF SCEPAUTH_BIN REDIS_SOCKET SCEP_URL PORTAL_URL \
		RADIUS_HOST RADIUS_PORT RADIUS_SECRET ROOT_CERT STUDENT_LOGIN STUDENT_PASSWORD STAFF_LOGIN \
		STAFF_PASSWORD HELPDESK_NAME HELPDESK_PASSWORD RADIUS_LOG CA_LOG PORTAL_LOG LEAVERS_LOG DISCONNECT_LOG LEAVERS_FILE
}

# Another process may have taken a port since we looked: then a second instance on other ports.
cmd_new() {
	local dir=$1 log
	cmd_make "$@"
	log=$(mktemp)
	if ! (cmd_start "$dir") 2>"$log"; then
		cat "$log" >&2
		cmd_stop "$dir"
		grep -qi 'in use' "$log" || { rm -f "$log" && return 1; }
		echo "instance: a port was taken meanwhile; once more on others" >&2
		rm -rf "$dir"
		cmd_make "$@"
		cmd_start "$dir"
	fi
	rm -f "$log"
}

cmd_up() {
	local dir=$1
	if [[ -f $dir/env ]]; then
		cmd_start "$dir"
	else
		cmd_new "$dir"
	fi
	# shellcheck disable=SC1091
	. "$dir/env"
	cat <<TEXT

Everything runs. Your campus:

  portal      $PORTAL_URL   (its certificate is signed by $ROOT_CERT)
              log in as $STUDENT_LOGIN / $STUDENT_PASSWORD   (a student)
                     or $STAFF_LOGIN / $STAFF_PASSWORD   (staff)
  SCEP        $SCEP_URL/scep/students   $SCEP_URL/scep/staff
  RADIUS      $RADIUS_HOST:$RADIUS_PORT, secret $RADIUS_SECRET
  helpdesk    redis-cli -s $REDIS_SOCKET --user $HELPDESK_NAME --pass $HELPDESK_PASSWORD --no-auth-warning
              then: FCALL_RO why 0 $STUDENT_LOGIN      FCALL revoke_user 0 $STUDENT_LOGIN lost-laptop
  leavers     edit $LEAVERS_FILE
  logs        $dir/log
  variables   $dir/env   (source it in a shell)

Add a device on the portal, run the command it shows, then look: $bin/scepctl -c $SCEPAUTH_CONF why $STUDENT_LOGIN
End it with: make down
TEXT
}

# The SCIM server runs where it is configured.
with_scim() {
	! sed -n '/^scim {/,/^}/p' "$1/scepauth.conf" 2>/dev/null | grep -qE '^[[:space:]]*listen = "[^"]' || services+=(scim)
}

(($# >= 2)) || { usage >&2 && exit 2; }
verb=$1 dir=$2
shift 2
case $verb in
start | stop | restart | status)
	[[ -d $dir ]] || die "no instance in $dir"
	dir=$(cd "$dir" && pwd)
	mkdir -p "$dir/run" "$dir/log"
	with_scim "$dir"
	;;
up)
	mkdir -p "$(dirname "$dir")" && dir=$(cd "$(dirname "$dir")" && pwd)/$(basename "$dir")
	with_scim "$dir"
	;;
esac
case $verb in
make) cmd_make "$dir" "$@" ;;
new) cmd_new "$dir" "$@" ;;
start) cmd_start "$dir" "$@" ;;
stop) cmd_stop "$dir" "$@" ;;
restart) cmd_stop "$dir" "$@" && cmd_start "$dir" "$@" ;;
status) cmd_status "$dir" ;;
up) cmd_up "$dir" ;;
*) usage >&2 && exit 2 ;;
esac
