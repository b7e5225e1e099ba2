#!/usr/bin/env bash
# The web certificates of onboard_portal and of the SCIM server are replaced while they serve.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

T_INIT=(--group staff:20 --group students:30)
t_instance redis
ctl() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" "$@"; }
set_key() { # SECTION KEY VALUE
	sed -i "/^$1 {/,/^}/{/^[[:space:]]*#\{0,1\} *$2 = /d};s|^$1 {|&\n\t$2 = $3|" "$SCEPAUTH_CONF"
}
w=$T_DIR/w
mkdir -p "$w"
cd "$w" || exit 1

# As certbot does it: links in live/ to numbered files in a folder beside it.
live=$SCEPAUTH_DIR/web/live archive=$SCEPAUTH_DIR/web/archive
mkdir -p "$live" "$archive"
set_key portal tls-cert '"web/live/fullchain.pem"'
set_key portal tls-key '"web/live/privkey.pem"'
# make N DAYS: a pair in the archive, by an authority of our own
make() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$archive/privkey$1.pem" -out "$archive/fullchain$1.pem" \
		-days "$2" -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -set_serial "0x$1" 2>/dev/null
	chmod 600 "$archive/privkey$1.pem"
}
use() { # N [KEY]
	ln -sfn "$archive/fullchain$1.pem" "$live/.new" && mv -T "$live/.new" "$live/fullchain.pem"
	ln -sfn "$archive/privkey${2-$1}.pem" "$live/.new" && mv -T "$live/.new" "$live/privkey.pem"
}
make 10 400
use 10
t_start ca portal
port=${PORTAL_URL##*:}
log=$SCEPAUTH_DIR/log/portal.log
serial() { openssl s_client -connect "127.0.0.1:${1-$port}" -servername localhost </dev/null 2>/dev/null | openssl x509 -noout -serial 2>/dev/null | sed 's/.*=0*//'; }
hup() { # SERVICE LOG: returns when it has said what came of it
	local n
	n=$(grep -c 'SIGHUP: ' "$2")
	kill -HUP "$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/$1.pid")"
	t_wait 60 eval '(($(grep -c "SIGHUP: " "'"$2"'") > '"$n"'))' || t_bail "$1 says nothing after SIGHUP: $(tail -n 5 "$2")"
}
said() { grep 'SIGHUP: ' "$1" | tail -n 1; }

t_is "the first certificate" "$(serial)" 10
t_unlike "nothing is told of while it is good" "$(cat "$log")" 'cert_expiring|web certificate ends'

# --- under load ---------------------------------------------------------------------------------------

visitor() { # FILE: as many pages as it gets until the file "stop" is there; a line for each that failed
	until [[ -e stop ]]; do
		curl -ksS --max-time 60 -o /dev/null -w '%{http_code}\n' "$PORTAL_URL/login" "$PORTAL_URL/static/portal.css" -o /dev/null >>"$1.all" 2>>"$1.errors"
	done
}
for i in 1 2 3; do visitor "v$i" & done
pages() { cat v?.all 2>/dev/null | wc -l; }
more_pages() { local n; n=$(pages); t_wait 60 eval '(($(pages) > '"$n"' + 20))'; }
for n in 11 12 13 14; do
	make "$n" 400
	t_ok "visitors are served before $n" more_pages
	use "$n"
	t_is "by itself nothing changes" "$(serial)" $((n - 1))
	hup portal "$log"
	t_is "after SIGHUP the new one is served" "$(serial)" "$n"
done
t_ok "and visitors with it" more_pages
touch stop
wait
t_is "no visitor has noticed" "$(cat v?.errors)$(cat v?.all | sort -u)" 200
t_like "the log says which one" "$(said "$log")" 'serial number 14, valid until 20'
t_is "the process is the same" "$(grep -c 'ready ' "$log")" 1

# --- what cannot be used ------------------------------------------------------------------------------

make 20 400
use 20 14
hup portal "$log"
t_like "a key of another certificate" "$(said "$log")" 'not belong together; the web certificate of before stays'
t_is "the one of before is served" "$(serial)" 14
head -c 200 "$archive/fullchain20.pem" >"$archive/fullchain21.pem"
cp -p "$archive/privkey20.pem" "$archive/privkey21.pem"
use 21
hup portal "$log"
t_like "half a file" "$(said "$log")" 'fullchain.pem: web certificate is cut short; .*stays in use'
rm "$live/fullchain.pem"
hup portal "$log"
t_like "no file" "$(said "$log")" 'fullchain.pem: web certificate cannot be read.*stays in use'
use 20
chmod 644 "$archive/privkey20.pem"
hup portal "$log"
t_like "a key that others can read" "$(said "$log")" 'chmod 600.*stays in use'
t_is "still the one of before is served" "$(serial)" 14
chmod 600 "$archive/privkey20.pem"
hup portal "$log"
t_is "mended, it is taken" "$(serial)" 20

# --- before it ends -----------------------------------------------------------------------------------

ends_soon() { grep -Eq "$1" "$log"; }
make 30 20
use 30
t_like "check tells of one that ends soon" "$(ctl check 2>&1)" 'fullchain.pem.*ends within 30 days'
hup portal "$log"
t_ok "so does the log" t_wait 30 ends_soon 'the web certificate ends at 20.* [(]in (19|20) days'
t_ok "and an event" t_wait 30 ends_soon '"event":"cert_expiring".*"certificate":"portal".*"serial":"30","state":"ends soon".*"days":"(19|20)"'
make 31 5
use 31
hup portal "$log"
t_ok "louder in the last week" t_wait 30 ends_soon '^error .*the web certificate: '
t_is "it is served all the same" "$(serial)" 31

# --- the SCIM server ----------------------------------------------------------------------------------

set_key scim listen '"127.0.0.1:0"'
set_key scim url '"https://scim.example.edu/scim/v2"'
set_key scim tls-cert '"web/live/fullchain.pem"'
set_key scim tls-key '"web/live/privkey.pem"'
set_key leavers format '"scim"'
set_key leavers source '"scim"'
ctl scim token add entra >/dev/null
use 20
t_start scim
log=$SCEPAUTH_DIR/log/scim.log
scim_port=$(sed -n 's/.*ready 127.0.0.1:\([0-9]*\).*/\1/p' "$log" | tail -n 1)
t_is "SCIM: the first certificate" "$(serial "$scim_port")" 20
use 14
hup scim "$log"
t_is "SCIM: after SIGHUP the new one is served" "$(serial "$scim_port")" 14
use 20 14
hup scim "$log"
t_like "SCIM: a key of another certificate" "$(said "$log")" 'not belong together; the web certificate of before stays'
t_is "SCIM: the one of before is served" "$(serial "$scim_port")" 14
use 30
hup scim "$log"
t_ok "SCIM: one that ends soon is told of" t_wait 30 ends_soon '"event":"cert_expiring".*"certificate":"SCIM"'

t_done
