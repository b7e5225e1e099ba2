#!/usr/bin/env bash
# scepctl against a real Redis: install, groups, helpdesk people, local accounts, and what is done to
# people, always as somebody and never more than that somebody may.
set -uo pipefail
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

d=$T_DIR/i
umask 077
echo "correct horse battery" >"$T_DIR/pass"
t_ok "init" "$SCEPAUTH_BIN/scepctl" init "$d" --quiet --root-passphrase-file "$T_DIR/pass" --root-bits 2048 --issuer-bits 2048
ctl() {
	"$SCEPAUTH_BIN/scepctl" -c "$d/scepauth.conf" "$@"
}
code() { # COMMAND...: prints its exit status
	"$@" >/dev/null 2>&1 && echo 0 || echo $?
}
start_redis() {
	redis-server "$d/redis/redis.conf" --daemonize no >>"$T_DIR/redis.out" 2>&1 &
	redis=$!
	t_wait 10 test -S "$d/run/redis.sock"
}
# shellcheck disable=SC2317 # called at exit
stop_redis() {
	kill "$redis" 2>/dev/null && wait "$redis" 2>/dev/null
}
redis=0
t_defer stop_redis
as() { # USER COMMAND...
	local user=$1
	shift
	REDISCLI_AUTH=$(cat "$d/secrets/redis-$user") redis-cli -s "$d/run/redis.sock" --user "$user" --no-auth-warning "$@"
}

# --- Redis away ------------------------------------------------------------------------------------
t_is "Redis away is exit status 3" "$(code ctl install)" 3
t_like "and said in one line" "$(ctl install 2>&1)" '^scepctl: [^'$'\n'']*redis.sock'
t_is "status too" "$(code ctl status)" 3
t_is "its JSON is still whole" "$(ctl status --json | jq -r '[.redis, (.certificates | length)] | @csv')" 'false,9'
start_redis || t_bail "no Redis"
t_is "an empty Redis is no store" "$(code ctl policy list)" 3

# --- install, policy -------------------------------------------------------------------------------
t_ok "install" ctl install
t_ok "install again" ctl install
t_is "groups are there" "$(ctl policy list --json | jq -r '[.groups[] | .name, .vlan, (.issuers | length)] | @csv')" \
	'"staff","20",1,"students","30",1'
ski=$(openssl x509 -in "$d/ca/staff/issuing.pem" -noout -ext subjectKeyIdentifier | tail -n 1 | tr -d ' :' | tr A-F a-f)
t_is "a group's issuer is its CA's key identifier" "$(ctl policy list --json | jq -r '.groups[0].issuers[0]')" "$ski"
t_is "status is good" "$(code ctl status)" 0
t_is "status has epoch and groups" "$(ctl status --json | jq -r '[.redis, .store_ready, (.store | length), .epoch, .groups] | @csv')" 'true,true,32,1,2'
store=$(ctl status --json | jq -r .store)
t_ok "install once more" ctl install
t_is "keeps its id" "$(ctl status --json | jq -r .store)" "$store"
cp "$d/scepauth.conf" "$T_DIR/conf"
sed -i 's/^group "students"/group "pupils"/; s/vlan = "20"/vlan = "21"/' "$d/scepauth.conf"
t_is "policy load names what it did" "$(ctl policy load | sort | paste -sd ,)" 'loaded  pupils,loaded  staff,removed students'
t_is "the change is there" "$(ctl policy list --json | jq -r '[.groups[] | .name, .vlan] | @csv')" '"pupils","30","staff","21"'

