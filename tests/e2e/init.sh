#!/usr/bin/env bash
# scepctl init and its check: what is made stands before openssl, Redis and FreeRADIUS; nothing is ever
# overwritten or left half-made; damage of every kind is found.
set -uo pipefail
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

ctl=$SCEPAUTH_BIN/scepctl
fast=(--root-bits 2048 --issuer-bits 2048)
pass=$T_DIR/pass
umask 077
echo "correct horse battery" >"$pass"

init() { # DIR OPTION...
	"$ctl" init "$@" --quiet --root-passphrase-file "$pass" "${fast[@]}"
}

mode() {
	stat -c %a "$1"
}

# shellcheck disable=SC2317 # called through t_ok
nothing_beside() { # DIR: neither it nor a temporary folder is there
	[[ ! -e $1 ]] && ! compgen -G "$(dirname "$1")/.$(basename "$1").init-*" >/dev/null
}

# --- a plain instance, with the default key sizes --------------------------------------------------
d=$T_DIR/one
t_ok "init makes an instance with the default sizes" "$ctl" init "$d" --root-passphrase-file "$pass"
t_is "folder is closed" "$(mode "$d")" 700
for f in ca/root/root.key ca/staff/issuing.key ca/students/ra.key tls/portal.key radius/server.key \
	secrets/redis-portal secrets/ticket-mac.key secrets/seal.key secrets/checkpoint.key portal/accounts redis/users.acl; do
	t_is "mode of $f" "$(mode "$d/$f")" 600
done
t_is "mode of instance.conf" "$(mode "$d/raddb/instance.conf")" 640
t_is "ticket MAC key has 32 bytes" "$(stat -c %s "$d/secrets/ticket-mac.key")" 32
bits() {
	openssl x509 -in "$d/$1" -noout -text | sed -n 's/.*Public-Key: (\([0-9]*\) bit).*/\1/p'
}
t_is "root key size" "$(bits ca/root/root.pem)" 4096
t_is "issuing key size" "$(bits ca/staff/issuing.pem)" 3072
t_is "transport key size" "$(bits ca/staff/ra.pem)" 2048
for p in staff students; do
	t_ok "openssl verifies the RA of $p" openssl verify -x509_strict -CAfile "$d/ca/root/root.pem" \
		-untrusted "$d/ca/$p/issuing.pem" "$d/ca/$p/ra.pem"
	t_is "issuing.pem of $p holds two certificates" "$(grep -c BEGIN "$d/ca/$p/issuing.pem")" 2
done
t_not "an RA is not accepted as a TLS server" openssl verify -purpose sslserver -CAfile "$d/ca/root/root.pem" \
	"$d/ca/staff/ra.pem"
t_ok "openssl verifies the RADIUS server" openssl verify -x509_strict -purpose sslserver -verify_hostname localhost \
	-CAfile "$d/ca/root/root.pem" "$d/radius/server.pem"
t_ok "openssl verifies the portal" openssl verify -x509_strict -purpose sslserver -verify_ip 127.0.0.1 \
	-CAfile "$d/ca/root/root.pem" "$d/tls/portal.pem"
t_like "the root may have one CA below" "$(openssl x509 -in "$d/ca/root/root.pem" -noout -text)" 'CA:TRUE, pathlen:1'
t_like "an issuing CA none" "$(openssl x509 -in "$d/ca/staff/issuing.pem" -noout -text)" 'CA:TRUE, pathlen:0'
t_ok "the passphrase opens the root key" openssl pkey -in "$d/ca/root/root.key" -passin "file:$pass" -noout
t_not "no other does" openssl pkey -in "$d/ca/root/root.key" -passin pass:wrong -noout
t_like "rounds of PBKDF2" "$(openssl asn1parse -in "$d/ca/root/root.key" | grep INTEGER)" '0927C0'
t_is "serials differ" "$(for c in "$d"/ca/*/*.pem "$d/radius/server.pem"; do openssl x509 -in "$c" -noout -serial; done |
	sort | uniq -d | wc -l)" 0
