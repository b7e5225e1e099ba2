#!/usr/bin/env bash
# People are told by mail before the access of a device of theirs ends: to a real mail server, once, and not those who want none.
# shellcheck source-path=SCRIPTDIR disable=SC2154,SC2119,SC2317 # variables come from the instance's env; functions are called by name
. "$(dirname "$0")/../support/lib.sh"

/usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null || {
	t_skip "reminders by mail" "python3-aiosmtpd is not installed"
	t_done
	exit 0
}
t_instance redis
t_start ca portal
cd "$T_DIR" || exit 1
mkdir got

# --- a mail server -----------------------------------------------------------------------------------------
openssl req -x509 -newkey rsa:2048 -nodes -subj '/CN=mail CA' -keyout ca.key -out ca.pem -days 2 2>/dev/null
openssl req -new -newkey rsa:2048 -nodes -subj /CN=localhost -keyout mail.key -out mail.csr 2>/dev/null
openssl x509 -req -in mail.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out mail.pem -extfile <(echo 'subjectAltName=DNS:localhost') 2>/dev/null
port=$((20000 + RANDOM % 12000))
serve() { # KIND
	unserve
	rm -f smtpd.out
	/usr/bin/python3 "$T_TOP/tests/support/smtpd.py" $port got "$1" mail.pem mail.key wifi mail-secret >smtpd.out 2>&1 &
	smtpd=$!
	t_wait 20 grep -q ready smtpd.out || t_bail "no mail server: $(cat smtpd.out)"
}
unserve() {
	[[ -z ${smtpd-} ]] || { kill "$smtpd" && wait "$smtpd"; } 2>/dev/null
	smtpd=
}
t_defer unserve
(umask 077 && echo mail-secret >"$SCEPAUTH_DIR/secrets/mail-password")
configure() { # KEY=VALUE ...
	sed -i '/^mail {/,/^}/d' "$SCEPAUTH_CONF"
	{ echo 'mail {' && printf '\t%s\n' "$@" && echo '}'; } >>"$SCEPAUTH_CONF"
}
tls() { configure "server = \"smtp://localhost:$port\"" 'from = "wifi@example.edu"' 'user = "wifi"' "ca = \"$T_DIR/ca.pem\"" 'days = { "366", "7" }' "$@"; }
remind() { # leaves RC and the file out
	"$SCEPAUTH_BIN/onboard_portal" -c "$SCEPAUTH_CONF" --remind "$@" >out 2>&1
	RC=$?
}
mails() { find got -name '*.eml' | wc -l; }
last() { find got -name '*.eml' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2; }
head_of() { sed '/^\r*$/q' "$1" | tr -d '\r'; }
body_of() { sed '1,/^\r*$/d' "$1" | tr -d '\r\n' | base64 -d | tr -d '\r'; }

# --- people --------------------------------------------------------------------------------------------------
tls
t_ok "the configuration is good" "$SCEPAUTH_BIN/onboard_portal" -c "$SCEPAUTH_CONF" -t
t_stop portal
t_start portal
t_ok "a student is in" portal_login jar "$STUDENT_LOGIN" "$STUDENT_PASSWORD"
portal_add_device jar "Sam's laptop" linux || t_bail "no device"
device=$(html_id subject <<<"$PORTAL_PAGE" | sed 's/^CN=//')
t_ok "whose device enrols" scep_enrol "$T_DIR/one" students "$CHALLENGE"
serial=$(cert_serial one/cert.pem)
sam=$(redis_as installer HGET "cert:$serial" user)
ends() { # SERIAL DAYS
	local t=$(($(date +%s) + $2 * 86400 - 3600))
	redis_as installer HSET "cert:$1" not_after $t >/dev/null
	redis_as installer ZADD "ucerts:$sam" $t "$1" >/dev/null
}
email() { redis_as installer HSET "user:$sam" email "$1" >/dev/null; }
state() { redis_as installer HGET "remind:$sam" "$serial"; }
again() { redis_as installer HDEL "remind:$sam" "$serial" >/dev/null; }
end=$(LC_ALL=C date -u -d "@$(redis_as installer HGET "cert:$serial" not_after)" '+%-d %B %Y')

