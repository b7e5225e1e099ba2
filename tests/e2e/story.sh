#!/usr/bin/env bash
# The demo's story as tests, with what must be refused on the way: login, ticket, enrolment, ledger,
# connection, revocation, leaving, and Redis away.
. "$(dirname "$0")/../support/lib.sh"

t_instance
student=$T_DIR/student staff=$T_DIR/staff

status_of() { # PATH: HTTP status without a session
	curl -s -o /dev/null -w '%{http_code}' --cacert "$ROOT_CERT" "$PORTAL_URL$1"
}
logged() { # reason words of the module since the last call
	local from=${log_seen:-0}
	log_seen=$(wc -l <"$RADIUS_LOG")
	tail -n "+$((from + 1))" "$RADIUS_LOG" | grep scepauth
}
connects() { # NAME FOLDER: makes the configuration and connects
	eapol_conf "$T_DIR/$1.conf" "$2/cert.pem" "$2/key.pem"
	logged >/dev/null
	eapol_run "$T_DIR/$1.conf"
	sleep 0.1
	LOGGED=$(logged)
}
certificates_of() { # SERIAL: how many its owner has
	redis_as "$HELPDESK_NAME" ZCARD "ucerts:$(redis_as "$HELPDESK_NAME" HGET "cert:$1" user)"
}

# --- login and ticket
t_like "the devices page without a session sends to the login" "$(status_of /devices)" '^30[23]$'
t_not "a wrong password is refused" portal_login "$T_DIR/no.jar" "$STUDENT_LOGIN" "wrong-$STUDENT_PASSWORD"
t_not "an unknown login is refused" portal_login "$T_DIR/no.jar" nobody "$STUDENT_PASSWORD"
t_ok "the student logs in" portal_login "$T_DIR/sam.jar" "$STUDENT_LOGIN" "$STUDENT_PASSWORD"
portal_add_device "$T_DIR/sam.jar" "Sam's laptop" linux
t_like "a device is added and a one-time code shown" "$CHALLENGE" '^[0-9A-F]{32}$'
code=$CHALLENGE

# --- enrolment
t_not "a code that nobody gave out is refused" scep_enrol "$T_DIR/guess" students 0123456789ABCDEF0123456789ABCDEF
t_not "the student's code at the staff CA is refused" scep_enrol "$T_DIR/upward" staff "$code"
t_ok "strongSwan enrols with the code" scep_enrol "$student" students "$code" "CN as the client likes"
serial=$(cert_serial "$student/cert.pem")
t_like "the serial is 32 hex digits" "$serial" '^[0-7][0-9a-f]{31}$'
t_unlike "the subject is the ticket's, not the request's" \
	"$(openssl x509 -in "$student/cert.pem" -noout -subject)" 'as the client likes'
t_ok "the chain verifies for a TLS client" openssl verify -CAfile "$ROOT_CERT" \
	-untrusted "$SCEPAUTH_DIR/ca/students/issuing.pem" -purpose sslclient "$student/cert.pem"
cp "$student/cert.pem" "$T_DIR/first.pem"
t_ok "the same code with the same key is answered again" scep_enrol "$student" students "$code"
t_is "with the same certificate" "$(cert_serial "$student/cert.pem")" "$serial"
t_not "the same code with another key is refused" scep_enrol "$T_DIR/thief" students "$code"
t_ok "and no certificate came" test ! -s "$T_DIR/thief/cert.pem"
t_is "the ledger has one certificate for the student" "$(certificates_of "$serial")" 1
t_is "and it is active" "$(redis_as "$HELPDESK_NAME" HGET "cert:$serial" state)" active

# --- connecting
connects sam "$student"
t_is "the student is accepted" "$EAP_RESULT" accept
t_is "in the students' VLAN" "$EAP_VLAN" 30
t_like "with a session timeout" "$EAP_SESSION_TIMEOUT" '^[1-9][0-9]*$'

portal_login "$T_DIR/tina.jar" "$STAFF_LOGIN" "$STAFF_PASSWORD"
portal_add_device "$T_DIR/tina.jar" "Tina's PC" other
mkdir -p "$staff"
t_ok "scepclient enrols the staff member" scepclient -server-url "$SCEP_URL/scep/staff" -challenge "$CHALLENGE" \
	-private-key "$staff/key.pem" -certificate "$staff/cert.pem" -cn x
connects tina "$staff"
t_is "staff is accepted" "$EAP_RESULT" accept
t_is "in the staff VLAN" "$EAP_VLAN" 20
staff_serial=$(cert_serial "$staff/cert.pem")