# --- versions of the group map ---------------------------------------------------------------------
in_force() { ctl policy list --json | jq -r '[.groups[] | .name, .vlan] | @csv'; }
versions() { ctl policy versions --json | jq -r '[.versions[] | "\(.version - $first) \(.state)"] | join(",")' --argjson first "$first"; }
first=$(ctl policy versions --json | jq .active)
before=$(in_force)
cp "$d/scepauth.conf" "$d/draft.conf"
sed -i 's/^group "pupils"/group "guests"/; s/vlan = "21"/vlan = "25"/' "$d/draft.conf"
t_is "a version is loaded" "$(ctl policy load "$d/draft.conf" --json | jq -r --argjson f "$first" '.version - $f')" 1
t_is "and not in force" "$(in_force)" "$before"
t_is "it is listed" "$(versions)" "1 loaded"
t_is "with its groups" "$(ctl policy show $((first + 1)) --json | jq -r '[.groups[] | .name, .vlan] | @csv')" '"guests","30","staff","25"'
sed 's/vlan = "25"/vlan = "5000"/' "$d/draft.conf" >"$d/bad.conf"
t_is "a file that is wrong is refused" "$(code ctl policy load "$d/bad.conf")" 2
t_is "and changes nothing" "$(versions) $(in_force)" "1 loaded $before"
t_ok "activate" ctl policy activate $((first + 1))
t_is "all of it is in force" "$(in_force)" '"guests","30","staff","25"'
t_is "and is the version of each verdict" "$(as radius FCALL_RO authorize 0 40000000000000000000000000000001 | sed -n 6p)" $((first + 1))
t_is "what was before is kept" "$(versions)" "1 in force,0 in force before"
t_is "rollback says to what" "$(ctl policy rollback --json | jq .version)" "$first"
t_is "and it is there at once" "$(in_force)" "$before"
t_is "rollback of the rollback" "$(ctl policy rollback --json | jq .version) $(in_force)" $((first + 1))' "guests","30","staff","25"'
t_ok "and back" ctl policy activate "$first"
t_is "a version that is not there" "$(code ctl policy activate 9999)" 1
t_is "a version that is no number" "$(code ctl policy activate x)" 1
row() { as installer HSET "cert:$1" issuer "$2" user "u$(printf '%032d' "$3")" device d1 profile staff state active not_before 1 not_after 9999999999 spki aa ticket bb >/dev/null; }
who() { as installer HSET "user:u$(printf '%032d' "$1")" source local login "$2" name "$2" email "" groups "$3" leave_at 0 >/dev/null; }
row 40000000000000000000000000000011 "$ski" 1
row 40000000000000000000000000000012 "$(ctl policy list --json | jq -r '.groups[] | select(.name == "pupils") | .issuers[0]')" 2
row 40000000000000000000000000000013 00ff 1
who 1 ann staff
who 2 ben pupils,guests
sed 's/^group "guests"/group "nobody"/' "$d/draft.conf" >"$d/draft2.conf"
ctl policy load "$d/draft2.conf" >/dev/null
t_is "diff says who would be moved and refused" \
	"$(ctl policy diff $((first + 2)) --json | jq -r '[.certificates, .refused, .let_in, .moved, (.changes[] | .login, .now, .then)] | @csv')" \
	'3,1,0,1,"ann","group staff, VLAN 21, 28800 s","group staff, VLAN 25, 28800 s","ben","group pupils, VLAN 30, 28800 s","refused (no_group)"'
t_like "and so in text" "$(ctl policy diff $((first + 2)))" '3 certificates: 1 would be refused, 0 let in, 1 moved'
t_ok "one of them in shadow" ctl policy shadow $((first + 2))
t_is "is listed as that" "$(versions)" "2 in shadow,1 in force before,0 in force"
t_is "and changes nothing" "$(in_force)" "$before"
t_is "nobody has connected yet" "$(ctl policy shadow --json | jq -c --argjson f "$first" '[.shadow - $f, .version - $f, .judged, .changes]')" "[2,2,0,[]]"
t_like "so it says" "$(ctl policy shadow)" "is in shadow since .*: 0 connections judged"
for bad in "$first" 9999 0 x on; do t_is "not in shadow: $bad" "$(code ctl policy shadow "$bad")" 1; done
t_is "off" "$(ctl policy shadow off)" "no version is in shadow"
t_like "what was seen stays" "$(ctl policy shadow)" "is no longer in shadow since"
t_is "nothing changes by asking" "$(in_force)" "$before"
t_is "the version in force changes nothing" "$(ctl policy diff "$first" --json | jq -c '[.refused, .let_in, .moved]')" '[0,0,0]'
as installer DEL cert:4000000000000000000000000000001{1,2,3} user:u0000000000000000000000000000000{1,2} >/dev/null
as installer FCALL policy_new 0 half >/dev/null
as installer FCALL policy_group 0 $((first + 3)) staff vlan 99 >/dev/null
t_like "what was not loaded completely cannot be activated" "$(ctl policy activate $((first + 3)) 2>&1)" 'was not loaded completely'
t_like "nor sealed with another number of groups" "$(as installer FCALL policy_seal 0 $((first + 3)) 2)" STATE
t_like "what is sealed does not change" "$(as installer FCALL policy_group 0 $((first + 1)) staff vlan 99)" STATE
as installer HSET policy:$((first + 1)) g:guests '["x"]' >/dev/null
t_like "nor what is damaged" "$(ctl policy activate $((first + 1)) 2>&1)" 'group guests of this version is damaged'
t_is "nothing of it is in force" "$(in_force)" "$before"
for who in radius portal ca auto_revoke; do
	for call in 'policy_new 0 x' "policy_group 0 $((first + 2)) staff" "policy_seal 0 $((first + 2)) 1" "policy_activate 0 $first" 'policy_rollback 0' "policy_shadow 0 $((first + 2))"; do
		# shellcheck disable=SC2086
		t_like "$who may not: $call" "$(as $who FCALL $call 2>&1)" 'DENIED|NOPERM'
	done
