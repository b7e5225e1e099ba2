#!/usr/bin/env bash
# deps.sh: install the Debian packages that scepauth lacks on this machine (Debian 12 and 13).
#
#   packaging/deps.sh [--list] [--build] [--run] [--clients] [--test] [--lint] [--bench] [--browser]
#
#   --build    compiler, libraries and their headers
#   --run      what the daemons need beside themselves: Redis, FreeRADIUS
#   --clients  programs that play a device: strongSwan pki, scepclient, eapol_test, curl
#   --test     test library and checkers
#   --lint     what `make lint` uses
#   --bench    what `make bench-radius` compares with
#   --browser  what `make test-browser` drives the portal with: Chromium, Node.js and npm
#   --list     only print the names of the packages that the other options stand for
#
# Without options: everything but --lint, --bench and --browser. Does nothing, quickly, when nothing is missing. Needs root
# or sudo when something is. SCEPAUTH_NO_DEPS=1 switches it off.
set -euo pipefail

# shellcheck disable=SC1091
version=$(. /etc/os-release 2>/dev/null && echo "${VERSION_ID-}") || version=

# The names are the same on Debian 12 and 13, but for the link between OpenSSL and PKCS#11 tokens.
build=(gcc libc6-dev make pkgconf libconfuse-dev libjansson-dev libmicrohttpd-dev libhiredis-dev
	libssl-dev libldap-dev libcurl4-openssl-dev libseccomp-dev uuid-dev libcrypt-dev uthash-dev libqrcodegen-dev libfreeradius-dev libtalloc-dev)
run=(redis-server redis-tools freeradius openssl)
clients=(curl jq eapoltest scep strongswan-pki libstrongswan-standard-plugins
	libstrongswan-extra-plugins openssl procps)
test=(libcmocka-dev slapd ldap-utils freeradius-utils libxml2-utils libplist-utils mandoc shellcheck procps
	softhsm2 opensc xxd faketime hostapd wpasupplicant iproute2 libell-dev
	dnsmasq-base nftables glewlwyd sqlite3 python3-aiosmtpd samba-ad-dc samba-ad-provision samba-vfs-modules)
if [[ $version == 12 ]]; then test+=(libengine-pkcs11-openssl); else test+=(pkcs11-provider); fi
lint=(clang-format clang-tidy cppcheck shellcheck mandoc universal-ctags git)
bench=(freeradius-redis freeradius-config jq valgrind)
# Whoever has npm from elsewhere keeps it: Debian's brings some hundred packages.
browser=(chromium)
command -v node >/dev/null || browser+=(nodejs)
command -v npm >/dev/null || browser+=(npm)

usage() {
	sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"
}

list=0
want=()
for option in "$@"; do
	case $option in
	--list) list=1 ;;
	--build) want+=("${build[@]}") ;;
	--run) want+=("${run[@]}") ;;
	--clients) want+=("${clients[@]}") ;;
	--test) want+=("${test[@]}") ;;
	--lint) want+=("${lint[@]}") ;;
	--bench) want+=("${bench[@]}") ;;
	--browser) want+=("${browser[@]}") ;;
	-h | --help) usage && exit 0 ;;
	*) usage >&2 && exit 2 ;;
	esac
done
((${#want[@]})) || want=("${build[@]}" "${run[@]}" "${clients[@]}" "${test[@]}")

if ((list)); then
	printf '%s\n' "${want[@]}" | sort -u
	exit 0
fi
[[ ${SCEPAUTH_NO_DEPS-} != 1 ]] || exit 0
if ! command -v dpkg-query >/dev/null; then
	echo "deps: this is not Debian; packages of these names (Debian's) are needed:" "${want[*]}" >&2
	exit 0
fi

missing() {
	local -A have=()
	local name state
	while read -r state name; do
		[[ $state != ii* ]] || have[$name]=1
	done < <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${want[@]}" 2>/dev/null || true)
	for name in "${want[@]}"; do
		[[ -n ${have[$name]-} ]] || printf '%s\n' "$name"
	done | sort -u
}

mapfile -t need < <(missing)
if ((${#need[@]} == 0)); then
	exit 0
fi

case $version in
12 | 13) ;;
*) echo "deps: scepauth is made for Debian 12 and 13; this is ${version:-something else}, trying" >&2 ;;
esac

as_root=()
if ((EUID != 0)); then
	if ! command -v sudo >/dev/null; then
		echo "deps: missing packages, and neither root nor sudo to install them. As root run:" >&2
		echo "  apt-get install --no-install-recommends ${need[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
fi

apt() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 \
		-o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@"
}

# The tests run a slapd of their own; Debian's stays without a configuration, so that none is started.
if [[ " ${need[*]} " == *" slapd "* ]] && command -v debconf-set-selections >/dev/null; then
	echo "slapd slapd/no_configuration boolean true" | "${as_root[@]}" debconf-set-selections || true
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "deps: installing ${#need[@]} Debian packages: ${need[*]}"
if [[ -d /run/systemd/system ]]; then
	for service in redis-server freeradius glewlwyd; do
		[[ " ${need[*]} " != *" $service "* ]] || echo "deps: Debian starts $service after installing it; scepauth runs" \
			"its own, so 'systemctl disable --now $service' if you do not want Debian's"
	done
fi
start=$SECONDS
if ! apt update >"$log" 2>&1 || ! apt install -y --no-install-recommends "${need[@]}" >>"$log" 2>&1; then
	echo "deps: installing failed; the end of what apt-get said:" >&2
	tail -n 20 "$log" >&2
	exit 1
fi
mapfile -t need < <(missing)
if ((${#need[@]})); then
	echo "deps: still missing after installing: ${need[*]}" >&2
	exit 1
fi
echo "deps: done in $((SECONDS - start)) s"