t_is "secrets differ" "$(cat "$d"/secrets/redis-* | sort | uniq -d | wc -l)" 0
t_is "links of raddb stay links" "$(readlink "$d/raddb/mods-enabled/eap")" "$(readlink "$T_TOP/raddb/mods-enabled/eap")"
t_ok "check is content" "$ctl" init "$d" --check
t_ok "check by configuration file" "$ctl" -c "$d/scepauth.conf" check

# --- nothing is overwritten ------------------------------------------------------------------------
before=$(find "$d" -type f -exec sha256sum {} + | sort)
t_not "a folder with an instance is refused" init "$d"
t_is "and untouched" "$(find "$d" -type f -exec sha256sum {} + | sort)" "$before"
mkdir "$T_DIR/full" && echo mine >"$T_DIR/full/letter"
t_not "a folder with anything in it is refused" init "$T_DIR/full"
t_is "and untouched, too" "$(ls -A "$T_DIR/full")" letter
echo x >"$T_DIR/file"
t_not "a file of that name is refused" init "$T_DIR/file"
t_is "and stays" "$(cat "$T_DIR/file")" x
mkdir "$T_DIR/empty"
t_ok "an empty folder is used as it is" init "$T_DIR/empty"
t_is "without a trace of the making" "$(find "$T_DIR/empty" -maxdepth 1 -name '.*' ! -path "$T_DIR/empty")" ""
t_ok "and it is good" "$ctl" check "$T_DIR/empty"

# --- failures leave nothing behind -----------------------------------------------------------------
n=$T_DIR/none
t_like "without terminal and passphrase file it says so" "$("$ctl" init "$n" "${fast[@]}" </dev/null 2>&1)" \
	'root-passphrase-file'
t_ok "and left nothing" nothing_beside "$n"
echo short >"$T_DIR/short"
t_not "a short passphrase is refused" "$ctl" init "$n" "${fast[@]}" --root-passphrase-file "$T_DIR/short"
chmod 644 "$T_DIR/short"
t_like "a passphrase file for everybody is refused" \
	"$("$ctl" init "$n" "${fast[@]}" --root-passphrase-file "$T_DIR/short" 2>&1)" 'chmod 600'
