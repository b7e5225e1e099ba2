#!/usr/bin/env bash
# The help desk's console on real parts: finding, one person's page, who may and who may not, and the trail of it.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30)
t_instance redis ca portal radius
ctl() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" "$@"; }
w=$T_DIR/w
mkdir -p "$w"
cd "$w" || exit 1

# page JAR PATH [CURL_OPTION...]: one request, not followed; leaves STATUS, BODY, LOCATION.
page() {
	local jar=$1 path=$2
	shift 2
	STATUS=$(curl -sS --max-time 20 --cacert "$ROOT_CERT" -b "$jar" -c "$jar" -o body -D headers -w '%{http_code}' "$@" "$PORTAL_URL$path")
	BODY=$(tr -d '\0' <body)
	LOCATION=$(tr -d '\r' <headers | sed -n 's/^location: //Ip')
}
find_() { page "$1" "/console" -G --data-urlencode "q=$2"; } # JAR TEXT
console_events() { redis_as installer XREVRANGE events:console + - COUNT 40; }
audit() { jq -c "select(.event == \"$1\")" "$PORTAL_LOG" 2>/dev/null || sed -n 's/^[^{]*\({.*"event":"'"$1"'".*}\)$/\1/p' "$PORTAL_LOG"; }

# --- off as shipped -------------------------------------------------------------------------------------
portal_login sam "$STUDENT_LOGIN" "$STUDENT_PASSWORD" || t_bail "sam does not get in"
page sam /console
t_is "there is no console as shipped" "$STATUS" 404
missing=$BODY
page sam /nowhere
t_is "as if there were no such page" "$BODY" "$missing"
t_is "nor a Redis user for it" "$(redis_as installer ACL GETUSER console)" ""

# --- on ---------------------------------------------------------------------------------------------------
t_stop portal
printf 'console {\n\tgroups = {"helpdesk", "admins"}\n\tguarded = {"staff"}\n}\n' >"$w/console.conf"
sed -i '/^console {/,/^}/d' "$SCEPAUTH_CONF"
cat "$w/console.conf" >>"$SCEPAUTH_CONF"
"$SCEPAUTH_BIN/onboard_portal" -c "$SCEPAUTH_CONF" --check >check.out 2>&1
t_is "without its Redis user the portal does not start" $? 1
t_like "and says what to do" "$(cat check.out)" 'scepctl helpdesk add console --password-file secrets/redis-console'
t_ok "scepctl makes it" ctl helpdesk add console --password-file "$SCEPAUTH_DIR/secrets/redis-console"
printf 'desk-password-1\n' | ctl user add henry --groups helpdesk --name "Henry Help" --email h@example.edu --password-stdin >/dev/null
t_start portal

scep_enrol phone students "$(portal_add_device sam "Sam's <phone>" linux && echo "$CHALLENGE")" device 2048 >enrol.out || t_bail "$(cat enrol.out)"
serial=$(cert_serial phone/cert.pem)
id=$(redis_as installer HGET login:local sam)
eapol_conf phone.conf phone/cert.pem phone/key.pem
eapol_run phone.conf
t_is "sam's phone connects" "$EAP_RESULT" accept

# --- who may not -------------------------------------------------------------------------------------------
for path in /console "/console?q=sam" "/console/person/$id" "/console/person/$id/hold"; do
	page sam "$path"
	t_is "$path is not there for a student" "$STATUS" 404
	t_is "and looks like any page that is not" "$BODY" "$missing"
done
page sam /devices
t_unlike "no link to it" "$BODY" /console
t_is "who tried is on record" "$(audit console_refused | jq -r .login | sort -u)" sam
page stranger /console
t_is "a stranger signs in first" "$STATUS $LOCATION" "303 /login"

# --- finding -----------------------------------------------------------------------------------------------
portal_login desk henry desk-password-1 || t_bail "henry does not get in"
page desk /devices
t_like "a link for the help desk" "$BODY" '<a href="/console">'
page desk /console
t_is "the console" "$STATUS" 200
t_unlike "nothing was looked for yet" "$BODY" 'role="status"'
colons=$(sed 's/../&:/g; s/:$//' <<<"$serial" | tr a-f A-F)
device=$(redis_as installer HGET "cert:$serial" device)
for what in sam SAM local:sam "$serial" "$colons" "$device" "$id" " sam "; do
	find_ desk "$what"
	t_is "found by $what" "$STATUS $LOCATION" "303 /console/person/$id"
