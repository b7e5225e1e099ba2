#!/usr/bin/env bash
# The first hour of term at the portal: students log in (LDAP), add a device and fetch Apple's profile, 50 of them a second,
# beside the CA, Redis as shipped (appendfsync always), slapd and the load generator on the same cores. See README.md here.
# BENCH_STUDENTS (5000), BENCH_PER_SECOND (50).
# shellcheck source-path=SCRIPTDIR disable=SC2154,SC2034 # variables are from, or for what is sourced
. "$(dirname "$0")/../tests/support/lib.sh"
# shellcheck source=tests/support/slapd.sh
. "$T_TOP/tests/support/slapd.sh"
students=${BENCH_STUDENTS:-5000}
rate=${BENCH_PER_SECOND:-50}
rush=15
load=$SCEPAUTH_BIN/../tests/bin/portal_load

# Not --fast: with the key sizes of a real one.
instance=$T_TOP/packaging/instance.sh
"$instance" make "$T_DIR/i" -- --group staff:20 --group students:30 >"$T_DIR/make.log" 2>&1 || t_bail "no instance: $(tail -n 3 "$T_DIR/make.log")"
t_defer "'$instance' stop '$T_DIR/i'"
# shellcheck disable=SC1091
. "$T_DIR/i/env"
all=$((students + 100 * rush + 100))

slapd_make
slapd_start
slapd_tree || t_bail "no tree"
{
	for ((i = 0; i < all; i++)); do slapd_person "s$i" term-begins; done
	printf 'dn: cn=students,ou=groups,%s\nobjectClass: groupOfNames\ncn: students\n' "$SLAPD_BASE"
	for ((i = 0; i < all; i++)); do echo "member: uid=s$i,ou=people,$SLAPD_BASE"; done
} | slapd_add || t_bail "no people"
(umask 077 && echo "$SLAPD_READER_PASSWORD" >"$SCEPAUTH_DIR/secrets/ldap-password")
conf_set ldap uri "\"ldap://127.0.0.1:$SLAPD_PORT\""
conf_set ldap ca "\"$SLAPD_DIR/tls/ca.pem\""
conf_set ldap bind-dn "\"$SLAPD_READER\""
conf_set ldap base "\"$SLAPD_BASE\""
conf_set ldap filter '"(objectClass=inetOrgPerson)"'
conf_set ldap group-class '"groupOfNames"'
conf_set portal login '"ldap"'
sed -i "0,/^group \"students\" {/s//group \"students\" {\n\tldap = { \"cn=students,ou=groups,$SLAPD_BASE\" }/" "$SCEPAUTH_CONF"
t_start redis ca portal
pid=$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/portal.pid")
memory() { awk -v want="$1:" '$1 == want { printf "%.0f", $2 / 1024 }' "/proc/$pid/status"; }
cpu() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }
value() { sed -n "s/^$1=//p" "$T_DIR/result"; }

echo "cores $(nproc)"
echo "redis_appendfsync $(sed -n 's/^appendfsync //p' "$SCEPAUTH_DIR/redis/redis.conf")"
echo "web_key $(openssl x509 -in "$SCEPAUTH_DIR/tls/portal.pem" -noout -text | sed -n 's/.*Public-Key: (\([0-9]* bit\)).*/\1/p')"
echo "mib_portal_idle $(memory VmRSS)"

"$load" "$PORTAL_URL" "$ROOT_CERT" static /static/portal.css 8 >"$T_DIR/result" || t_bail "no static pages"
static=$(value pages_per_s)
echo "static_pages_per_s $static"

before=$(cpu "$pid")
"$load" "$PORTAL_URL" "$ROOT_CERT" students s term-begins 0 "$students" "$rate" $((students / rate + 20)) >"$T_DIR/result" || t_bail "no load"
echo "term_students $(value students) failed $(value failed) told_to_come_again $(value told_busy) in_s $(value seconds)"
echo "term_pages_per_s $(value pages_per_s)"
echo "term_cpu_s_portal $((($(cpu "$pid") - before) / 100))"
for page in login log_in new_device add_device set_up profile; do echo "ms $page p50 $(value "${page}_p50") p99 $(value "${page}_p99")"; done
page_p50=$(value page_p50) page_p99=$(value page_p99)

"$load" "$PORTAL_URL" "$ROOT_CERT" students s term-begins "$students" $((100 * rush)) 0 $rush >"$T_DIR/result" || t_bail "no load"
echo "rush_students_per_s $(value students_per_s) failed $(value failed) told_to_come_again $(value told_busy)"
echo "rush_ms page p50 $(value page_p50) p99 $(value page_p99)"
echo "pages_per_s $(value pages_per_s)"
echo "ms page p50 $page_p50 p99 $page_p99"
echo "mib portal $(memory VmHWM)"
awk -v pages="$(value pages_per_s)" -v static="$static" 'BEGIN { printf "ratio pages_vs_static %.3f\n", pages / static }'
t_finished=1