cp -a "$T_TOP/raddb" "$T_DIR/raddb" && mkdir -p "$T_DIR/share/redis" && mv "$T_DIR/raddb" "$T_DIR/share/" &&
	cp "$T_TOP"/redis/*.in "$T_TOP"/redis/*.lua "$T_DIR/share/redis/"
echo 'user who on #@HASH_who@' >>"$T_DIR/share/redis/users.acl.in"
t_like "a template that wants the unknown fails" "$(init "$n" --share "$T_DIR/share" 2>&1)" 'HASH_who'
t_ok "and left nothing, although keys had been made" nothing_beside "$n"
sed -i '/^user who/d; /^user portal/d' "$T_DIR/share/redis/users.acl.in"
t_like "what does not pass its own check is not delivered" "$(init "$n" --share "$T_DIR/share" 2>&1)" 'user portal is missing'
t_ok "and left nothing" nothing_beside "$n"
t_not "a folder without templates is refused" init "$n" --share "$T_DIR/full"
"$ctl" init "$n" --root-passphrase-file "$pass" --root-bits 8192 >/dev/null 2>"$T_DIR/err" &
pid=$!
t_wait 10 compgen -G "$T_DIR/.none.init-*"
kill -TERM "$pid"
wait "$pid" && rc=0 || rc=$?
t_is "SIGTERM ends it with exit status 1" "$rc" 1
t_ok "and left nothing" nothing_beside "$n"
for bad in "--group ../x" "--group a:4095" "--ssid=" "--host 10.0.0.1" "--root-bits 1024" "--nonsense" "--lifetime 0"; do
	# shellcheck disable=SC2086 # two words on purpose
	init "$n" $bad >/dev/null 2>&1 && rc=0 || rc=$?
	t_is "bad option: $bad" "$rc" 2
done
t_ok "none of them left a thing" nothing_beside "$n"
out=$("$ctl" init "$n" --dry-run --group one:7 --root-passphrase-file "$pass")
t_like "dry run tells the group" "$out" 'one: VLAN 7'
t_ok "and writes nothing" nothing_beside "$n"

# --- root key apart --------------------------------------------------------------------------------
t_ok "init with --root-dir" init "$T_DIR/apart" --root-dir "$T_DIR/vault"
t_ok "the key is there" test -s "$T_DIR/vault/root.key"
t_not "and not in the instance" test -e "$T_DIR/apart/ca/root/root.key"
t_ok "its certificate is in both" cmp "$T_DIR/vault/root.pem" "$T_DIR/apart/ca/root/root.pem"
t_ok "check does not miss it" "$ctl" check "$T_DIR/apart"
t_not "a --root-dir with a root in it is refused" init "$n" --root-dir "$T_DIR/vault"
t_not "one inside the instance too" init "$n" --root-dir "$n/root"
t_not "a failure" init "$n" --root-dir "$T_DIR/vault2" --share "$T_DIR/share"
t_not "takes the root folder back" test -e "$T_DIR/vault2"

# --- owner -----------------------------------------------------------------------------------------
if [[ $(id -u) == 0 ]] && id nobody >/dev/null 2>&1; then
	t_ok "init --run-as" init "$T_DIR/owned" --run-as nobody
	t_is "the instance belongs to that user" "$(stat -c %U "$T_DIR/owned" "$T_DIR/owned/secrets/seal.key" | sort -u)" nobody
	t_is "the root key does not" "$(stat -c %U "$T_DIR/owned/ca/root/root.key")" root
	t_ok "check is content" "$ctl" check "$T_DIR/owned"
	chown daemon "$T_DIR/owned/secrets"
	t_like "a stranger's folder is found" "$("$ctl" check "$T_DIR/owned")" 'secrets: belongs to a user'
	mkdir "$T_DIR/mnt"
	if mount -t tmpfs tmpfs "$T_DIR/mnt" 2>/dev/null; then
		t_defer "umount '$T_DIR/mnt'"
		t_ok "init into a mount point" init "$T_DIR/mnt" --run-as nobody
		t_is "which gets owner and mode" "$(stat -c '%U %a' "$T_DIR/mnt")" "nobody 700"
		t_ok "check is content" "$ctl" check "$T_DIR/mnt"
	else
		t_skip "init into a mount point" "may not mount here"
	fi
else
	t_skip "init --run-as" "needs root"
fi
t_not "an unknown --run-as is refused" init "$n" --run-as no-such-user-here

# --- hostile names, a path with a blank ------------------------------------------------------------
# shellcheck disable=SC2016 # nothing is meant to expand
org='O"Brien ${HOME} \ ünï'
h="$T_DIR/a b"
# shellcheck disable=SC2016
t_ok "init with hostile names" init "$h" --organization "$org" --ssid 'caf\é "x" ${HOME}' --onboarding-ssid "'; }" \
	--group one:guest.net --group two --module-dir "$(cd "$SCEPAUTH_BIN/../lib" 2>/dev/null && pwd || echo /usr/lib/freeradius)"
t_is "organization is read back" "$("$ctl" -c "$h/scepauth.conf" config --json |
	jq -r '.keys[] | select(.key == "organization") | .value')" "$org"
# shellcheck disable=SC2016
t_is "SSID is read back" "$("$ctl" -c "$h/scepauth.conf" config --json |
	jq -r '.keys[] | select(.key == "wifi.ssid") | .value')" 'caf\é "x" ${HOME}'
t_is "organization in the certificate" "$(openssl x509 -in "$h/ca/one/issuing.pem" -noout -subject \
	-nameopt utf8,sname,sep_multiline,-esc_msb | sed -n 's/^ *O=//p')" "$org"
if [[ -r $SCEPAUTH_BIN/../lib/rlm_scepauth.so ]] && radiusd=$(PATH=$PATH:/usr/sbin command -v freeradius); then
	t_like "FreeRADIUS reads the instance" "$(env "${T_RADIUS_ENV[@]}" "$radiusd" -XC -d "$h/raddb" 2>&1 | tail -n 1)" 'Configuration appears to be OK'
else
	t_skip "FreeRADIUS reads the instance" "no FreeRADIUS or no module here"
fi
redis-server "$h/redis/redis.conf" --daemonize no >"$T_DIR/redis.out" 2>&1 &
redis=$!
t_defer "kill $redis 2>/dev/null; wait $redis 2>/dev/null"
t_ok "redis-server runs with what init wrote" t_wait 10 test -S "$h/run/redis.sock"
as() { # USER COMMAND...
	local user=$1
	shift
	REDISCLI_AUTH=$(cat "$h/secrets/redis-$user") redis-cli -s "$h/run/redis.sock" --user "$user" --no-auth-warning "$@"
}
for u in installer front ca portal auto_revoke radius disconnect gc; do
	t_is "Redis user $u" "$(as "$u" ACL WHOAMI 2>&1)" "$u"
done
t_like "the default user is off" "$(redis-cli -s "$h/run/redis.sock" PING 2>&1)" NOAUTH
t_like "a wrong password is refused" "$(REDISCLI_AUTH=x redis-cli -s "$h/run/redis.sock" --user installer PING 2>&1)" 'WRONGPASS|NOAUTH'
t_is "writes are synced before the answer" "$(as installer CONFIG GET appendfsync | tail -n 1)" always
t_is "nothing is evicted" "$(as installer CONFIG GET maxmemory-policy | tail -n 1)" noeviction
kill "$redis" && wait "$redis" 2>/dev/null

# --- damage ----------------------------------------------------------------------------------------
cp -a "$d" "$T_DIR/pristine"
damage() { # TEXT REGEX COMMAND: on a fresh copy; the check must fail, name it, and say how to mend it
	local out rc
	rm -rf "$d" && cp -a "$T_DIR/pristine" "$d"
	(cd "$d" && eval "$3") || t_bail "damage: $3"
	out=$("$ctl" init "$d" --check) && rc=0 || rc=$?
	t_is "check fails: $1" "$rc" 1
	t_like "check names it: $1" "$out" "$2"
}
warned() { # TEXT REGEX COMMAND
	local out
	rm -rf "$d" && cp -a "$T_DIR/pristine" "$d"
	(cd "$d" && eval "$3") || t_bail "damage: $3"
	out=$("$ctl" init "$d" --check) || t_fail "check only warns: $1" "$out"
	t_like "check warns: $1" "$out" "$2"
}
damage "missing key" 'ca/staff/issuing.key: .*No such file' 'rm ca/staff/issuing.key'
damage "key open to others" 'ca/staff/issuing.key: .*chmod 600' 'chmod 644 ca/staff/issuing.key'
damage "secret open to the group" 'secrets/redis-portal: .*chmod 600' 'chmod 640 secrets/redis-portal'
damage "swapped keys" 'does not belong to' 'mv ca/staff/ra.key x; mv ca/students/ra.key ca/staff/ra.key; mv x ca/students/ra.key'
damage "swapped issuing certificates" 'ca/staff/issuing.key: does not belong' 'cp ca/students/issuing.pem ca/staff/issuing.pem'
damage "RA of another CA" 'ca/staff/ra.pem: does not chain' 'cp ca/students/ra.pem ca/students/ra.key ca/staff/'
damage "damaged certificate" 'tls/portal.pem: .*damaged' 'sed -i "3s/./!/" tls/portal.pem'
damage "truncated certificate" 'radius/server.pem' 'head -c 500 radius/server.pem >x; cat x >radius/server.pem; rm x'
damage "broken configuration line" 'scepauth.conf:[0-9]+' 'echo "nonsense = 1" >>scepauth.conf'
damage "unknown profile in a group" 'there is no profile "gone"' 'sed -i "s/profiles = {\"staff\"}/profiles = {\"gone\"}/" scepauth.conf'
damage "bad VLAN" 'vlan "5000" is neither' 'sed -i "s/vlan = \"20\"/vlan = \"5000\"/" scepauth.conf'
damage "missing Redis user" 'the user ca is missing' 'sed -i "/^user ca /d" redis/users.acl'
damage "default user on" 'default user is not off' 'sed -i "s/^user default off/user default on/" redis/users.acl'
damage "password that Redis does not know" 'password of front is not' 'head -c 64 /dev/zero | tr "\0" a >secrets/redis-front'
damage "short password" 'too short' 'echo abc >secrets/redis-front'
damage "RADIUS with another password" 'scepauth_redis_password is not' 'sed -i "s/^scepauth_redis_password = .*/scepauth_redis_password = \"x\"/" raddb/instance.conf'
damage "missing variable" 'scepauth_listen is not set' 'sed -i /^scepauth_listen/d raddb/instance.conf'
damage "short key" 'secrets/seal.key: has 31 bytes' 'truncate -s 31 secrets/seal.key'
damage "missing checkpoint key" 'secrets/checkpoint.key' 'rm secrets/checkpoint.key'
damage "checkpoint key of another kind" 'is no Ed25519 key' 'cat ca/staff/ra.key >secrets/checkpoint.key'
damage "a name that cannot be one" 'scep.journal-name' 'sed -i "s|^scep {|scep {\n\tjournal-name = \"a b\"|" scepauth.conf'
warned "no checkpoints" 'can rewrite it' 'sed -i "s|^scep {|scep {\n\tcheckpoint-every = 0|" scepauth.conf'
damage "missing raddb file" 'raddb/mods-available/eap: is missing' 'rm raddb/mods-available/eap'
damage "dangling link" 'points to nothing' 'rm raddb/mods-available/eap'
damage "root key in the clear" 'root key is not encrypted' \
	"openssl pkey -in ca/root/root.key -passin 'file:$pass' -out x && cat x >ca/root/root.key && rm x"
