#!/usr/bin/env bash
# The units of packaging/systemd: installed with their places filled in, without fault in systemd's eyes and closed as far as
# they are meant to be; and every program starts with nothing but the files that its unit lets it see.
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"

t_instance redis
units=$T_DIR/out/units campus=/etc/scepauth
services=(redis ca portal leavers disconnect scim)
of() { sed -n "s/^$2=//p" "$units/scepauth-$1.service"; } # SERVICE KEY

# --- installing ----------------------------------------------------------------------------------

t_ok "make installs them" make -s -C "$T_TOP" install-units SCEPAUTH_NO_DEPS=1 DESTDIR="$T_DIR/out" UNITDIR=/units SYSUSERSDIR=/users
for name in "${services[@]}"; do t_ok "scepauth-$name.service is there" test -s "$units/scepauth-$name.service"; done
t_not "nothing is left to fill in" grep -rn '@[A-Z]*@' "$T_DIR/out"
t_like "the user they run as is declared" "$(cat "$T_DIR/out/users/scepauth.conf")" '^u scepauth '
t_is "each runs as that user" "$(for name in "${services[@]}"; do of "$name" User; done | sort -u)" scepauth
for key in NoNewPrivileges=yes ProtectSystem=strict MemoryDenyWriteExecute=yes RestrictNamespaces=yes UMask=0077; do
	t_is "$key in all of them" "$(grep -lx "$key" "$units"/*.service | wc -l)" ${#services[@]}
done
t_is "who listens below port 1024 may do that and nothing else" "$(for name in "${services[@]}"; do of "$name" AmbientCapabilities; done | sort | uniq -c | xargs)" \
	"3 CAP_NET_BIND_SERVICE"

# --- as systemd sees them ------------------------------------------------------------------------

if ! command -v systemd-analyze >/dev/null; then
	t_skip "systemd's view of the units" "no systemd-analyze here"
else
	mkdir -p "$T_DIR/view"
	for file in "$units"/*; do # programs that are here, so that only the unit itself can be at fault
		sed "s|^\(Exec[A-Za-z]*=\)/usr/local/sbin/|\1$SCEPAUTH_BIN/|; /^Documentation=/d" "$file" >"$T_DIR/view/${file##*/}"
	done
	said=$(systemd-analyze verify "$T_DIR"/view/scepauth* 2>&1 | grep scepauth)
	t_is "systemd-analyze verify has nothing to say" "$said" ""
	for name in "${services[@]}"; do
		t_ok "scepauth-$name.service is exposed by 2.0 of 10 at most" systemd-analyze security --offline=true --threshold=20 "$T_DIR/view/scepauth-$name.service"
	done
fi

# --- with what they may see ----------------------------------------------------------------------

# as_unit SERVICE: a copy of the instance without what the unit hides, all of it of the day one
as_unit() {
	local dir=$T_DIR/seen-$1 path
	cp -a "$SCEPAUTH_DIR" "$dir"
	rm -f "$dir/run/redis.sock"
	sed -i "/^redis {/,/^}/s|^\tsocket = .*|\tsocket = \"$REDIS_SOCKET\"|" "$dir/scepauth.conf"
	while read -r path; do
		path=${path#-}
		rm -rf "${dir:?}/${path#"$campus"/}"
	done < <(of "$1" InaccessiblePaths)
	find "$dir" -type f -exec touch -d @1 {} +
}
pid=''
end() {
	[[ -z $pid ]] || { kill "$pid" && wait "$pid"; } 2>/dev/null
	pid=''
}
t_defer end
# shellcheck disable=SC2317 # called by t_wait
is_ready() { grep -qE '\bready ' "$T_DIR/seen-$1.log"; }
starts() { # SERVICE
	local command
	as_unit "$1"
	command=$(of "$1" ExecStart)
	command=${command//$campus/$T_DIR/seen-$1}
	read -r -a command <<<"${command/\/usr\/local\/sbin/$SCEPAUTH_BIN}"
	"${command[@]}" >"$T_DIR/seen-$1.log" 2>&1 &
	pid=$!
	t_ok "$1 starts without what is hidden from it" t_wait 20 is_ready "$1" || t_note "$(tail -n 3 "$T_DIR/seen-$1.log")"
	end
	t_is "and writes only where it may" "$(find "$T_DIR/seen-$1" -type f -newermt @2 | sed "s|^$T_DIR/seen-$1|$campus|" |
		grep -vFf <(of "$1" ReadWritePaths; echo -----))" ""
}
for name in ca portal leavers disconnect; do starts "$name"; done
sed -i -e '/^scim {/,/^}/s|^\(\t\)# \(listen\) = .*|\1\2 = "127.0.0.1:0"|' -e '/^scim {/,/^}/s|^\(\t\)# \(url\) = .*|\1\2 = "https://scim.example.edu/scim/v2"|' "$SCEPAUTH_CONF"
"$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" scim token add entra >/dev/null
starts scim

t_done
