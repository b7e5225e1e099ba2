#!/usr/bin/env bash
# The portal in a real browser: Debian's Chromium, by playwright-core. Pictures are left in $BUILD/pictures.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

. "$T_TOP/tests/browser/browser.bash"

browser_ready

T_INIT=(--group staff:20 --group students:30 --onboarding-ssid open-campus)
t_instance redis
grep -q 'device-limit = 2' "$SCEPAUTH_CONF" || sed -i '/^group "students"/a\	device-limit = 2' "$SCEPAUTH_CONF"
sed -i "/^console {/,/^}/d" "$SCEPAUTH_CONF"
printf "console {\n\tgroups = {\"helpdesk\"}\n}\n" >>"$SCEPAUTH_CONF"
"$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" helpdesk add console --password-file "$SCEPAUTH_DIR/secrets/redis-console" >"$T_DIR/console.log" 2>&1 || t_bail "$(cat "$T_DIR/console.log")"
printf "desk-password-1\n" | "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" user add henry --groups helpdesk --name "Henry Help" --email h@example.edu --password-stdin >/dev/null
t_start ca portal
# Somebody who is on the network, for the pictures of the console.
portal_login "$T_DIR/tina" "$STAFF_LOGIN" "$STAFF_PASSWORD" || t_bail "tina does not get in"
scep_enrol "$T_DIR/laptop" staff "$(portal_add_device "$T_DIR/tina" "Tina's laptop" linux && echo "$CHALLENGE")" device 2048 >"$T_DIR/enrol.out" || t_bail "$(cat "$T_DIR/enrol.out")"
printf '#!/bin/sh\nREDISCLI_AUTH=%q exec redis-cli -s %q --user %q "$@"\n' "$HELPDESK_PASSWORD" "$REDIS_SOCKET" "$HELPDESK_NAME" >"$T_DIR/as-helpdesk"
chmod 700 "$T_DIR/as-helpdesk"
mkdir -p "$SCEPAUTH_DIR/theme/texts"
cat >"$SCEPAUTH_DIR/theme/logo.svg" <<-END
	<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 168 48" width="168" height="48"><rect width="48" height="48" rx="10" fill="#7a003c"/>
	<path d="M12 34V16l12 8 12-8v18" fill="none" stroke="#fff" stroke-width="4"/>
	<text x="60" y="32" font-family="sans-serif" font-weight="700" font-size="24" fill="#808080">Meridian</text></svg>
END
echo 'service = Meridian Wi-Fi' >"$SCEPAUTH_DIR/theme/texts/text_en.txt"
cat >"$T_DIR/with-theme" <<-END
	#!/bin/sh
	sed -i '/^theme {/,/^}/d' '$SCEPAUTH_CONF'
	printf 'theme {\n\tlogo = "theme/logo.svg"\n\taccent = "#7a003c"\n\tbackground = "#fffaf0"\n\ttexts = "theme/texts"\n}\n' >>'$SCEPAUTH_CONF'
	'$T_TOP/packaging/instance.sh' stop '$SCEPAUTH_DIR' portal && exec '$T_TOP/packaging/instance.sh' start '$SCEPAUTH_DIR' portal
END
chmod 700 "$T_DIR/with-theme"
browse portal.mjs AS_HELPDESK="$T_DIR/as-helpdesk" WITH_THEME="$T_DIR/with-theme" DESK_LOGIN=henry DESK_PASSWORD=desk-password-1
rc=$?
t_finished=1
exit "$rc"