done

sed -i 's/profiles = {"students"}/profiles = {"nobody"}/' "$d/scepauth.conf"
sed -i 's/vlan = "21"/vlan = "22"/' "$d/scepauth.conf"
t_is "a bad group is exit status 2" "$(code ctl policy load)" 2
t_is "and changes no group at all" "$(ctl policy list --json | jq -r '.groups[] | select(.name == "staff").vlan')" 21

staff_rules() { # LINES...: the staff group with these keys added, loaded
	awk -v more="$*" '{ print } /^group "staff"/ { print more }' "$T_DIR/conf" >"$d/scepauth.conf"
	ctl policy load 2>&1
}
staff_rules 'ssids = {"campus", "staff lab"} nas = {"ap-*"} hours = {"mon-fri 07:00-19:00", "sat 08:00-12:00"} timezone = "CET-1CEST,M3.5.0,M10.5.0/3" user-name = "match"' >/dev/null
t_is "where and when a group counts" "$(ctl policy list --json | jq -r '.groups[] | select(.name == "staff") | [.ssids, .nas, .hours, .zone, .user_name] | join(";")')" \
	"campus,staff lab;ap-*;mon-fri 07:00-19:00,sat 08:00-12:00;CET-1CEST,M3.5.0,M10.5.0/3;match"
if [[ -r /usr/share/zoneinfo/Europe/Berlin ]]; then
	staff_rules 'timezone = "Europe/Berlin"' >/dev/null
	t_is "a zone by name" "$(ctl policy list --json | jq -r '.groups[] | select(.name == "staff").zone')" "CET-1CEST,M3.5.0,M10.5.0/3"
else
	t_skip "a zone by name" "no tzdata"
fi
t_like "hours without a zone" "$(staff_rules 'hours = {"mon 07:00-19:00"}')" 'group "staff": hours need a timezone'
t_like "a zone that is none" "$(staff_rules 'timezone = "../Berlin"')" 'group "staff": timezone "../Berlin" is not in'
t_like "hours that are none" "$(staff_rules 'hours = {"monday"} timezone = "UTC0"')" 'hours "monday" are not of the form'
t_like "a comma in a Wi-Fi name" "$(staff_rules 'ssids = {"a,b"}')" 'ssids "a,b" is empty or has a comma'
t_like "another rule for names" "$(staff_rules 'user-name = "maybe"')" 'user-name is "rewrite" or "match", not "maybe"'
staff_rules 'mac = "bind" two-macs = "quarantine" quarantine-vlan = "66"' >/dev/null
t_is "rules for the device's address" "$(ctl policy list --json | jq -r '.groups[] | select(.name == "staff") | [.mac, .two_macs, .quarantine_vlan] | join(";")')" 'bind;quarantine;66'
staff_rules 'known-good = 3600' >/dev/null
t_is "how long an answer counts" "$(ctl policy list --json | jq ".groups[] | select(.name == \"staff\") | .known_good")" 3600
t_like "and not for ever" "$(staff_rules 'known-good = 604801')" "known-good"
t_like "an address rule that is none" "$(staff_rules 'mac = "learn"')" 'mac is "any" or "bind", not "learn"'
t_like "a quarantine without a VLAN" "$(staff_rules 'two-macs = "quarantine"')" 'two-macs = quarantine needs a quarantine-vlan'
t_like "another rule for two" "$(staff_rules 'two-macs = "kill"')" 'two-macs is "tell", "refuse" or "quarantine", not "kill"'
t_like "a list that is too long" "$(staff_rules "nas = {$(printf '"%0100d",' 1 2 3)\"x\"}")" 'nas is longer than 256 bytes'
cp "$T_DIR/conf" "$d/scepauth.conf"
t_ok "the old policy again" ctl policy load
t_like "another user may not load policy" "$(ctl --as portal policy load 2>&1)" 'only the installer'

