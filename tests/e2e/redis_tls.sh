#!/usr/bin/env bash
# TLS to Redis by every program that a connection needs: the CA issues, scepctl asks, the RADIUS module decides. And what
# cannot be trusted, which is as good as no Redis.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
raddb=$SCEPAUTH_DIR/raddb
w=$T_DIR/w
ctl() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" "$@"; }
mkdir -p "$w"
cd "$w" || exit 1
sed -i 's/^\treject_delay = 1$/\treject_delay = 0/' "$raddb/radiusd.conf"
cp "$raddb/mods-available/scepauth" module.good
cp "$SCEPAUTH_CONF" conf.good

# --- Redis with TLS -------------------------------------------------------------------------------------
key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
for ca in ca other; do openssl req -x509 "${key[@]}" -keyout $ca.key -out $ca.pem -subj /CN=$ca -days 900 2>/dev/null; done
openssl req "${key[@]}" -keyout redis.key -out redis.csr -subj /CN=redis 2>/dev/null
echo "subjectAltName=DNS:redis.test,IP:127.0.0.1" >ext
openssl x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 400 -extfile ext -out redis.pem 2>/dev/null
openssl x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 20 -out late.pem 2>/dev/null
redis_as installer CONFIG SET tls-ca-cert-file "$w/ca.pem" tls-auth-clients no >/dev/null
redis_as installer CONFIG SET tls-cert-file "$w/redis.pem" tls-key-file "$w/redis.key" >/dev/null
redis_as installer CONFIG SET bind 127.0.0.1 >/dev/null
port=$((20000 + RANDOM % 12000))
until [[ $(redis_as installer CONFIG SET tls-port "$port") == OK ]]; do
	port=$((port + 1))
	((port < 40000)) || t_bail "no TLS in this Redis"
done

# programs CA NAME: what scepauth.conf says
programs() {
	awk -v add="\tsocket = \"\"\n\thost = \"127.0.0.1\"\n\tport = $port\n\ttls = true\n\tca-file = \"$w/$1\"\n\tserver-name = \"$2\"" '
		/^redis \{/ { print; print add; inside = 1; next }
		inside && /^}/ { inside = 0 }
		inside && /^[\t ]*(socket|host|port) *=/ { next }
		{ print }' conf.good >"$SCEPAUTH_CONF"
}
# module CA NAME: what the module is told, and FreeRADIUS with it
module() {
	sed "s|^\tsocket = .*|\tsocket = \"\"\n\tservers = \"127.0.0.1:$port\"\n\ttls = yes\n\tca_file = \"$w/$1\"\n\tserver_name = \"$2\"|" \
		module.good >"$raddb/mods-available/scepauth"
}
use() {
	module "$@"
	t_stop radius 2>/dev/null
	t_start radius
}
mark() { from=$(($(stat -c %s "$RADIUS_LOG") + 1)); }
connect() {
	mark
	eapol_run sam.conf
	[[ $EAP_RESULT == accept ]]
}
# shellcheck disable=SC2317 # called by t_ok
refused() { ! connect && [[ $(tail -c "+$from" "$RADIUS_LOG" | sed -n 's/.*scepauth: reject reason=\([a-z_]*\) .*/\1/p' | sort -u | paste -sd' ') =~ ^($1)$ ]]; }

# --- programs -------------------------------------------------------------------------------------------
programs ca.pem redis.test
t_ok "scepctl by TLS" ctl status
programs ca.pem ""
t_ok "the address is in the certificate too" ctl status
t_like "the helpdesk is told how to ask" "$(ctl helpdesk add tina 2>&1)" "redis-cli -h 127.0.0.1 -p $port --tls --cacert .*ca.pem.* --user tina"
t_start ca
openssl genrsa -out k.pem 2048 2>/dev/null
challenge=$("$tool" mint "$SCEPAUTH_CONF" students login=sam)
ra=$SCEPAUTH_DIR/ca/students/ra.pem
"$tool" request "$ra" k.pem request.der challenge="$challenge" >/dev/null
curl -s -o reply.der --data-binary @request.der "$SCEP_URL/scep/students?operation=PKIOperation"
"$tool" reply "$ra" k.pem reply.der cert.der >/dev/null
t_ok "scep_ca issues by TLS" openssl x509 -inform der -in cert.der -out cert.pem
t_start portal
t_ok "the portal asks by TLS" t_wait 30 curl -fsS --cacert "$ROOT_CERT" "$PORTAL_URL/healthz"
t_stop portal
t_stop ca
revoker() { "$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" "$@" 2>&1; }
sam=$(redis_as installer HGET login:local sam)
sed -i 's/^sam,\(.*\),active,/sam,\1,disabled,/' "$LEAVERS_FILE"
t_ok "auto_revoke by TLS" revoker --once
t_like "holds who is disabled" "$(redis_as installer HGET hold:file "$sam")" 'suspended:'
sed -i 's/^sam,\(.*\),disabled,/sam,\1,active,/' "$LEAVERS_FILE"
t_ok "and lets go" revoker --once
t_is "by TLS as well" "$(redis_as installer HGET hold:file "$sam")" ""
t_start disconnect
t_ok "and follows the events" grep -q ' ready ' "$DISCONNECT_LOG"
t_stop disconnect