# --- what goes wrong before anything leaves --------------------------------------------------------------------
remind
t_is "without a mail server it fails, as with any server that is away" "$RC $(state)" "3 "
serve starttls
remind --dry-run
t_like "a dry run says what would be sent" "$RC $(cat out)" "^0 .*$STUDENT_LOGIN <$STUDENT_LOGIN@example.edu>: $serial \(Sam's laptop, "
t_is "and sends nothing" "$(mails) $(state)" "0 "
openssl req -x509 -newkey rsa:2048 -nodes -subj '/CN=other CA' -keyout other.key -out other.pem -days 2 2>/dev/null
tls "ca = \"$T_DIR/other.pem\""
sed -i "\|ca = \"$T_DIR/ca.pem\"|d" "$SCEPAUTH_CONF"
remind
t_is "a server with a certificate of somebody else gets nothing" "$RC $(mails) $(state)" "3 0 "
t_like "and the log says why" "$(cat out)" 'certificate'
(umask 077 && echo wrong >"$SCEPAUTH_DIR/secrets/mail-password")
tls
remind
t_is "nor with a wrong password" "$RC $(mails) $(state)" "3 0 "
(umask 077 && echo mail-secret >"$SCEPAUTH_DIR/secrets/mail-password")
serve plain
remind
t_is "nor one that offers no TLS" "$RC $(mails) $(state)" "3 0 "
for bad in 'server = "http://localhost"' 'from = "no address"' 'from = "a@b>\r\nDATA"' 'days = { "0" }' 'days = { "x" }' 'plain = true' 'server = "smtp://mail.example.edu"'; do
	if [[ $bad == plain* ]]; then configure 'server = "smtp://mail.example.edu"' 'from = "a@b"' "$bad"; else tls "$bad"; fi
	[[ $bad != 'server = "smtp://mail'* ]] || continue
	sed -i '/^mail {/,/^}/ { /from = "wifi/d }' "$SCEPAUTH_CONF"
	[[ $bad == from* || $bad == plain* ]] || sed -i '/^mail {/a\	from = "wifi@example.edu"' "$SCEPAUTH_CONF"
	[[ $bad != server* ]] || sed -i "/^mail {/,/^}/ { /server = \"smtp:/d }" "$SCEPAUTH_CONF"
	[[ $bad != days* ]] || sed -i "/^mail {/,/^}/ { /366/d }" "$SCEPAUTH_CONF"
	t_not "refused: $bad" "$SCEPAUTH_BIN/onboard_portal" -c "$SCEPAUTH_CONF" -t
done

# --- one mail ----------------------------------------------------------------------------------------------------
tls
serve starttls
remind
t_is "with TLS, password and the right authority it leaves" "$RC $(mails)" "0 1"
t_is "to one person" "$(cat got/1.to)" "wifi@example.edu $STUDENT_LOGIN@example.edu"
mail=got/1.eml
t_like "from us, with a subject" "$(head_of $mail)" "To: <$STUDENT_LOGIN@example.edu>.*Subject: =\?UTF-8\?B\?"
t_is "which says what it is about" "$(head_of $mail | sed -n 's/^Subject: =?UTF-8?B?\(.*\)?=$/\1/p' | base64 -d)" "Your Wi-Fi access ends soon"
t_like "the body names the device and the day" "$(body_of $mail)" "  - Sam's laptop: $end"
t_like "and where to go" "$(body_of $mail)" "  $PORTAL_URL/devices"
off=$(head_of $mail | sed -n 's/^List-Unsubscribe: <\(.*\)>$/\1/p')
t_like "it can be ended with one click" "$off $(head_of $mail | grep Post)" "^$PORTAL_URL/mail/off/$sam/[0-9a-f]{32} List-Unsubscribe-Post: List-Unsubscribe=One-Click$"
t_is "no line is longer than SMTP allows" "$(awk 'length > 200' $mail)" ""
remind
t_is "never twice" "$RC $(mails)" "0 1"
ends "$serial" 6
remind
t_is "but once more when the end is near" "$RC $(mails) $(state)" "0 2 7"
remind
t_is "and not again" "$(mails)" 2
t_ok "the ledger tells of it" grep -q reminded <(redis_as auto_revoke XREVRANGE events:portal + - COUNT 3)

