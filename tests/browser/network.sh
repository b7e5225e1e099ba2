#!/usr/bin/env bash
# Pages about devices that were on the network, of guests and of Android phones, and the help desk's in every language: a real
# browser as in portal.sh, with a real RADIUS server behind the portal.
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"
. "$T_TOP/tests/browser/browser.bash"

browser_ready

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30 --group guest:40)
t_instance redis
ctl() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" "$@"; }
sed -i '/^vouchers {/,/^}/d; /^console {/,/^}/d' "$SCEPAUTH_CONF"
sed -i '/^portal *{/a\	server-keys = true\n\tserver-key-lifetime = 7\n\tterms = "terms.txt"' "$SCEPAUTH_CONF"
sed -i '/^wifi *{/a\	passpoint = "wifi.example.edu"\n\tpasspoint-consortia = "5a03ba0000"' "$SCEPAUTH_CONF"
sed -i '/^group "students"/a\	device-limit = 12' "$SCEPAUTH_CONF"
printf 'Be kind to the others on this network.\n\nNothing forbidden, please.\n' >"$SCEPAUTH_DIR/terms.txt"
cat >>"$SCEPAUTH_CONF" <<-'END'
	vouchers {
		sponsors = {"staff"}
	}
	console {
		groups = {"helpdesk"}
	}
END
ctl helpdesk add console --password-file "$SCEPAUTH_DIR/secrets/redis-console" >"$T_DIR/console.log" 2>&1 || t_bail "$(cat "$T_DIR/console.log")"
printf 'desk-password-1\n' | ctl user add henry --groups helpdesk --name "Henry Help" --email h@example.edu --password-stdin >/dev/null
t_start ca portal radius
cd "$T_DIR" || exit 1
portal_login jar "$STUDENT_LOGIN" "$STUDENT_PASSWORD" || t_bail "no login"

# What a device of a student may have come to: a code, a certificate, a refusal, the network.
enrolled() { # NAME DIR
	portal_add_device jar "$1" linux || t_bail "no device $1"
	scep_enrol "$T_DIR/$2" students "$CHALLENGE" >"$T_DIR/enrol.out" 2>&1 || t_bail "$(cat "$T_DIR/enrol.out")"
	eapol_conf "$2.conf" "$2/cert.pem" "$2/key.pem"
}
portal_add_device jar "Only a code" apple || t_bail "no device"
enrolled "With a certificate" certified
enrolled "Refused once" refused
enrolled "On the network" accepted
redis_as "$HELPDESK_NAME" FCALL suspend_user 0 "$STUDENT_LOGIN" 'lost her phone' >/dev/null
eapol_run refused.conf
t_is "(one device is refused)" "$EAP_RESULT" reject
redis_as "$HELPDESK_NAME" FCALL restore_user 0 "$STUDENT_LOGIN" >/dev/null
eapol_run accepted.conf
t_is "(one gets in)" "$EAP_RESULT" accept

cat >"$T_DIR/with-short-codes" <<-END
	#!/bin/sh
	sed -i '/ticket-lifetime/d; /^portal *{/a\	ticket-lifetime = 1' '$SCEPAUTH_CONF'
	'$T_TOP/packaging/instance.sh' stop '$SCEPAUTH_DIR' portal && exec '$T_TOP/packaging/instance.sh' start '$SCEPAUTH_DIR' portal
END
chmod 700 "$T_DIR/with-short-codes"
browse network.mjs WITH_SHORT_CODES="$T_DIR/with-short-codes" FIRST=2 SPONSOR_LOGIN="$STAFF_LOGIN" SPONSOR_PASSWORD="$STAFF_PASSWORD" DESK_LOGIN=henry DESK_PASSWORD=desk-password-1
rc=$?
t_finished=1
exit "$rc"