damage "instance open to others" 'lets others into the instance' 'chmod 755 .'
damage "configuration writable by others" 'scepauth.conf: mode 0666' 'chmod 666 scepauth.conf'
damage "missing folder" 'run: is missing' 'rmdir run'
damage "issuing CA not accepted by RADIUS" 'issuing CA of profile "staff" is missing' 'cp ca/root/root.pem radius/client-ca.pem'
another_ca='openssl req -x509 -newkey rsa:2048 -nodes -keyout x -out y -subj "/CN=Somebody Else CA" -days 9 2>/dev/null'
warned "a CA accepted by RADIUS that is not ours" 'no profile issues from the CA ".*Somebody Else CA" that it accepts' \
	"$another_ca; cat y >>radius/client-ca.pem; rm x y"
warned "nor below our root" 'no profile issues from the CA ".*Somebody Below" that it accepts' \
	"openssl req -newkey rsa:2048 -nodes -keyout x -out y -subj '/CN=Somebody Below' 2>/dev/null
	openssl x509 -req -in y -CA ca/root/root.pem -CAkey ca/root/root.key -passin 'file:$pass' -days 9 -set_serial 0x0102 \
		-extfile <(echo basicConstraints=critical,CA:TRUE) 2>/dev/null >>radius/client-ca.pem; rm x y"