# --- hostile names and addresses --------------------------------------------------------------------------------
again
redis_as installer HSET "device:$device" name $'x\r\nBcc: eve@example.org\r\n.\r\nQUIT\r\n\u202eevil' >/dev/null
remind
t_is "a name with line ends goes to nobody else" "$RC $(mails) $(cat got/3.to)" "0 3 wifi@example.edu $STUDENT_LOGIN@example.edu"
t_not "makes no header" grep -qi '^bcc' got/3.eml
t_like "and is one line of the text" "$(body_of got/3.eml)" '  - xBcc: eve@example.org\.QUITevil: '
for bad in $'a@b>\r\nRCPT TO:<eve@example.org' 'a b@example.edu' 'x@y@z' '<a@b' '-oQ@example.edu'; do
	again
	email "$bad"
	remind
	t_is "an address that is none gets nothing: ${bad:0:9}" "$RC $(mails)" "0 3"
done

# --- people who are refused -------------------------------------------------------------------------------------
again
email refused@example.edu
remind
t_is "a recipient whom the server refuses stops nobody else" "$RC $(mails)" "0 3"
t_ok "is an event" grep -q '"event":"reminder_refused"' out
remind
t_not "and not tried again" grep -q reminder_refused out
again
email later@example.edu
remind
t_is "one who is refused for now is tried again" "$RC $(mails) $(state)" "0 3 "
email "$STUDENT_LOGIN@example.edu"

# --- language -----------------------------------------------------------------------------------------------------
portal_curl jar2 '/login?lang=de'
t_ok "who signs in in German" portal_login jar2 "$STUDENT_LOGIN" "$STUDENT_PASSWORD"
again
email "$STUDENT_LOGIN@example.edu"
remind
t_like "is told in German" "$(mails) $(body_of "$(last)")" '^4 Diese Geräte'

# --- who wants none ---------------------------------------------------------------------------------------------------
web() { curl -sS --max-time 20 --cacert "$ROOT_CERT" -o page -w '%{http_code}' "$@"; }
t_is "the address in the mail asks" "$(web "$off") $(redis_as installer HEXISTS "remind:$sam" no)" "200 0"
t_is "a forged one does not" "$(web "${off%?}x")$(web -d x=1 "${off%/*}/00000000000000000000000000000000")$(web -d x=1 "$PORTAL_URL/mail/off/u00000000000000000000000000000000/${off##*/}")" 404404404
t_is "one click is enough, without login" "$(web -d List-Unsubscribe=One-Click "$off") $(redis_as installer HEXISTS "remind:$sam" no)" "200 1"
again
remind
t_is "who wants none gets none" "$RC $(mails)" "0 4"
t_is "and may change their mind" "$(web -d on=1 "$off") $(redis_as installer HEXISTS "remind:$sam" no)" "200 0"

# --- who needs none, and how many ----------------------------------------------------------------------------------------
redis_as "$HELPDESK_NAME" FCALL suspend_user 0 "$STUDENT_LOGIN" 'a test' >/dev/null
remind
t_is "who is suspended is not told" "$(mails)" 4
redis_as "$HELPDESK_NAME" FCALL restore_user 0 "$STUDENT_LOGIN" >/dev/null
redis_as installer DEL remind:hour >/dev/null
redis_as installer HSET remind:hour hour $(($(date +%s) / 3600)) n 5 >/dev/null
tls 'per-hour = 5'
remind
t_is "not more than so many leave in an hour" "$RC $(mails) $(state)" "0 4 "
t_like "which is said" "$(cat out)" 'waits for the next round'
tls
portal_curl jar /devices && portal_post jar "/devices/$device/code"
t_ok "a device that was renewed" scep_enrol "$T_DIR/two" students "$(html_id challenge <<<"$PORTAL_PAGE")"
tls 'days = { "30" }'
sed -i '/366/d' "$SCEPAUTH_CONF"
remind
t_is "needs no reminder" "$RC $(mails)" "0 4"
redis_as "$HELPDESK_NAME" FCALL revoke_cert 0 "$(cert_serial two/cert.pem)" 'a test' >/dev/null

# --- other ways of TLS ----------------------------------------------------------------------------------------------------
serve smtps
sed -i "s|smtp://localhost|smtps://localhost|" "$SCEPAUTH_CONF"
remind
t_is "TLS from the start works too" "$RC $(mails)" "0 5"
again
serve plain
configure "server = \"smtp://localhost:$port\"" 'from = "wifi@example.edu"' 'plain = true'
remind
t_is "and the own machine's mail server without" "$RC $(mails)" "0 6"
configure
remind
t_is "without a section it says so" "$RC" 2
t_done
