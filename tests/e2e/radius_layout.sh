#!/usr/bin/env bash
# The module must not run in a server whose structures are laid out otherwise than it was built for.
# Here it is built for such a server on purpose: with a compat header that makes REQUEST larger.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/../support/lib.sh"

headers=/usr/include/freeradius
cd "$T_TOP" || t_bail "no $T_TOP"

# --- what the compiler refuses ------------------------------------------------------------------------

compat=$T_DIR/compat
cp -a rlm_scepauth/compat "$compat"
# REQUEST holds one of these.
sed -i 's/^} fr_state_action_t;/} fr_real_action_t;\ntypedef struct { long twice[2]; } fr_state_action_t;/' "$compat/freeradius/process.h"

compile() { # SOURCE OBJECT [FLAG...]
	local source=$1 object=$2
	shift 2
	"${CC:-cc}" -std=c11 -O1 -fPIC -fvisibility=hidden -D_GNU_SOURCE -I. -include core/base/banned.h "$@" \
		-c "$source" -o "$object"
}

t_ok "the true headers compile" compile rlm_scepauth/selfcheck.c "$T_DIR/good.o" -Irlm_scepauth/compat
wrong=$(compile rlm_scepauth/selfcheck.c "$T_DIR/bad.o" -I"$compat" 2>&1)
t_like "a REQUEST of another size is a compile error" "$wrong" "size of REQUEST differs from that in the server"
t_like "and each field that moved is named" "$wrong" "REQUEST.parent is not where the server has it"

# --- what the running server refuses ------------------------------------------------------------------

# Without the compiler's check, as if the table were wrong too.
build_module() { # DIR COMPAT
	local source objects=()
	mkdir -p "$1"
	for source in rlm_scepauth/*.c core/base/{buf,clock,err,rnd,savefile,text}.c core/ipc/prom.c core/model/*.c core/authz/*.c core/store/*.c; do
		[[ $source != core/store/store_conf.c ]] || continue # the module has its own configuration
		compile "$source" "$1/${source//\//_}.o" -I"$2" -DRLM_SCEPAUTH_LAYOUT_H || return 1
		objects+=("$1/${source//\//_}.o")
	done
	"${CC:-cc}" -shared -Wl,--version-script=rlm_scepauth/rlm_scepauth.map "${objects[@]}" -o "$1/rlm_scepauth.so" -lhiredis
}

# A server with the module and nothing else.
server() { # MODULE_DIR
	cat >"$T_DIR/raddb/radiusd.conf" <<CONF
prefix = /usr
name = radiusd
raddbdir = $T_DIR/raddb
confdir = $T_DIR/raddb
logdir = $T_DIR
run_dir = $T_DIR
libdir = "$1:/usr/lib/freeradius"
security {
	allow_core_dumps = no
}
modules {
	scepauth {
		socket = "$T_DIR/none"
		password = "x"
	}
}
server check {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = 1
	}
	authorize {
		scepauth
	}
}
CONF
	freeradius -XC -d "$T_DIR/raddb" 2>&1
}
mkdir "$T_DIR/raddb"
: >"$T_DIR/raddb/dictionary"

t_ok "the module builds by hand" build_module "$T_DIR/good" rlm_scepauth/compat
t_like "the server it was built for loads it" "$(server "$T_DIR/good")" "Configuration appears to be OK"
t_ok "it builds for a server that does not exist" build_module "$T_DIR/bad" "$compat"
wrong=$(server "$T_DIR/bad")
t_like "which the real one is not, and it says so" "$wrong" \
	"built for a FreeRADIUS [0-9.]+ that is laid out otherwise than the one running \(the size of REQUEST differs\)"
t_unlike "and does not start" "$wrong" "appears to be OK"

# Same size, other order: two pointers change places.
swapped=$T_DIR/swapped
mkdir -p "$swapped/freeradius"
cp rlm_scepauth/compat/freeradius/*.h "$swapped/freeradius"
sed 's/^\(\tREQUEST\t*\*\)parent;/\1tmp_name;/; s/^\(\tchar const\t*\*\)server;/\1parent_is_here;/' "$headers/radiusd.h" |
	sed 's/\*tmp_name;/*server_is_here;/' |
	sed 's/^\tchar const\t*\*parent_is_here;/\tREQUEST *parent;/; s/^\tREQUEST\t*\*server_is_here;/\tchar const *server;/' \
		>"$swapped/freeradius/radiusd.h"
cmp -s "$swapped/freeradius/radiusd.h" "$headers/radiusd.h" && t_bail "radiusd.h was not changed"
t_ok "it builds for a server with two fields exchanged" build_module "$T_DIR/swap" "$swapped"
t_like "which is told apart too" "$(server "$T_DIR/swap")" "REQUEST.parent is elsewhere"

# --- other versions, missing packages -----------------------------------------------------------------

cp -a "$headers" "$T_DIR/headers"
t_ok "the headers on this machine are supported" rlm_scepauth/check-server freeradius "$headers"
sed -i 's/^\(#define RADIUSD_VERSION_STRING\).*/\1 "3.2.10"/; s/^\(#define RADIUSD_VERSION\) .*/\1 030210/' "$T_DIR/headers/autoconf.h"
t_like "those of another version are refused by name" "$(rlm_scepauth/check-server freeradius "$T_DIR/headers" 2>&1)" \
	"headers .* are those of FreeRADIUS 3.2.10; supported are 3.2.1 to 3.2.8"
t_not "with a status" rlm_scepauth/check-server freeradius "$T_DIR/headers"
mkdir "$T_DIR/include"
mv "$T_DIR/headers" "$T_DIR/include/freeradius"
t_like "by the compiler as well" "$(compile rlm_scepauth/selfcheck.c "$T_DIR/bad.o" -Irlm_scepauth/compat -I"$T_DIR/include" 2>&1)" \
	"knows FreeRADIUS 3.2.1 to 3.2.8"
t_like "and missing headers by the name of their package" "$(rlm_scepauth/check-server freeradius "$T_DIR/none" 2>&1)" \
	"install the package libfreeradius-dev"
sed -i 's/^\(#define RADIUSD_VERSION_STRING\).*/\1 "3.2.4"/' "$T_DIR/include/freeradius/autoconf.h"
t_like "headers of another version than the server's are told" \
	"$(rlm_scepauth/check-server freeradius "$T_DIR/include/freeradius" 2>&1)" "is FreeRADIUS 3.2.[0-9]+, but the headers .* are of 3.2.4"

t_done