done
seen() { redis_as installer EXISTS seen:mac:020000000001 | grep -q 1; }
t_ok "the connection was noted" t_wait 20 seen
for mac in 02:00:00:00:00:01 0200.0000.0001; do
	find_ desk "$mac"
	t_is "found by $mac" "$LOCATION" "/console/person/$id"
done
find_ desk am
t_like "a part of the login" "$BODY" "href=\"/console/person/$id\"><bdi>Sam Student</bdi>"
for what in '*' 's*m' 'x' 's?m' '[s]am' "nobody" 00:00:00:00:00:00 "\\x"; do
	find_ desk "$what"
	t_is "nobody is meant by $what" "$STATUS $(grep -c 'role="status"' body)" "200 1"
done
find_ desk '"><script>alert(1)</script>'
t_unlike "what was typed comes back as text" "$BODY" '<script>'
for what in "" "   " "$(printf 'x%.0s' {1..129})" $'a\x01b'; do
	find_ desk "$what"
	t_is "not a search: ${#what} bytes" "$STATUS" 422
done

# --- one person's page --------------------------------------------------------------------------------------
page desk "/console/person/$id"
t_is "the page" "$STATUS" 200
t_like "whose" "$BODY" '<h1><bdi>Sam Student</bdi></h1>'
t_like "the device, as text" "$BODY" 'Sam&#39;s &lt;phone&gt;'
t_like "its certificate" "$BODY" "<code>$serial</code>"
t_like "the verdict and where" "$BODY" "<code>02-00-00-00-00-01</code>"
t_like "all is well" "$BODY" 'All is well: the network let this device in'
redis_as "$HELPDESK_NAME" FCALL suspend_user 0 sam "odd <traffic>" >/dev/null
eapol_run phone.conf
t_is "held: refused" "$EAP_RESULT" reject
refused() { page desk "/console/person/$id" && [[ $BODY == *"<code>user_held</code> <span class=\"kind\">"* ]]; }
t_ok "the refusal with its reason word" t_wait 20 refused
page desk "/console/person/$id"
t_like "who, and why, as text" "$BODY" 'by <bdi>helpdesk</bdi></span> <bdi>odd &lt;traffic&gt;</bdi>.*helen'
t_like "and what to say" "$BODY" 'This account is suspended'
redis_as "$HELPDESK_NAME" FCALL restore_user 0 sam >/dev/null
page desk "/console/person/$id"
t_like "what is over is not said any more" "$BODY" 'What stood in the way is over'
for bad in "u$(printf '0%.0s' {1..32})" x "$id'" "../$id"; do
	page desk "/console/person/$bad"
	t_is "nobody: $bad" "$STATUS" 404
done
printf 'y\n' >>"$w/none"
redis_as installer HSET "seen:$serial" reject_mac "$(head -c 5000 /dev/zero | tr '\0' x)" mac $'a\x1b[2J' >/dev/null
page desk "/console/person/$id"
t_is "a long or dirty value takes nothing along" "$STATUS $(grep -c $'\x1b' body)" "200 0"
redis_as installer HSET "seen:$serial" mac 02-00-00-00-00-01 reject_mac x >/dev/null

# --- how an enrolment went --------------------------------------------------------------------------------------
story() { page desk "/console/person/$id/story?ticket=$1"; } # TICKET
ticket_of() { redis_as installer HGET "cert:$1" ticket; }
story "$(ticket_of "$serial")"
t_is "the story of the phone" "$STATUS" 200
t_is "has its steps in order" "$(grep -o '<strong>[^<]*' body | sed 's/<strong>//' | head -n 5 | paste -sd'|')" \
	"The device was added, by somebody who had signed in|A code was shown|The device&#39;s request arrived with the code|The certificate was issued|The device was let in"
