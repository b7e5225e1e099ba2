#!/usr/bin/env bash
# The portal in a real browser: Debian's Chromium, by playwright-core. Pictures are left in $BUILD/pictures.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

modules=${BUILD:-$T_TOP/build/std}/browser
CHROMIUM=$(command -v chromium) || t_bail "no chromium: packaging/deps.sh --browser"
command -v npm >/dev/null || t_bail "no npm: packaging/deps.sh --browser"
mkdir -p "$modules"
modules=$(cd "$modules" && pwd)
cp "$T_TOP"/tests/browser/{package.json,package-lock.json,.npmrc} "$modules"
(cd "$modules" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-progress) >"$T_DIR/npm.log" 2>&1 || {
	t_note "$(tail -n 20 "$T_DIR/npm.log")"
	t_bail "npm ci failed"
}

T_INIT=(--group staff:20 --group students:30 --onboarding-ssid open-campus)
t_instance redis
grep -q 'device-limit = 2' "$SCEPAUTH_CONF" || sed -i '/^group "students"/a\	device-limit = 2' "$SCEPAUTH_CONF"
t_start ca portal
printf '#!/bin/sh\nREDISCLI_AUTH=%q exec redis-cli -s %q --user %q "$@"\n' "$HELPDESK_PASSWORD" "$REDIS_SOCKET" "$HELPDESK_NAME" >"$T_DIR/as-helpdesk"
chmod 700 "$T_DIR/as-helpdesk"
pictures=$(dirname "$modules")/pictures
rm -rf "$pictures"
env BROWSER_MODULES="$modules" BROWSER_PICTURES="$pictures" CHROMIUM="$CHROMIUM" AS_HELPDESK="$T_DIR/as-helpdesk" HOME="$T_DIR" \
	PORTAL_URL="$PORTAL_URL" STUDENT_LOGIN="$STUDENT_LOGIN" STUDENT_PASSWORD="$STUDENT_PASSWORD" \
	node "$T_TOP/tests/browser/portal.mjs"
rc=$?
t_finished=1
exit "$rc"
