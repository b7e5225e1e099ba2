#!/usr/bin/env bash
# The page that says whether a device is on the network: from the code to the first connection, and why not, with a real
# CA and a real RADIUS server.
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"

t_instance
t_patient "$T_DIR/i"
cd "$T_DIR" || exit 1

look() { # PATH [JAR]: leaves STATUS, REFRESH and the file page
	STATUS=$(curl -sS --max-time 20 --cacert "$ROOT_CERT" -D headers -o page -w '%{http_code}' -b "${2-jar}" "$PORTAL_URL$1")
	REFRESH=$(sed -n 's/^[Rr]efresh: *//p' headers | tr -d '\r')
}
steps() { grep -o 'class="state [a-z]*"' page | cut -d'"' -f2 | cut -d' ' -f2 | tr '\n' ' '; }
says() { look "$1" && grep -q "$2" page; }

t_ok "a student logs in" portal_login jar "$STUDENT_LOGIN" "$STUDENT_PASSWORD"
portal_add_device jar "Sam's laptop" linux || t_bail "no device"
code=$CHALLENGE device=$(html_id subject <<<"$PORTAL_PAGE" | sed 's/^CN=//') at=/devices/$device
t_ok "the set-up page leads there" grep -q "href=\"$at\"" <<<"$PORTAL_PAGE"

look "$at"
t_is "before anything happened it waits for the device" "$STATUS $(steps)" "200 good warn idle "
t_is "and looks again by itself" "$REFRESH" "5; url=$at?n=1"
look "$at?n=7"
t_is "counting" "$REFRESH" "5; url=$at?n=8"
for n in 60 61 -1 99999999999999999999 x ''; do
	look "$at?n=$n"
	t_is "but not for ever: n=$n" "$STATUS $REFRESH" "200 "
done
t_ok "then there is a way to look again" grep -q "href=\"$at\"" page

t_ok "the device enrols" scep_enrol "$T_DIR/device" students "$code"
serial=$(cert_serial device/cert.pem)
look "$at"
t_is "the certificate is there, the network is next" "$STATUS $(steps)" "200 good good warn "
t_ok "whose name is said" grep -q 'class="net"><bdi>campus' page
t_is "it still waits" "$REFRESH" "5; url=$at?n=1"

t_ok "it offers the end for a calendar" grep -q "href=\"$at/calendar.ics\"" page
look "$at/calendar.ics"
t_like "a calendar file" "$STATUS $(sed -n 's/^[Cc]ontent-[Tt]ype: *//p' headers | tr -d '\r')" '^200 text/calendar; charset=utf-8$'
t_is "with the certificate's end" "$(date -u -d "$(openssl x509 -in device/cert.pem -noout -enddate | cut -d= -f2)" +DTSTART:%Y%m%dT%H%M%SZ)" "$(grep ^DTSTART page | tr -d '\r')"
t_is "in words" "$(grep ^SUMMARY page | tr -d '\r')" "SUMMARY:Wi-Fi access ends: Sam's laptop"
redis_as "$HELPDESK_NAME" FCALL suspend_user 0 "$STUDENT_LOGIN" 'a test' >/dev/null
eapol_conf device.conf device/cert.pem device/key.pem
eapol_run device.conf
redis_as "$HELPDESK_NAME" FCALL restore_user 0 "$STUDENT_LOGIN" >/dev/null
t_is "(a suspended person is refused)" "$EAP_RESULT" reject
t_ok "the page says so" t_wait 20 says "$at" 'The network said no'
t_is "with the word for the help desk" "$(grep -o '<code>[a-z_]*</code>' page)" '<code>user_held</code>'
t_ok "and what it means" grep -q 'Your account is suspended' page
look "$at"
t_is "and goes on waiting" "$REFRESH" "5; url=$at?n=1"

eapol_run device.conf
t_is "(now it connects)" "$EAP_RESULT" accept
t_ok "the page says that it works" t_wait 20 says "$at" 'It works'
look "$at"
t_is "all steps are done" "$(steps)" "good good good "
nas=$(redis_as radius HGET "seen:$serial" nas)
t_like "with time, place and network" "$(tr -d '\n' <page)" "<strong><bdi>$(date +%Y-)[0-9-]* [0-9:]{5}</bdi></strong>.*<bdi>$(redis_as radius HMGET "seen:$serial" v1 | cut -f4)</bdi>.*<bdi>30</bdi>"
t_is "and looks no more" "$REFRESH" ""
t_not "nothing of the refusal is left" grep -q 'said no' page

# What a NAS is called comes from the network.
redis_as radius HSET "seen:$serial" v2 "$(printf '%s\t' "$(date +%s)" accept x '<script>alert(1)</script>' ok 1 students '"><img src=x>')2" >/dev/null
look "$at"
t_is "hostile names are text" "$STATUS $(grep -c '<script\|<img src=x' page)" "200 0"
redis_as radius HSET "seen:$serial" v3 "$(printf '%s\t' "$(date +%s)" accept x "$(printf 'a%.0s' {1..4000})" ok 1 students x)3" nas "${nas:-x}" >/dev/null
look /devices
t_is "endless ones are cut" "$STATUS" 200
t_ok "the list of devices leads there too" grep -q "href=\"$at\"" page

look "$at" /dev/null
t_is "without a session there is only the login" "$STATUS" 303
t_ok "somebody else logs in" portal_login other.jar "$STAFF_LOGIN" "$STAFF_PASSWORD"
look "$at" other.jar
t_is "to whom the device is unknown" "$STATUS" 404
look "$at/calendar.ics" other.jar
t_is "and its calendar file" "$STATUS" 404
look /devices/x
t_is "as is one that does not exist" "$STATUS" 404
redis_as "$HELPDESK_NAME" FCALL revoke_cert 0 "$serial" 'a test' >/dev/null
look "$at"
t_is "a device that was removed is not waited for" "$STATUS $REFRESH" "200 "
t_ok "and the page says what to do" grep -q 'Get a new code' page

t_done