damage "server certificate of another name" 'does not cover wifi.server-name' 'sed -i "s/server-name = .*/server-name = \"other.example.edu\"/" scepauth.conf'
damage "Redis may forget" 'Redis may forget' 'sed -i "s/^maxmemory-policy.*/maxmemory-policy allkeys-lru/" redis/redis.conf'
damage "foreign ACL file" 'no line aclfile' 'sed -i "s|^aclfile.*|aclfile /etc/redis/users.acl|" redis/redis.conf'
# Certificates that are over, or nearly: made by openssl, on the instance's own keys.
over="-days -1" # OpenSSL 3.0 takes that, 3.5 has an option for it
openssl x509 -help 2>&1 | grep -q -- -not_after && over="-not_before 20200101000000Z -not_after 20200201000000Z"
reissue() { # OPTIONS OF openssl x509: prints commands that replace the RA of staff
	printf "%s" "openssl req -new -key ca/staff/ra.key -subj /CN=ra -out x.csr && printf 'keyUsage=critical,digitalSignature,keyEncipherment\n' >x.ext &&
		openssl x509 -req -in x.csr -CA ca/staff/issuing.pem -CAkey ca/staff/issuing.key $1 -extfile x.ext -out x.pem 2>/dev/null &&
		cat x.pem >ca/staff/ra.pem && rm x.csr x.ext x.pem"
}
damage "expired certificate" 'ca/staff/ra.pem: expired at' "$(reissue "$over")"
warned "certificate near its end" 'ca/staff/ra.pem: ends within 30 days' "$(reissue "-days 29")"
warned "slow sync" 'appendfsync is not always' 'sed -i "s/^appendfsync always/appendfsync everysec/" redis/redis.conf'
damage "several at once" '3 errors' 'chmod 755 .; rm secrets/seal.key; rmdir log'
t_is "as JSON" "$("$ctl" init "$d" --check --json | jq -r '[.ok, .errors, .problems[0].level, (.problems | all(.mend != ""))] | @csv')" \
	'false,3,"error",true'
