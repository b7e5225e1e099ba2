#!/usr/bin/env bash
# What the open network must let through: right for this campus, and taken by the programs that it is written for.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../support/lib.sh"

T_INIT=(--group staff:20 --group students:30 --onboarding-ssid open-campus --cdp)
t_instance
garden() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" walled-garden "$@"; }
conf() { # KEY VALUE: of the section captive
	sed -i "/^captive {/,/^}/s|^\t#\{0,1\} \{0,1\}$1 = .*|\t$1 = $2|" "$SCEPAUTH_CONF"
}
cd "$T_DIR" || exit 1
portal_port=${PORTAL_URL##*:}

t_like "for people: the portal" "$(garden)" "localhost +port $portal_port \(portal\.url\)"
t_like "the SCEP server" "$(garden)" "\(scep\.url"
t_like "and what DHCP tells devices" "$(garden)" "$PORTAL_URL/captive-api"
t_is "JSON names the same" "$(garden --json | jq -r .api)" "$PORTAL_URL/captive-api"
t_like "without the open network's addresses no rules" "$(garden --format nftables 2>&1)" 'captive.networks is empty'
t_is "an unknown format is misuse" "$(garden --format foo >/dev/null 2>&1 || echo $?)" 2
t_like "which says what there is" "$(garden --format foo 2>&1)" 'nftables'
t_is "a name that would break the rules too" "$(garden --format cisco --name 'a b' >/dev/null 2>&1 || echo $?)" 2

conf listen '"10.20.0.1:8081"'
conf networks '{"10.20.0.0/16", "fd00:20::/64"}'
conf hosts '{"help.example.org"}'
t_like "what the site adds" "$(garden --format hosts)" 'help\.example\.org'$'\t.*captive\.hosts'
t_like "nftables: the portal from the open network" "$(garden --format nftables)" '10\.20\.0\.0/16'
if command -v nft >/dev/null && nft -c -f <(echo 'table inet t { }') 2>/dev/null; then
	t_ok "nft takes it" nft -c -f <(garden --format nftables)
else
	t_skip "nft takes it" "no nft here, or no right to use it"
fi
garden --format dnsmasq >dnsmasq.conf
t_like "dnsmasq: RFC 8910" "$(cat dnsmasq.conf)" "dhcp-option=114,$PORTAL_URL/captive-api"
if command -v dnsmasq >/dev/null; then
	t_ok "dnsmasq takes it" dnsmasq --test -C dnsmasq.conf
else
	t_skip "dnsmasq takes it" "dnsmasq is not installed"
fi
if command -v unbound-checkconf >/dev/null; then
	garden --format unbound >unbound.conf
	t_ok "unbound takes it" unbound-checkconf unbound.conf
else
	t_skip "unbound takes it" "unbound is not installed"
fi
t_is "kea: JSON" "$(garden --format kea | jq -r '.Dhcp4."option-data"[0].name')" v4-captive-portal
t_like "isc-dhcp" "$(garden --format isc-dhcp)" "option default-url \"$PORTAL_URL/captive-api\";"
t_like "radvd" "$(garden --format radvd)" "AdvCaptivePortalAPI \"$PORTAL_URL/captive-api\""
t_like "cisco" "$(garden --format cisco --name guests)" 'urlfilter list guests'
t_like "aruba" "$(garden --format aruba)" ' name localhost'
conf networks '{"10.20.0.0/33"}'
t_like "networks that are none" "$(garden --format nftables 2>&1)" '10\.20\.0\.0/33'

t_done