# --- helpdesk people -------------------------------------------------------------------------------
t_ok "helpdesk add" ctl helpdesk add anna --password-file "$d/secrets/redis-anna"
t_is "password file is closed" "$(stat -c %a "$d/secrets/redis-anna")" 600
t_is "anna can log in" "$(as anna ACL WHOAMI)" anna
t_not "a password file is never overwritten" ctl helpdesk add berta --password-file "$d/secrets/redis-anna"
t_is "and no half a person is left" "$(ctl helpdesk list)" anna
out=$(ctl helpdesk add berta)
t_like "the password is shown, with a ready command" "$out" 'shown this once: [0-9a-f]{32}.*redis-cli -s .*redis.sock --user berta'
password=$(sed -n 's/.*once: //p' <<<"$out")
t_is "and works" "$(REDISCLI_AUTH=$password redis-cli -s "$d/run/redis.sock" --user berta --no-auth-warning ACL WHOAMI)" berta
t_unlike "it is nowhere in the instance" "$(grep -rlF "$password" "$d")" .
t_is "adding again is refused" "$(code ctl helpdesk add berta)" 1
t_is "and the password still works" "$(REDISCLI_AUTH=$password redis-cli -s "$d/run/redis.sock" --user berta --no-auth-warning ACL WHOAMI)" berta
for name in installer front ca portal auto_revoke radius gc default root; do
	t_not "reserved: $name" ctl helpdesk add "$name"
	t_not "nor may it be removed" ctl helpdesk del "$name"
done
for name in 'a*' 'A' 'a b' '../x' '-x' '' 'a?' 'a[b]' 'a)' "$(printf 'a%.0s' {1..33})"; do
	t_is "no name: '$name'" "$(code ctl helpdesk add -- "$name")" 2
done
t_is "the programs' users are as before" "$(as portal ACL WHOAMI)" portal
t_is "list" "$(ctl helpdesk list --json | jq -r '.helpdesk | sort | @csv')" '"anna","berta"'
t_ok "del" ctl helpdesk del berta
t_like "berta is locked out" "$(REDISCLI_AUTH=$password redis-cli -s "$d/run/redis.sock" --user berta --no-auth-warning PING 2>&1)" 'WRONGPASS|NOAUTH'
t_not "del of nobody" ctl helpdesk del berta
t_ok "add after del" ctl helpdesk add berta
t_ok "the check takes the ACL file that Redis wrote" ctl check
stop_redis
start_redis || t_bail "Redis did not come back"
t_is "people outlive a restart" "$(ctl helpdesk list | sort | paste -sd ,)" anna,berta