eapol_run phone.conf
t_is "the phone connects again" "$EAP_RESULT" accept
well() { story "$(ticket_of "$serial")" && [[ $BODY != *class=\"stuck\"* ]]; }
t_ok "and hangs nowhere" t_wait 20 well

# --- the overview ------------------------------------------------------------------------------------------------
page desk /console/overview
t_is "the overview" "$STATUS $(grep -c 'Counted 20' body)" "200 1"
figure() { tr -d '\n' <body | grep -o "id=\"$1\">.*" | grep -oP "<th scope=\"row\"><bdi>$2</bdi></th><td>\\K[0-9]+" | head -n 1; }
t_like "one enrolment in these days" "$BODY" 'id="over_days_title-d">In all 1\.'
t_is "one device, by its kind" "$(figure over_platforms_title Linux)" 1
t_is "by group" "$(figure over_groups_title students)" 1
t_is "by how it connected last" "$(figure over_last_title ok)" 1
t_like "no directory is followed" "$BODY" 'Nothing is known here of a directory'
source_file=$(dirname "$SCEPAUTH_CONF")/run/auto_revoke.sources.json
directory() { # STATE AGE DETAIL: what auto_revoke would leave
	jq -nc --arg s "$1" --arg d "$3" --argjson t "$(($(date +%s) - $2))" \
		'{source:"ldap",server:"x",base:"y",mode:"sync",state:$s,detail:$d,people:321,groups:4,last_full:0,last_change:0,last_checked:$t,cookie_from:0}' >"$source_file"
	page desk /console/overview
}
directory good 5 ""
t_like "a directory that is followed, in words" "$STATUS $BODY" '^200.*class="state good">Followed</strong>.*<dd><bdi>ldap</bdi> .sync.</dd>.*<dd>321</dd>'
directory good 7200 ""
t_like "one that says nothing any more" "$STATUS $BODY" '^200.*class="state bad">Silent</strong>.*<dd>120 minutes</dd>'
directory failing 5 "bind <refused>"
t_like "one that fails, with why as text" "$STATUS $BODY" '^200.*class="state bad">Failing</strong>.*bind &lt;refused&gt;'
echo '{"source":7}' >"$source_file"
page desk /console/overview
t_like "and what is no record" "$STATUS $BODY" '^200.*Nothing is known here of a directory'
rm "$source_file"
answers() { redis_as installer HGETALL "verdicts:$(($(date +%s) / 86400))" | paste -sd' '; }
t_like "answers are counted by reason" "$(answers)" 'ok [1-9]'
redis_as installer HSET "verdicts:$(($(date +%s) / 86400 - 2))" user_held 7 ok 30 "$(head -c 60 /dev/zero | tr '\0' x)" 4 odd x "a b" 3 >/dev/null
t_stop portal
t_start portal
page desk /console/overview
t_is "thirty days of them, by reason" "$(figure over_said_title user_held)" "$((7 + $(redis_as installer HGET "verdicts:$(($(date +%s) / 86400))" user_held)))"
t_like "by day" "$BODY" 'id="over_rejects_title-d">In all [0-9]+\..* 7\.'
t_unlike "without what is no figure" "$BODY" 'xxxxxxxx|<th scope="row"><bdi>odd<'
t_is "they go by themselves" "$(($(redis_as installer TTL "verdicts:$(($(date +%s) / 86400))") > 39 * 86400))" 1
t_like "looking is recorded" "$(console_events)" 'console_viewed.*henry.*overview'
page sam /console/overview
t_is "not for students" "$STATUS" 404
t_like "a page that is none" "$(redis_as console FCALL_RO desk_overview 0 99:0)" '^BADARG'

# --- an enrolment that goes wrong -------------------------------------------------------------------------------
portal_login sam "$STUDENT_LOGIN" "$STUDENT_PASSWORD" && portal_add_device sam "Tablet" linux
portal_curl sam "${PORTAL_AT#"$PORTAL_URL"}/wifi-campus.sh"
code_hash=$(printf %s "$CHALLENGE" | sha256sum | cut -d' ' -f1)
story "$code_hash"
t_like "a code that waits" "$BODY" 'class="stuck".*The code is not used yet'
t_like "and the download" "$BODY" 'The profile or script was downloaded.*wifi-campus.sh'
redis_as "$HELPDESK_NAME" FCALL suspend_user 0 sam "for the story" >/dev/null
t_not "a request while held is refused" scep_enrol tablet students "$CHALLENGE" device 2048
redis_as "$HELPDESK_NAME" FCALL restore_user 0 sam >/dev/null
story "$code_hash"
t_like "which is where it hangs" "$BODY" 'class="stuck".*A request was refused.*<code>claim</code>'
t_like "with what to say" "$BODY" 'The code was used already, or was taken back'
for bad in "" x "$(printf '0%.0s' {1..64})"; do
	story "$bad"
	t_is "no such story: ${bad:0:8}" "$STATUS" 404
done
page sam "/console/person/$id/story?ticket=$code_hash"
t_is "not for students" "$STATUS" 404

# --- acts -------------------------------------------------------------------------------------------------------
# act JAR WORD FIELD=VALUE...: the page of an act on PERSON, then its form with that page's token.
act() {
	local jar=$1 word=$2 field args=()
	shift 2
	page "$jar" "/console/person/$PERSON/$word${SERIAL:+?serial=$SERIAL}"
	for field in "$@" ${SERIAL:+serial=$SERIAL}; do args+=(--data-urlencode "$field"); done
	page "$jar" "/console/person/$PERSON/$word" -H "Origin: $PORTAL_URL" \
		--data-urlencode "csrf=$(sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' <<<"$BODY" | tail -n 1)" "${args[@]}"
}
PERSON=$id SERIAL=
act desk hold "reason=odd traffic"
t_is "suspended at the console" "$STATUS $LOCATION" "303 /console/person/$id?done=hold"
page desk "$LOCATION"
t_like "which the page says" "$BODY" 'role="status"><p>The person is suspended'
t_like "the ledger has who it was, by name" "$(redis_as console HGET hold:helpdesk "$id")" '^[0-9]+ console henry: odd traffic$'
t_like "and so has the event" "$(redis_as installer XREVRANGE events:console + - COUNT 3)" 'user_suspended.*henry: odd traffic'
t_like "with who, whom and from where" "$(console_events)" "console_acted.*$id.*by.*henry.*address.*127.0.0.1.*hold: odd traffic"
eapol_run phone.conf
t_is "the next connection is refused" "$EAP_RESULT" reject
act desk code "reason=has no phone" "device=New" "platform=linux"
t_is "no code for somebody held" "$STATUS $(grep -c 'suspended, or has left' body)" "409 1"
act desk restore "reason=was nothing"
t_is "the suspension is lifted" "$STATUS" 303
eapol_run phone.conf
t_is "and the phone connects" "$EAP_RESULT" accept

# --- what is not done --------------------------------------------------------------------------------------------
held() { redis_as console HEXISTS hold:helpdesk "$1"; }
for reason in "" "  " ab $'x\x01yz' "$(printf 'x%.0s' {1..140})"; do
	act desk hold "reason=$reason"
	t_is "a reason of ${#reason} characters is asked for again" "$STATUS $(held "$id")" "422 0"
done
page desk "/console/person/$id/hold" -H "Origin: $PORTAL_URL" --data-urlencode "csrf=$(printf '0%.0s' {1..64})" --data-urlencode "reason=without token"
t_is "without the token nothing is done" "$STATUS $(held "$id")" "403 0"
page desk "/console/person/$id/hold"
csrf=$(sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' body | tail -n 1)
page desk "/console/person/$id/hold" -H "Origin: https://evil.example" --data-urlencode "csrf=$csrf" --data-urlencode "reason=from elsewhere"
t_is "nor from another site" "$STATUS $(held "$id")" "403 0"
page sam "/console/person/$id/hold" -H "Origin: $PORTAL_URL" --data-urlencode "csrf=$csrf" --data-urlencode "reason=a student"
t_is "nor by a student, for whom there is no such page" "$STATUS $(held "$id")" "404 0"
SERIAL=$serial PERSON=$(redis_as installer HGET login:local henry)
act desk revoke "reason=of somebody else"
t_is "nor a certificate under another's name" "$STATUS $(redis_as installer HEXISTS revoked "$serial")" "404 0"
PERSON=$id SERIAL=
for word in nothing HOLD revoke; do
	act desk "$word" "reason=no such act"
	t_is "no such act: $word" "$STATUS" 404
done

# --- step-up -----------------------------------------------------------------------------------------------------
b64() { base64 -w0 | tr '+/' '-_' | tr -d '='; }
old_session() { # LOGIN: a session of an hour ago, as the portal would have sealed it
	local plain
	plain=$(printf '%s\n%s\n%s\n%s\n%s\n%s' "$(redis_as installer HGET "login:local" "$1")" "$((($(date +%s) - 3000) * 1000))" "$((($(date +%s) - 3000) * 1000))" "$(($(date +%s) + 600))" "$(($(date +%s) + 600))" "$(openssl rand -hex 16)")
	printf '%s.%s' "$(printf %s "$plain" | b64)" "$(printf 'scepauth-session-3\n%s' "$plain" |
		openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(xxd -p -c 64 "$SCEPAUTH_DIR/secrets/session.key")" -binary | b64)"
}
printf '# Netscape HTTP Cookie File\n#HttpOnly_localhost\tFALSE\t/\tTRUE\t0\t__Host-portal\t%s\n' "$(old_session henry)" >old
page old "/console/person/$id/hold"
t_like "a login of long ago is asked for the password" "$BODY" 'id="password"'
act old hold "reason=stolen screen"
t_is "without it nothing is done" "$STATUS $(held "$id")" "403 0"
act old hold "reason=stolen screen" "password=wrong-password"
t_is "nor with a wrong one" "$STATUS $(held "$id") $(audit console_act_refused | jq -r .reason | sort -u | tail -n 1)" "403 0 wrong_password"
act old hold "reason=my own screen" "password=desk-password-1"
t_is "with the right one it is" "$STATUS $(held "$id")" "303 1"
page old "/console/person/$id/restore"
t_unlike "and not asked for again" "$BODY" 'id="password"'
act old restore "reason=over"
t_is "the new session has its own token" "$STATUS $(held "$id")" "303 0"

# --- a code for somebody in front of you -----------------------------------------------------------------------------
act desk code "reason=seen the card" "device=Sam's new one" "platform=linux"
t_is "a code" "$STATUS" 200
code=$(html_id resume-code <body)
t_like "to be typed in or scanned" "$code" '^[A-Z0-9]{4}-[A-Z0-9]{4}$'
t_unlike "the help desk does not see the private address" "$BODY" '/e/[A-Za-z0-9_-]{32}'
t_like "both names are on record" "$(console_events)" "console_code.*$id.*login.*sam.*by.*henry.*code Sam's new one: seen the card"
portal_curl person /r && portal_post person /r "code=$code"
t_like "it leads to the set-up page of sam's device" "$PORTAL_PAGE" "Set up Sam&#39;s new one"
portal_post other /r "code=$code" 2>/dev/null || portal_curl other /r && portal_post other /r "code=$code"
t_unlike "once" "$PORTAL_AT" '/e/'
CHALLENGE=$(portal_curl person "${PORTAL_AT#"$PORTAL_URL"}" >/dev/null; html_id challenge <<<"$PORTAL_PAGE")
portal_login admin2 "$STAFF_LOGIN" "$STAFF_PASSWORD" || t_bail "tina does not get in"
for who in henry "$STAFF_LOGIN"; do
	PERSON=$(redis_as installer HGET login:local "$who")
	act desk code "reason=let me be you" "device=Mine" "platform=linux"
	t_is "no code for $who, who is guarded" "$STATUS $(redis_as installer ZCARD "utickets:$PERSON")" "403 0"
done
PERSON=$id

# --- revoked -----------------------------------------------------------------------------------------------------------
SERIAL=$serial
act desk revoke "reason=lost on a train"
t_is "revoked" "$STATUS" 303
t_like "by whom is in the ledger" "$(redis_as console HGET revoked "$serial")" '^[0-9]+ console henry: lost on a train$'
eapol_run phone.conf
t_is "the next connection is refused for good" "$EAP_RESULT" reject
SERIAL=
redis_as installer HSET meta helpdesk_rate 3 >/dev/null
act desk revoke_all "reason=left with everything"
t_is "the brake of the help desk holds here, too, whatever was looked at in between" "$STATUS $(held "$id")" "429 0"
redis_as installer HSET meta helpdesk_rate 50 >/dev/null
act desk revoke_all "reason=left with everything"
t_is "everything, once it lets go" "$STATUS $(held "$id")" "303 1"

# --- the trail --------------------------------------------------------------------------------------------------
t_like "each look is in the console's stream, with who, whom and from where" "$(console_events)" \
	"console_viewed.*user.*$id.*login.*sam.*by.*henry.*address.*127.0.0.1"
t_like "each search with what was typed" "$(console_events)" 'console_searched.*s\?m'
t_is "and in the portal's own trail" "$(audit console_viewed | jq -r 'select(.user != "") | [.login, .user, .address] | @csv' | sort -u)" "\"henry\",\"$id\",\"127.0.0.1\""
t_unlike "looks are no part of the story" "$(redis_as "$HELPDESK_NAME" FCALL_RO why 0 sam)" console_viewed
t_like "the portal may not write there" "$(redis_as portal XADD events:console '*' a b)" NOPERM
t_like "nor read events" "$(redis_as portal XRANGE events:console - +)" NOPERM
t_like "the portal has no such voice" "$(redis_as portal FCALL desk_note 0 console_viewed henry "$id" 127.0.0.1 x)" '^DENIED|NOPERM'
t_like "no other word" "$(redis_as console FCALL desk_note 0 cert_revoked henry "$id" 127.0.0.1 x)" '^BADARG'
t_like "the console's user is no more than a helpdesk person" "$(redis_as console HSET "user:$id" groups staff)" NOPERM
redis_as installer ACL SETUSER console -@all +ping +fcall_ro '+fcall' resetkeys '~meta' >/dev/null
page desk "/console/person/$id"
t_is "what cannot be recorded is not shown" "$STATUS" 503
t_done
