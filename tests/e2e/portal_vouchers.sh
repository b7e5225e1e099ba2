#!/usr/bin/env bash
# Vouchers for guests on real parts: who may make them, the sheet, a guest's way from code to network, and its end.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

# shellcheck disable=SC2034 # for t_instance
T_INIT=(--group staff:20 --group students:30 --group guest:40)
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
# send JAR FORM_PATH PATH FIELD=VALUE...: a form with the token of the page at FORM_PATH
send() {
	local jar=$1 from=$2 path=$3 field args=()
	shift 3
	page "$jar" "$from"
	for field; do args+=(--data-urlencode "$field"); done
	page "$jar" "$path" -H "Origin: $PORTAL_URL" \
		--data-urlencode "csrf=$(sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' <<<"$BODY" | tail -n 1)" "${args[@]}"
}
day() { date -u -d "$1 days" +%F; }
make() { send "$1" /vouchers /vouchers "names=$2" "reason=${3-Open day}" "from=${4-}" "until=${5-$(day 3)}" "devices=${6-1}"; }
codes() { sed -n 's/.*ticket-code"><code>\([^<]*\)<.*/\1/p' body; }
enter() { send "$1" /v /v "code=$2"; } # JAR CODE
audit() { jq -c "select(.event == \"$1\")" "$PORTAL_LOG" 2>/dev/null || sed -n 's/^[^{]*\({.*"event":"'"$1"'".*}\)$/\1/p' "$PORTAL_LOG"; }
ledger() { redis_as installer XREVRANGE events:portal + - COUNT 30; }

# --- off as shipped -------------------------------------------------------------------------------------
printf 'sponsor-password-1\n' | ctl user add sue --groups staff --name "Sue Sponsor" --email s@example.edu --password-stdin >/dev/null
portal_login sam "$STUDENT_LOGIN" "$STUDENT_PASSWORD" || t_bail "sam does not get in"
for path in /vouchers /v /v/K7MF-2QXR-9TWB; do
	page sam "$path"
	t_is "$path is not there as shipped" "$STATUS" 404
done
page stranger /login
t_unlike "nor a word of guests" "$BODY" 'href="/v"'

# --- on ---------------------------------------------------------------------------------------------------
t_stop portal
sed -i '/^vouchers {/,/^}/d; /^console {/,/^}/d' "$SCEPAUTH_CONF"
cp "$SCEPAUTH_CONF" plain.conf
printf 'vouchers {\n\tsponsors = {"staff"}\n\tgroup = "nobodys"\n}\n' >>"$SCEPAUTH_CONF"
"$SCEPAUTH_BIN/onboard_portal" -c "$SCEPAUTH_CONF" --check >check.out 2>&1
t_is "guests of a group that is none: no start" $? 2
t_like "which it says" "$(cat check.out)" 'vouchers: group: there is no group "nobodys"'
cat plain.conf - >"$SCEPAUTH_CONF" <<'CONF'
vouchers {
	sponsors = {"staff"}
	limit = 5
	days = 7
}
console {
	groups = {"helpdesk"}
}
CONF
t_ok "the console's Redis user" ctl helpdesk add console --password-file "$SCEPAUTH_DIR/secrets/redis-console"
printf 'desk-password-1\n' | ctl user add henry --groups helpdesk --name "Henry Help" --email h@example.edu --password-stdin >/dev/null
t_start portal
portal_login sue sue sponsor-password-1 || t_bail "sue does not get in"
portal_login sam "$STUDENT_LOGIN" "$STUDENT_PASSWORD" || t_bail "nor does sam"
page sam /vouchers
t_is "a student vouches for nobody" "$STATUS" 404
t_is "and the try is on record" "$(audit voucher_refused | jq -r .login)" sam
page sam /devices
t_unlike "no link to it" "$BODY" /vouchers
page sue /devices
t_like "a sponsor has one" "$BODY" '<a href="/vouchers">'
page stranger /vouchers
t_is "a stranger signs in first" "$STATUS $LOCATION" "303 /login"