# --- the issuing key alone is not enough
mkdir -p "$T_DIR/forged"
printf '%s\n' 'basicConstraints=CA:FALSE' 'keyUsage=critical,digitalSignature' 'extendedKeyUsage=clientAuth' \
	'authorityKeyIdentifier=keyid' >"$T_DIR/forged/ext"
forge() { # SERIAL
	openssl req -new -newkey rsa:2048 -nodes -keyout "$T_DIR/forged/key.pem" -subj "/CN=$STUDENT_LOGIN" \
		-out "$T_DIR/forged/req.pem" 2>/dev/null &&
		openssl x509 -req -in "$T_DIR/forged/req.pem" -CA "$SCEPAUTH_DIR/ca/students/issuing.pem" \
			-CAkey "$SCEPAUTH_DIR/ca/students/issuing.key" -set_serial "0x$1" -days 30 \
			-extfile "$T_DIR/forged/ext" -out "$T_DIR/forged/cert.pem" 2>/dev/null
}
forge 5a11c0ffee5a11c0ffee5a11c0ffee01
t_ok "a certificate made with the stolen issuing key verifies" openssl verify -CAfile "$ROOT_CERT" \
	-untrusted "$SCEPAUTH_DIR/ca/students/issuing.pem" "$T_DIR/forged/cert.pem"
connects forged "$T_DIR/forged"
t_is "and is rejected" "$EAP_RESULT" reject
t_like "as unknown" "$LOGGED" unknown_cert
forge "$staff_serial"
connects forged "$T_DIR/forged"
t_is "a students' certificate with the serial of a staff certificate is rejected" "$EAP_RESULT" reject
t_like "as of the wrong issuer" "$LOGGED" issuer

# --- suspended and back
redis_as "$HELPDESK_NAME" FCALL suspend_user 0 "$STUDENT_LOGIN" fees >/dev/null
connects sam "$student"
t_is "a suspended student is rejected" "$EAP_RESULT" reject
redis_as "$HELPDESK_NAME" FCALL restore_user 0 "$STUDENT_LOGIN" >/dev/null
connects sam "$student"
t_is "a restored student is accepted" "$EAP_RESULT" accept

# --- Redis away
t_stop redis
connects sam "$student"
t_is "without Redis everybody is rejected" "$EAP_RESULT" reject
t_like "for the store's sake" "$LOGGED" backend_down
t_start redis
back() { connects sam "$student" && [[ $EAP_RESULT == accept ]]; }
t_ok "with Redis back the student is accepted again" t_wait 20 back

# --- helpdesk revokes
portal_add_device "$T_DIR/sam.jar" "Sam's phone" other
open_code=$CHALLENGE
redis_as "$HELPDESK_NAME" FCALL revoke_user 0 "$STUDENT_LOGIN" stolen-laptop >/dev/null
connects sam "$student"
t_is "the revoked student is rejected" "$EAP_RESULT" reject
t_like "with the reason" "$LOGGED" 'revoked|held'
t_not "the open code went along" scep_enrol "$T_DIR/phone" students "$open_code"
redis_as "$HELPDESK_NAME" FCALL restore_user 0 "$STUDENT_LOGIN" >/dev/null
connects sam "$student"
t_is "restoring the person does not bring the certificate back" "$EAP_RESULT" reject
t_like "it is revoked" "$LOGGED" revoked
why=$(redis_as "$HELPDESK_NAME" FCALL_RO why 0 "$serial")
t_like "why says who" "$why" "$HELPDESK_NAME"
t_like "why says what for" "$why" stolen-laptop

# --- leaving
sed -i "/^$STAFF_LOGIN,/d" "$LEAVERS_FILE"
gone() { [[ $(redis_as "$HELPDESK_NAME" HEXISTS revoked "$staff_serial") == 1 ]]; }
t_ok "who leaves the directory loses the certificate" t_wait 40 gone
connects tina "$staff"
t_is "and is rejected" "$EAP_RESULT" reject
t_like "why names auto_revoke" "$(redis_as "$HELPDESK_NAME" FCALL_RO why 0 "$staff_serial")" auto_revoke

# --- everything ends cleanly
for service in ca portal leavers radius; do
	read -r pid _ <"$SCEPAUTH_DIR/run/$service.pid"
	t_is "$service runs to the end" "$(grep -c "^State:[[:space:]]*[RSD]" "/proc/$pid/status")" 1
	t_is "$service ends on TERM without being killed" "$(t_stop "$service" 2>&1)" ""
done
t_unlike "no log speaks of memory errors" "$(cat "$SCEPAUTH_DIR"/log/*.log)" 'AddressSanitizer|runtime error|LeakSanitizer'
t_unlike "no code was logged" "$(cat "$SCEPAUTH_DIR"/log/*.log)" "$code|$open_code"
t_done