# in_vain TEXT REGEX: every program is refused, and says why
in_vain() {
	t_like "$1: scepctl" "$(ctl status 2>&1)" "$2"
	t_like "$1: auto_revoke" "$(revoker --once)" "$2"
	t_not "$1: auto_revoke fails" revoker --once
	from=$(stat -c %s "$PORTAL_LOG")
	t_start portal
	t_is "$1: the portal lets nobody in" "$(curl -sS -o page -w '%{http_code}' --cacert "$ROOT_CERT" "$PORTAL_URL/healthz")" 503
	t_stop portal
	t_like "$1: and its log says why" "$(tail -c "+$((from + 1))" "$PORTAL_LOG")" "$2"
}
programs other.pem ""
in_vain "another CA" 'not to be trusted'
programs ca.pem other.test
in_vain "another name" 'not to be trusted'

# our certificate, where Redis wants one
openssl req "${key[@]}" -keyout client.key -out client.csr -subj /CN=scepauth 2>/dev/null
openssl x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 400 -out client.pem 2>/dev/null
openssl x509 -req -in client.csr -CA other.pem -CAkey other.key -CAcreateserial -days 400 -out foreign.pem 2>/dev/null
chmod 600 client.key
ours() { sed -i "s|^\tca-file = .*|&\n\tcert-file = \"$w/$1\"\n\tkey-file = \"$w/client.key\"|" "$SCEPAUTH_CONF"; }
redis_as installer CONFIG SET tls-auth-clients yes >/dev/null
programs ca.pem redis.test
t_not "Redis wants a certificate and gets none: scepctl" ctl status
t_not "auto_revoke" revoker --once
ours foreign.pem
t_not "one of another CA: scepctl" ctl status
t_not "auto_revoke" revoker --once
programs ca.pem redis.test
ours client.pem
t_ok "ours: scepctl" ctl status
t_ok "auto_revoke" revoker --once
t_start ca portal
t_ok "CA and portal" t_wait 30 curl -fsS --cacert "$ROOT_CERT" "$PORTAL_URL/healthz"
t_stop portal ca
redis_as installer CONFIG SET tls-auth-clients no >/dev/null
programs none.pem ""
t_like "a CA that is not there" "$(ctl status 2>&1)" 'cannot read the CA for Redis'

# --- what check says of the files -----------------------------------------------------------------------
# check TEXT REGEX FILE...: of our certificate, where Redis wants one
checks() {
	programs "$3" ""
	[[ -z ${4-} ]] || sed -i "s|^\tca-file = .*|&\n\tcert-file = \"$w/$4\"\n\tkey-file = \"$w/$5\"|" "$SCEPAUTH_CONF"
	t_like "check: $1" "$(ctl check)" "$2"
}
chmod 640 redis.key
# shellcheck disable=SC2317 # called by t_not
complains() { programs ca.pem "" && sed -i "s|^\tca-file = .*|&\n\tcert-file = \"$w/redis.pem\"\n\tkey-file = \"$w/redis.key\"|" "$SCEPAUTH_CONF" && ctl check | grep -iE "redis.tls|redis.ca-file|$w"; }
t_not "check: nothing to say of good ones" complains
checks "no CA" 'none.pem.*' none.pem
checks "a key of another" 'cannot use the key for Redis.*redis.ca-file' ca.pem redis.pem ca.key
checks "its end is near" 'late.pem: ends within' ca.pem late.pem redis.key
chmod 644 redis.key
checks "a key for all" 'redis.key: mode 0644' ca.pem redis.pem redis.key
sed -i 's|^\tsocket = ""|\tsocket = "run/redis.sock"|' "$SCEPAUTH_CONF"
t_like "check: a socket besides" "$(ctl check)" 'redis.tls has no effect'
cp conf.good "$SCEPAUTH_CONF"

# --- the module -----------------------------------------------------------------------------------------
eapol_conf sam.conf cert.pem k.pem
use ca.pem redis.test
t_ok "the module asks by TLS" connect
t_ok "and again, by the same connection" connect
# shellcheck disable=SC2317 # called by t_ok
noted() { [[ $(redis_as installer KEYS 'session:*') == *session:* ]]; }
t_ok "and tells of it" t_wait 20 noted
redis_pid=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/redis.pid")
kill -STOP "$redis_pid"
t_ok "Redis hangs: refused" refused 'backend_timeout|backend_down'
kill -CONT "$redis_pid"
t_ok "and is back" t_wait 30 connect
use other.pem redis.test
t_ok "another CA: refused" refused backend_down
t_like "with the cause in the log" "$(grep "store not available" "$RADIUS_LOG")" 'store not available.*not to be trusted'
use ca.pem other.test
t_ok "another name: refused" refused backend_down
module none.pem ""
t_like "a CA that is not there is found at the start" "$(env "${T_RADIUS_ENV[@]}" freeradius -XC -d "$raddb" 2>&1)" \
	'cannot read the CA for Redis'
t_done