# --- local accounts --------------------------------------------------------------------------------
# shellcheck disable=SC2016 # hashes begin with $y$
{
echo "sesame open" >"$T_DIR/pw"
t_ok "user add" ctl user add Sam --groups students,staff --name "Säm Student" --email sam@example.edu --password-file "$T_DIR/pw"
t_is "the line" "$(sed -n 's/^\(sam:\$y\$\)[^:]*/\1/p' "$d/portal/accounts")" "sam:\$y\$:students,staff:Säm Student:sam@example.edu"
t_is "list" "$(ctl user list --json | jq -r '.users[] | [.login, .groups, .name, .email] | @csv')" \
	'"sam","students,staff","Säm Student","sam@example.edu"'
t_unlike "no hash in the list" "$(ctl user list --json)" '\$y\$'
hash=$(cut -d: -f2 <(grep ^sam: "$d/portal/accounts"))
t_ok "passwd from standard input" ctl user passwd sam --password-stdin <<<"another one"
t_unlike "the hash is another" "$(cat "$d/portal/accounts")" "$(printf %q "$hash")"
t_is "twice is refused" "$(code ctl user add SAM --groups staff --password-file "$T_DIR/pw")" 1
t_is "an unknown group is refused" "$(code ctl user add x --groups stuff --password-file "$T_DIR/pw")" 1
t_is "no group is refused" "$(code ctl user add x --password-file "$T_DIR/pw")" 1
echo short >"$T_DIR/short"
t_is "a short password is refused" "$(code ctl user add x --groups staff --password-file "$T_DIR/short")" 1
t_is "a colon in a name is refused" "$(code ctl user add x --groups staff --name a:b --password-file "$T_DIR/pw")" 1
t_is "a bad login is refused" "$(code ctl user add 'x:y' --groups staff --password-file "$T_DIR/pw")" 2
t_is "without terminal it asks nobody" "$(ctl user add x --groups staff </dev/null >/dev/null 2>&1; echo $?)" 1
chmod 644 "$T_DIR/pw"
t_like "an open password file is refused" "$(ctl user add x --groups staff --password-file "$T_DIR/pw" 2>&1)" 'chmod 600'
t_is "none of these left a line" "$(grep -vc '^#' "$d/portal/accounts")" 1
t_is "nor a file" "$(ls -A "$d/portal")" accounts
t_ok "del" ctl user del sam
t_is "is gone" "$(grep -c ^sam: "$d/portal/accounts")" 0
t_not "del of nobody" ctl user del sam
}

# --- people ----------------------------------------------------------------------------------------
id=u$(printf '0%.0s' {1..32})
t_ok "somebody is known to Redis" test "$(as portal FCALL user_put 0 local sam "$id" "Sam" sam@example.edu students 0 | head -n 1)" = "$id"
for c in "revoke user sam lost" "revoke cert 00 lost" "suspend sam lost" "restore sam"; do
	# shellcheck disable=SC2086
	t_is "needs --as: $c" "$(code ctl $c)" 2
done
t_is "not as the installer: nobody would be accountable" "$(code ctl --as installer suspend sam lost)" 1
t_ok "suspend" ctl --as anna suspend sam "lost laptop"
t_like "why says who" "$(ctl why sam)" 'anna.*lost laptop'
t_is "why as JSON" "$(ctl why sam --json | jq -r '.why | any(test("anna"))')" true
t_is "the portal sees it" "$(as portal HEXISTS hold:helpdesk "$id")" 1
t_ok "restore" ctl --as anna restore sam
t_is "the hold is gone" "$(as portal HEXISTS hold:helpdesk "$id")" 0
t_ok "revoke user" ctl --as anna revoke user sam "left"
t_is "with a count" "$(ctl --as anna revoke user sam "left" --json | jq -r '[.done, .target, .actor, .count] | @csv')" '"revoked","sam","anna",0'
t_like "a serial nobody knows" "$(ctl --as anna revoke cert 01:02 x 2>&1)" 'serial'
t_not "fails" ctl --as anna revoke cert 01:02 x
t_is "a wrong password is no way in" "$(SCEPCTL_PASSWORD=wrong code ctl --as anna suspend sam x)" 3
SCEPCTL_PASSWORD=$(cat "$d/secrets/redis-anna") t_ok "password by environment" ctl --as anna suspend sam x
t_ok "password by file" ctl --as anna --password-file "$d/secrets/redis-anna" restore sam
t_is "a name with a path in it" "$(code ctl --as ../x suspend sam x)" 1
t_is "someone unknown" "$(code ctl why nobody)" 1

# --- the rest --------------------------------------------------------------------------------------
t_is "an unknown command" "$(code ctl frobnicate)" 2
t_like "is guessed" "$("$SCEPAUTH_BIN/scepctl" statsu 2>&1)" "did you mean 'status'"
t_is "no command" "$(code ctl)" 2
t_ok "help" ctl help
t_like "version" "$(ctl --version)" '^scepctl [0-9]'
t_is "config lists the schema without a file" "$(code "$SCEPAUTH_BIN/scepctl" config)" 0
t_unlike "effective values hold no secret" "$(ctl config)" "$(cat "$d/secrets/redis-portal")"
echo 'group "x" { vlaan = "3" }' >>"$d/scepauth.conf"
t_is "a broken configuration is exit status 2" "$(code ctl policy list)" 2
t_like "with file, line and key" "$(ctl policy list 2>&1)" 'scepauth.conf:[0-9]+: .*vlaan'
t_done