rm -rf "$d" && cp -a "$T_DIR/pristine" "$d"
t_is "JSON of a good one" "$("$ctl" check "$d" --json | jq -r '[.ok, .errors] | @csv')" 'true,0'
t_not "an empty folder is no instance" "$ctl" check "$(mktemp -d "$T_DIR/XXXX")"
t_not "a missing one neither" "$ctl" check "$T_DIR/nowhere"

# --- manual ----------------------------------------------------------------------------------------
man=$T_TOP/man/scepauth.conf.5
missing=
while read -r section key; do
	grep -q "^\.It Ic $key\( \|\$\)" <<<"$(sed -n "/^\.Ss .*\\b$section\\b/,/^\.S[sh] /p" "$man")" || missing+=" $section.$key"
done < <("$ctl" config --json | jq -r '.keys[].key' | sed -E 's/^([a-z0-9-]+)$/global \1/; s/^([a-z]+)\.(NAME\.)?([a-z0-9-]+)$/\1 \3/')
t_is "scepauth.conf(5) has every key" "$missing" ""
known=$("$ctl" config --json | jq -r '.keys[].key' | sed 's/.*\.//' | sort -u)
t_is "and no other" "$(sed -n 's/^\.It Ic \([a-z0-9-]*\).*/\1/p' "$man" | sort -u | comm -23 - <(echo "$known"))" ""
missing=
for c in $("$ctl" help | sed -n 's/^  \([a-z-]*\)  *[a-z].*/\1/p'); do
	grep -q "^\.It Ic $c" "$T_TOP/man/scepctl.1" || missing+=" $c"
	"$ctl" "$c" --help >/dev/null || missing+=" $c:help"
done
t_is "scepctl(1) has every command, and each has help" "$missing" ""
for m in scepctl.1 scepauth.conf.5; do
	if command -v mandoc >/dev/null; then
		t_is "$m is clean" "$(mandoc -Tlint -Wwarning "$T_TOP/man/$m" 2>&1)" ""
	else
		t_skip "$m is clean" "no mandoc here"
	fi
done
t_done
