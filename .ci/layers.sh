#!/usr/bin/env bash
# layers.sh [DIR]: who may include whom (docs/ARCHITECTURE.md), from the #include lines alone.
# Prints every violation as "file: what"; exit status 1 when there is one.
# shellcheck disable=SC2129 # each rule appends its findings
set -eu
cd "${1:-$(dirname "$0")/..}"

programs='scep_ca|onboard_portal|auto_revoke|rlm_scepauth|scepctl'
found=$(mktemp)
trap 'rm -f "$found"' EXIT

sources() { # below the folders of the product, tests left out
	find core scep_ca onboard_portal auto_revoke rlm_scepauth scepctl -name '*.[ch]' 2>/dev/null | sort
}

# "FILE q PATH" for #include "PATH", "FILE a PATH" for #include <PATH>
includes() {
	sources | xargs -r awk '
		/^[ \t]*#[ \t]*include[ \t]*"/ { split($0, p, "\""); print FILENAME, "q", p[2] }
		/^[ \t]*#[ \t]*include[ \t]*</ { split($0, p, /[<>]/); print FILENAME, "a", p[2] }'
}

# Code without comments, strings and #include lines, as "FILE:LINE:code".
bare_code() {
	sources | xargs -r awk '
		FNR == 1 { inside = 0 }
		{
			line = $0; out = ""
			while (line != "") {
				if (inside) {
					i = index(line, "*/")
					if (!i) break
					line = substr(line, i + 2); inside = 0
				} else if (match(line, /\/\*|\/\/|"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047/)) {
					out = out substr(line, 1, RSTART - 1) " "
					tok = substr(line, RSTART, 2); rest = substr(line, RSTART + RLENGTH)
					if (tok == "/*") { inside = 1; line = rest }
					else if (tok == "//") break
					else line = rest
				} else { out = out line; break }
			}
			if (out !~ /^[ \t]*#[ \t]*include/ && out ~ /[^ \t]/) print FILENAME ":" FNR ":" out
		}'
}

# 1. Nothing upward, nothing sideways between programs or between the folders of core's upper floor.
includes | awk -v programs="$programs" '
	function folder(f,  p) { split(f, p, "/"); return p[1] == "core" ? p[1] "/" p[2] : p[1] }
	function floor(d) { return d == "core/base" ? 0 : d == "core/model" ? 1 : d ~ /^core\// ? 2 : 3 }
	BEGIN { known = "^(core/(base|model|store|pki|authz|http|ipc|audit|ldap)|" programs ")$" }
	$2 == "q" {
		from = folder($1); to = folder($3)
		if ($3 !~ /\// ) { print $1 ": includes \"" $3 "\" without its path from the root"; next }
		if (from !~ known) { print $1 ": lies in no known folder"; next }
		if (to !~ known) { print $1 ": includes \"" $3 "\", which lies in no known folder"; next }
		if (from == to) next
		if (floor(to) > floor(from)) print $1 ": includes upward " $3
		else if (floor(to) == floor(from)) print $1 ": includes sideways " $3
	}' >>"$found"

# 2. The pure parts know no socket, file, clock or log.
pure='^(scep_ca/(codec|policy)/|onboard_portal/(flow|profile|console)/|core/(model|authz)/|core/http/(router|html)\.)'
includes | awk -v pure="$pure" '
	$1 !~ pure { next }
	$2 == "q" && $3 ~ /^core\/(base\/(clock|log|conf|rnd|args)\.h|store\/|ipc\/|audit\/|http\/httpd)/ { print $1 ": is pure and includes " $3 }
	$2 == "q" && $1 ~ /^(scep_ca|onboard_portal)\// {
		split($1, own, "/"); part = own[1] "/" own[2] "/"
		if ($3 !~ /^core\// && index($3, part) != 1 && $3 !~ pure) print $1 ": is pure and includes " $3
	}
	$2 == "a" && $3 ~ /^(sys\/(socket|stat|un|file|mman|wait|ioctl|select|epoll|inotify|uio|syscall)|netinet\/|netdb|fcntl|unistd|dirent|syslog|poll|signal|pthread|sys\/time|sys\/random|microhttpd|hiredis)/ {
		print $1 ": is pure and includes <" $3 ">" }' >>"$found"
bare_code | awk -F: -v pure="$pure" '
	$1 !~ pure { next }
	match($0, /(^|[^A-Za-z0-9_.>])(fopen|fdopen|freopen|open|openat|read|write|socket|connect|time|clock_gettime|gettimeofday|getenv|getrandom|rand|random|printf|fprintf|perror|syslog|log_(error|warn|info|debug)|sleep|usleep)[ \t]*\(/) {
		print $1 ":" $2 ": is pure and calls " substr($0, RSTART, RLENGTH) ")" }' >>"$found"

# 3. Each outside library is included by one file, or by the folders named here.
includes | awk '
	$2 != "a" { next }
	$3 ~ /^hiredis/ { if ($1 != "core/store/redis_conn.c") bad("hiredis", "core/store/redis_conn.c") }
	$3 ~ /^microhttpd/ { if ($1 != "core/http/httpd.c") bad("libmicrohttpd", "core/http/httpd.c") }
	$3 ~ /^confuse/ { if ($1 != "core/base/conf.c") bad("libconfuse", "core/base/conf.c") }
	$3 ~ /^jansson/ { if ($1 != "core/base/json.c") bad("jansson", "core/base/json.c") }
	$3 ~ /^seccomp/ { if ($1 != "core/ipc/sandbox.c") bad("libseccomp", "core/ipc/sandbox.c") }
	$3 ~ /^openssl\// { if ($1 !~ /^(core\/pki|scep_ca\/codec|scep_ca\/signer)\/|^core\/(base\/digest|store\/redis_tls)\.c$/) bad("libcrypto", "core/pki, core/base/digest.c, core/store/redis_tls.c, scep_ca/codec, scep_ca/signer") }
	$3 ~ /^uthash/ { if ($1 != "core/audit/journal_state.c") bad("uthash", "core/audit/journal_state.c") }
	$3 ~ /^(ldap|lber)/ { if ($1 != "core/ldap/dirconn.c") bad("libldap", "core/ldap/dirconn.c") }
	$3 ~ /^freeradius/ { if ($1 !~ /^rlm_scepauth\//) bad("FreeRADIUS", "rlm_scepauth") }
	$3 ~ /^(curl\/|crypt|uuid\/|qrcodegen|jose\/|cjose\/|talloc|libxml)/ {
		lib = $3; sub(/[\/.].*/, "", lib)
		if ($1 ~ /^rlm_scepauth\// && lib == "talloc") next
		if (lib in user && user[lib] != $1) print $1 ": includes <" $3 ">, as " user[lib] " does already"
		user[lib] = $1
	}
	function bad(lib, where) { print $1 ": includes " lib ", which belongs to " where }' >>"$found"

# 4. No ring: a module is a .c with its .h, an arrow what either includes.
includes | awk '$2 == "q" { a = $1; b = $3; sub(/\.[ch]$/, "", a); sub(/\.[ch]$/, "", b); if (a != b) print a, b }' |
	sort -u | tsort 2>&1 >/dev/null | sed -n 's/^tsort: \(.*\/.*\)/\1: is part of a ring of files/p' >>"$found"

# 5. Core names no program, and never ends the process it lives in.
bare_code | grep '^core/' | grep -E "[^A-Za-z0-9](${programs})(_[a-z]|[^A-Za-z0-9_/])" |
	sed 's/$/   <- core names a program/' >>"$found" || true
bare_code | grep '^core/' | grep -E '[^A-Za-z0-9_.>](exit|_exit|_Exit|quick_exit|abort|assert|err|errx)[[:space:]]*\(' |
	grep -vE ':[^:]*\*?err\(|_err\(' | sed 's/$/   <- core ends the process/' >>"$found" || true

if [[ -s $found ]]; then
	cat "$found"
	exit 1
fi
echo "layers: $(sources | wc -l) files, $(includes | wc -l) includes, all in order"