# --- what is asked for --------------------------------------------------------------------------------------
make sue "  "
t_is "no name" "$STATUS $(grep -c 'href="#names"' body)" "422 1"
make sue "$(printf 'Guest %s\n' {1..25})"
t_like "too many names" "$STATUS $BODY" '^422.*too many names'
make sue $'Ann\x01Other'
t_like "no name that it is" "$STATUS $BODY" '^422.*characters that no name has'
make sue "Ann Other" "x"
t_like "no reason" "$STATUS $BODY" '^422.*Say what for'
t_like "what was typed stays" "$BODY" 'Ann Other</textarea>'
for d in "" tomorrow 2026-02-30 "$(day 1) " 1e9; do
	make sue "Ann Other" "Open day" "" "$d"
	t_is "no last day: $d" "$STATUS $(grep -c 'href="#until"' body)" "422 1"
done
make sue "Ann Other" "Open day" "" "$(day -1)"
t_like "over before it begins" "$STATUS $BODY" '^422.*is over already'
make sue "Ann Other" "Open day" "" "$(day 7)"
t_like "longer than may be" "$STATUS $BODY" '^422.*too far from the first'
make sue "Ann Other" "Open day" "$(day -2)"
t_like "from a day that is over" "$STATUS $BODY" '^422.*must be today or later'
make sue "Ann Other" "Open day" "$(day 500)" "$(day 501)"
t_like "or too far off" "$STATUS $BODY" '^422.*must be today or later'
for n in 0 3 -1 x ""; do
	make sue "Ann Other" "Open day" "" "$(day 3)" "$n"
	t_is "not for $n devices" "$STATUS $(grep -c 'href="#devices"' body)" "422 1"
done
page sue /vouchers -H "Origin: $PORTAL_URL" -d "names=Ann&reason=Open day&until=$(day 3)&devices=1"
t_is "no token, no voucher" "$STATUS" 403
t_is "nothing came of all this" "$(redis_as installer EXISTS vouchers)" 0

# --- the sheet ------------------------------------------------------------------------------------------------
make sue $'Ann <Other>\r\n\r\n  Bob Guest \r\nCarl Early' "Open day & fair"
t_is "three vouchers" "$STATUS $(codes | wc -l)" "200 3"
mapfile -t code < <(codes)
t_is "each with a picture" "$(grep -c 'class="qr"' body)" 3
t_is "and the address as text" "$(grep -c "ticket-address\">${PORTAL_URL#https://}/v<" body)" 3
t_like "names are text" "$BODY" 'Ann &lt;Other&gt;'
t_like "twelve letters and digits" "${code[0]}" '^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$'
t_like "not kept by anybody" "$(tr -d "\r" <headers)" "[Cc]ache-[Cc]ontrol: no-store"
for c in "${code[@]}"; do
	t_is "the code is nowhere in Redis" "$(grep -c "$c\|${c//-/}\|$(printf %s "$c" | sha256sum | cut -d' ' -f1)" \
		<(redis_as installer --scan | while read -r k; do redis_as installer DUMP "$k" | cat; echo "$k"; done; redis_as installer HGETALL "$(redis_as installer --scan --pattern 'voucher:*' | head -n 1)"))" 0
done
t_is "nor in a log" "$(grep -rc "${code[0]}" "$PORTAL_LOG" | head -n 1)" 0
page sue /vouchers
t_is "listed" "$(grep -c 'Not used yet' body) $(grep -c 'class="card voucher-row"' body)" "3 3"
t_unlike "without their codes" "$BODY" "${code[1]}"
t_like "the event, with who" "$(ledger)" 'voucher_made.*login.*sue.*Bob Guest.*Open day & fair'
t_is "and the trail" "$(audit voucher_made | jq -r .login | sort | uniq -c | tr -s ' ')" " 3 sue"
make sue $'D\nE\nF'
t_like "the limit: two more, and it says so" "$STATUS $(codes | wc -l) $BODY" '^200 2.*Not all were made'
make sue "G"
t_like "then none" "$STATUS $BODY" '^409.*as many vouchers as one person may'

