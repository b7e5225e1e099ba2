# For the scripts here: Debian's Chromium, and playwright-core and axe-core by npm under $BUILD.
# shellcheck shell=bash disable=SC2034,SC2154

# browser_ready: leaves CHROMIUM, modules and pictures.
browser_ready() {
	modules=${BUILD:-$T_TOP/build/std}/browser
	CHROMIUM=$(command -v chromium) || t_bail "no chromium: packaging/deps.sh --browser"
	command -v npm >/dev/null || t_bail "no npm: packaging/deps.sh --browser"
	mkdir -p "$modules"
	modules=$(cd "$modules" && pwd)
	pictures=$(dirname "$modules")/pictures
	# Two scripts may begin at the same time.
	exec {lock}>"$modules/lock"
	flock "$lock"
	if ! cmp -s "$T_TOP/tests/browser/package-lock.json" "$modules/ready"; then
		cp "$T_TOP"/tests/browser/{package.json,package-lock.json,.npmrc} "$modules"
		(cd "$modules" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-progress) >"$T_DIR/npm.log" 2>&1 || {
			t_note "$(tail -n 20 "$T_DIR/npm.log")"
			t_bail "npm ci failed"
		}
		cp "$T_TOP/tests/browser/package-lock.json" "$modules/ready"
	fi
	exec {lock}>&-
}

# browse FILE.mjs [NAME=VALUE...]: walks through the journeys of the file.
browse() {
	local file=$1
	shift
	env "$@" BROWSER_MODULES="$modules" BROWSER_PICTURES="$pictures" CHROMIUM="$CHROMIUM" HOME="$T_DIR" PORTAL_URL="$PORTAL_URL" \
		STUDENT_LOGIN="$STUDENT_LOGIN" STUDENT_PASSWORD="$STUDENT_PASSWORD" node "$T_TOP/tests/browser/$file"
}
