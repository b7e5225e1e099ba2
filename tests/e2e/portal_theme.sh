#!/usr/bin/env bash
# The portal in the looks and words of a campus: section theme of the configuration.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

T_INIT=(--group staff:20 --group students:30)
t_instance redis
theme=$SCEPAUTH_DIR/theme
mkdir -p "$theme/texts"
portal=("$SCEPAUTH_BIN/onboard_portal" -c "$SCEPAUTH_CONF")
log=$SCEPAUTH_DIR/log/portal.log
set_theme() { # LINE...: the section has these lines alone
	sed -i '/^theme {/,/^}/d' "$SCEPAUTH_CONF"
	{ echo 'theme {' && printf '\t%s\n' "$@" && echo '}'; } >>"$SCEPAUTH_CONF"
}
refused() { # TEXT REGEX LINE...
	local text=$1 regex=$2 out
	shift 2
	set_theme "$@"
	out=$("${portal[@]}" -t 2>&1) && out="taken: $out"
	t_like "$text" "$out" "$regex"
}
get() { # PATH [OPTION...]: STATUS, HEAD and BODY
	local path=$1
	shift
	STATUS=$(curl -sS --max-time 30 --cacert "$ROOT_CERT" -D "$T_DIR/head" -o "$T_DIR/body" -w '%{http_code}' "$@" "$PORTAL_URL$path")
	HEAD=$(tr -d '\r' <"$T_DIR/head")
	BODY=$(tr -d '\0' <"$T_DIR/body")
}
header() { sed -n "s/^$1: //Ip" <<<"$HEAD"; }
svg() { printf '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40"><rect width="120" height="40" rx="6" fill="#7a003c"/>%s</svg>\n' "$1"; }

# --- what is refused at the start -----------------------------------------------------------------------

refused "a colour that cannot be read" 'theme, in light: "accent" #ffcc00 on "paper" #f4f5f3 has a contrast of 1\.3 to 1; WCAG 2\.2 AA wants 4\.5' 'accent = "#ffcc00"'
refused "one that cannot be read on dark" 'theme, in dark: "accent" #333333' 'accent-dark = "#333333"'
refused "what is no colour" 'accent: "red" is not a colour' 'accent = "red"'
refused "a style sheet for a colour" 'is not a colour' 'accent = "#000000;}"'
refused "a logo that is not there" 'theme/none.svg: No such file' 'logo = "theme/none.svg"'
svg '<script>alert(1)</script>' >"$theme/logo.svg"
refused "a logo with a script" 'logo: not taken: <script' 'logo = "theme/logo.svg"'
head -c 200000 /dev/zero >"$theme/logo.svg"
refused "a logo that is too large" 'not a file of at most 131072 bytes' 'logo = "theme/logo.svg"'
rm "$theme/logo.svg" && mkfifo "$theme/logo.svg"
refused "a logo that is a pipe" 'not a file of at most' 'logo = "theme/logo.svg"'
rm "$theme/logo.svg"
echo 'servise = Campus net' >"$theme/texts/text_en.txt"
refused "a sentence that there is not" 'texts/text_en.txt: there is no sentence "servise"' 'texts = "theme/texts"'
echo 'signed_in_as = Hello' >"$theme/texts/text_en.txt"
refused "a sentence without its places" 'text_en.txt: signed_in_as: its \{\{places\}\} must be those of' 'texts = "theme/texts"'
echo 'service' >"$theme/texts/text_en.txt"
refused "no sentence" 'text_en.txt: text catalogue line 1' 'texts = "theme/texts"'
refused "an unknown key" 'colour' 'colour = "#000000"'

# --- as it is set ---------------------------------------------------------------------------------------

svg '<text x="60" y="27" text-anchor="middle" fill="#fff" font-size="20">Campus</text>' >"$theme/logo.svg"
echo 'service = Campus <b>net</b> & more' >"$theme/texts/text_en.txt"
printf '# ours\nservice = Campusnetz\n' >"$theme/texts/text_de.txt"
set_theme 'logo = "theme/logo.svg"' 'accent = "#7a003c"' 'background = "#fffaf0"' 'texts = "theme/texts"'
t_ok "a theme that is in order" "${portal[@]}" -t
t_start portal
get /login
t_like "sentences of our own" "$BODY" 'Campus &lt;b&gt;net&lt;/b&gt; &amp; more'
get /login -H 'Accept-Language: de'
t_like "in each language" "$BODY" 'Campusnetz'
get /login -H 'Accept-Language: fr'
t_unlike "and not where none was given" "$BODY" 'Campusnetz|Campus &lt;'
get /static/portal.css
t_like "the colours are at the end of the style sheet" "$BODY" '--accent: #7a003c;.*prefers-color-scheme: dark.*--accent: #'
t_like "and the background" "$BODY" '--paper: #fffaf0;'
etag=$(header etag)
get /static/mark.svg
t_is "the logo" "$STATUS $(header content-type)" "200 image/svg+xml"
t_is "as it was given" "$(cmp "$T_DIR/body" "$theme/logo.svg" && echo same)" same
t_is "which opened by itself can do nothing" "$(header content-security-policy)" \
	"default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
t_is "and keeps its type" "$(header x-content-type-options)" nosniff
get /static/mark.png
t_is "there is no other" "$STATUS" 404
get /login
t_is "pages have the policy that they had" "$(header content-security-policy)" \
	"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

# --- anew, while it runs --------------------------------------------------------------------------------

hup() {
	local n
	n=$(grep -c 'SIGHUP: new connections' "$log")
	kill -HUP "$(cut -d' ' -f1 "$SCEPAUTH_DIR/run/portal.pid")"
	t_wait 60 eval '(($(grep -c "SIGHUP: new connections" "$log") > '"$n"'))' || t_bail "nothing after SIGHUP: $(tail -n 5 "$log")"
}
visitor() {
	until [[ -e $T_DIR/stop ]]; do
		curl -sS --max-time 60 --cacert "$ROOT_CERT" -o /dev/null -w '%{http_code}\n' "$PORTAL_URL/login" -o /dev/null "$PORTAL_URL/static/portal.css" >>"$T_DIR/visits" 2>&1
	done
}
visitor & visitor &
for i in {1..10}; do
	echo "service = Version $i" >"$theme/texts/.new" && mv "$theme/texts/.new" "$theme/texts/text_en.txt"
	hup
	get /login
	t_like "words $i after SIGHUP" "$BODY" "Version $i<"
done
touch "$T_DIR/stop"
wait
t_is "visitors saw nothing of it" "$(sort -u "$T_DIR/visits")" 200
base64 -d >"$theme/.new" <<<iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==
mv "$theme/.new" "$theme/logo.svg"
hup
get /login
t_like "a PNG now, whatever its name is" "$BODY" '<img src="/static/mark.png"'
get /static/mark.png
t_is "is served as one" "$STATUS $(header content-type)" "200 image/png"
echo 'servise = x' >"$theme/texts/text_de.txt"
hup
t_like "a file that cannot be used is told of" "$(grep 'look as before' "$log" | tail -n 1)" 'text_de.txt: there is no sentence "servise"; the pages look as before'
get /login -H 'Accept-Language: de'
t_like "and changes nothing" "$STATUS $BODY" '^200 .*Campusnetz'
rm "$theme/texts/text_de.txt"
hup
get /login -H 'Accept-Language: de'
t_unlike "one that is gone is gone" "$BODY" 'Campusnetz'
get /static/portal.css -H "If-None-Match: $etag"
t_is "colours come from the configuration, which is read at the start" "$STATUS" 304
t_stop portal
t_done