# --- the guest ------------------------------------------------------------------------------------------------
page guest "/v/${code[0]}"
t_like "the address fills the form" "$STATUS $BODY" "^200.*value=\"${code[0]}\""
t_unlike "and uses nothing up" "$(redis_as installer --scan --pattern 'login:voucher')" voucher
page guest /v/xyz
t_like "what is no code" "$STATUS $BODY" '^200.*Enter the twelve'
enter guest "AAAA-AAAA-AAAA"
t_like "a code that is none" "$STATUS $BODY" '^403.*not known'
t_is "is on record" "$(audit login_failed | jq -r .reason | tail -n 1)" voucher
page guest /v -H "Origin: https://evil.example" -d "code=${code[0]}"
t_is "not from elsewhere" "$STATUS" 403
enter guest "$(tr '[:upper:]' '[:lower:]' <<<"${code[0]//-/ }")"
t_is "typed as people type, the guest is in" "$STATUS $LOCATION" "303 /devices"
page guest /devices
t_like "as a person" "$BODY" 'Ann &lt;Other&gt;'
guest=$(redis_as installer HGET login:voucher "$(redis_as installer HKEYS login:voucher)")
leave=$(redis_as installer HGET "user:$guest" leave_at)
t_is "who leaves when the voucher ends" "$leave" "$(date -u -d "$(day 3) 23:59:59" +%s)"
t_is "in the guests' group" "$(redis_as installer HGET "user:$guest" groups)" guest
page guest /vouchers
t_is "a guest vouches for nobody" "$STATUS" 404
enter again "${code[0]}"
t_is "the same code is the same person" "$(redis_as installer HLEN login:voucher)" 1
portal_curl guest /devices/new && portal_add_device guest "Ann's phone" linux
scep_enrol phone guest "$CHALLENGE" device 2048 >enrol.out || t_bail "$(cat enrol.out)"
eapol_conf phone.conf phone/cert.pem phone/key.pem
eapol_run phone.conf
t_is "the guest's phone connects" "$EAP_RESULT" accept
left=$(eapol_attr 27)
t_ok "no longer than the voucher counts" test "${left:-0}" -le $((leave - $(date +%s) + 5))
portal_curl again /devices/new
portal_post again /devices/new "name=Second" "platform=linux"
t_unlike "a voucher for one device" "$PORTAL_PAGE" 'id="challenge"'
page again /devices
t_like "which the page says, not what the group allows" "$BODY" "limit of 1 devices"
t_is "and no device is left behind" "$(redis_as installer ZCARD "udevices:$guest")" 1

# --- the end ----------------------------------------------------------------------------------------------------
id=$(redis_as installer HKEYS login:voucher)
portal_login henry henry desk-password-1 || t_bail "henry does not get in"
page henry /vouchers
t_is "the help desk may make them, too" "$STATUS $(grep -c voucher-row body)" "200 0"
send henry /vouchers "/vouchers/$id/end"
t_is "nobody ends another's there" "$STATUS" 404
t_is "which is on record" "$(audit voucher_revoke_refused | jq -r .voucher)" "$id"
send sam /devices "/vouchers/$id/end"
t_is "students end none" "$STATUS" 404
send sue /vouchers /vouchers/guest-0000000000/end
t_is "nor one that is none" "$STATUS" 404
page sue "/vouchers/$id/end" -X POST -H "Origin: $PORTAL_URL"
t_is "nor without a token" "$STATUS" 403
send sue /vouchers "/vouchers/$id/end"
t_is "who made it ends it" "$STATUS $LOCATION" "303 /vouchers?ended=1"
page sue "$LOCATION"
t_like "which the page says" "$BODY" 'role="status".*is ended.*Ended by hand'
eapol_run phone.conf
t_is "the guest's phone is off" "$EAP_RESULT" reject
t_like "its certificate is revoked, and who did it" "$(redis_as installer HGET revoked "$(cert_serial phone/cert.pem)")" 'portal voucher ended by sue'
page guest /devices
t_is "the guest is out" "$STATUS" 403
enter again "${code[0]}"
t_like "and does not come back" "$STATUS $BODY" '^403.*does not count any more'
t_like "the event" "$(ledger)" 'voucher_revoked.*by.*sue'
make sue "G"
t_is "there is room for another" "$STATUS $(codes | wc -l)" "200 1"

# --- what goes wrong in the middle ----------------------------------------------------------------------------------
sed "s/^\tfunction vouchers.put(a)/&\n\t\tif a[4] == 'Doomed' then fail('INTERNAL', 'for the test') end/" "$T_TOP/redis/scepauth.lua" >broken.lua
redis_as installer -x FUNCTION LOAD REPLACE <broken.lua >/dev/null
printf 'second-password-1\n' | ctl user add tom --groups staff --name "Tom Two" --email t@example.edu --password-stdin >/dev/null
portal_login tom tom second-password-1 || t_bail "tom does not get in"
make tom $'H\nDoomed\nI'
t_like "the codes that were made are shown" "$STATUS $(codes | wc -l) $BODY" '^200 1 .*the service could not go on'
t_like "and the log says why not all" "$(tail -n 20 "$PORTAL_LOG")" 'vouchers: 1 of 3 were made'
send tom /vouchers "/vouchers/$(redis_as installer ZRANGE "vouchers:$(redis_as installer HGET login:local tom)" 0 0)/end"
make tom Doomed
t_is "none at all is a failure" "$STATUS" 500
redis_as installer -x FUNCTION LOAD REPLACE <"$T_TOP/redis/scepauth.lua" >/dev/null

# --- the help desk sees all ---------------------------------------------------------------------------------------
page henry /console/vouchers
t_is "all vouchers" "$STATUS $(grep -c 'class="card voucher-row"' body)" "200 7"
t_like "with who made them" "$BODY" 'Made by</dt><dd><bdi>sue'
t_like "looking is recorded" "$(redis_as installer XREVRANGE events:console + - COUNT 5)" 'console_viewed.*henry.*vouchers'
other=$(redis_as installer --scan --pattern 'voucher:*' | while read -r k; do [[ $(redis_as installer HGET "$k" name) != D ]] || echo "${k#voucher:}/end"; done)
page sue /console/vouchers
t_is "not for sponsors" "$STATUS" 404
send henry /console/vouchers "/console/vouchers/$other"
t_is "the help desk ends any" "$STATUS $LOCATION" "303 /console/vouchers?ended=1"
t_like "which is recorded" "$(redis_as installer XREVRANGE events:console + - COUNT 5)" "console_acted.*henry.*end ${other%/end}"

# --- whoever vouched ------------------------------------------------------------------------------------------------
enter bob "${code[1]}"
t_is "bob comes in" "$STATUS" 303
redis_as "$HELPDESK_NAME" FCALL suspend_user 0 sue "for the test" >/dev/null
enter carl "${code[2]}"
t_like "whoever vouched is held: nobody comes in newly" "$STATUS $BODY" '^403.*does not count any more'
page bob /devices
t_is "who is in stays, as shipped" "$STATUS" 200
enter bob2 "${code[1]}"
t_is "and comes back" "$STATUS" 303
t_stop portal
sed -i 's/^\tdays = 7/\tdays = 60\n\twith-sponsor = true/' "$SCEPAUTH_CONF"
t_start portal
make tom "A year off" "Open day" "$(day 364)" "$(day 420)"
t_is "a voucher for the end of next year" "$STATUS $(codes | wc -l)" "200 1"
enter bob3 "${code[1]}"
t_like "with-sponsor: no more" "$STATUS $BODY" '^403.*does not count any more'
redis_as "$HELPDESK_NAME" FCALL restore_user 0 sue >/dev/null
sue=$(redis_as installer HGET login:local sue)
redis_as installer HSET "user:$sue" leave_at $(($(date +%s) + 3600)) >/dev/null
enter bob3 "${code[1]}"
bob=$(redis_as installer HGET "voucher:$(redis_as installer HKEYS login:voucher | grep -v "$id" | head -n 1)" user)
t_is "and the sponsor's leaving date is the guest's" "$STATUS $(redis_as installer HGET "user:$bob" leave_at)" "303 $(redis_as installer HGET "user:$sue" leave_at)"

# --- guessing ---------------------------------------------------------------------------------------------------------
for _ in {1..14}; do
	enter guesser "$(tr -dc 0-9 </dev/urandom | head -c 12)"
	[[ $STATUS == 429 ]] && break
done
t_is "guesses get a brake" "$STATUS" 429
enter guesser "${code[1]}"
t_is "which holds for right ones, too" "$STATUS" 429
t_done
