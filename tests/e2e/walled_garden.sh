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
for bad in 'a b.example.org' 'a;b' 'x{' '#x' 'a/b' 'a-.example.org' '-a.example.org' 'a..b' '*.*.example.org' '.example.org' '$(id)'; do
	conf hosts "{\"$bad\"}"
	t_like "no name: $bad" "$(garden --format dnsmasq 2>&1)" 'captive.hosts: .* is no name'
done
conf hosts '{"help.example.org"}'
t_like "what the site adds" "$(garden --format hosts)" 'help\.example\.org'$'\t.*captive\.hosts'
t_like "nftables: the portal from the open network" "$(garden --format nftables)" '10\.20\.0\.0/16'
t_like "what was led to the portal may go there" "$(garden --format nftables)" 'ip saddr @onboarding4 ip daddr 10\.20\.0\.1 tcp dport 8081 ct status dnat accept'
ports() { garden --format nftables | grep -m 1 -o 'tcp dport { .* }' | grep -oE '[0-9]+'; }
t_is "each port stands there once" "$(ports | sort | uniq -d)" ""
t_like "the portal's too" "$(ports)" "(^|[^0-9])$portal_port([^0-9]|\$)"
t_unlike "and nothing that others lead elsewhere" "$(garden --format nftables)" $'\n\t+ct status dnat accept'
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
conf networks '{"10.20.0.0/16", "10.20.7.0/24", "10.20.0.0/16"}'
if command -v nft >/dev/null && nft -c -f <(echo 'table inet t { }') 2>/dev/null; then
	t_ok "nft takes networks that lie in one another" nft -c -f <(garden --format nftables)
else
	t_skip "nft takes networks that lie in one another" "no nft here, or no right to use it"
fi
t_like "without IPv6 networks a warning" "$(garden --format nftables)" 'names no IPv6 network'
for any in 0.0.0.0 '[::]' '[0:0::0]' '*'; do
	conf listen "\"$any:8081\""
	t_like "$any is each address of the machine" "$(garden --format nftables)" 'tcp dport 80 redirect to :8081'
done
for own in 127.0.0.1 127.1.2.3 '[::1]' '[0:0:0:0:0:0:0:1]' '[::ffff:127.0.0.1]'; do
	conf listen "\"$own:8081\""
	t_like "$own is seen from this machine only" "$(garden --format nftables 2>&1)" 'reached from this machine only'
done
conf listen '"10.20.0.1:8081"'
cp "$SCEPAUTH_CONF" kept.conf
sed -i "s|$PORTAL_URL|$PORTAL_URL/a,b|" "$SCEPAUTH_CONF"
t_like "a comma would be two options" "$(garden --format dnsmasq 2>&1)" 'portal\.url: .*commas'
cp kept.conf "$SCEPAUTH_CONF"
conf networks '{"10.20.0.0/33"}'
t_like "networks that are none" "$(garden --format nftables 2>&1)" '10\.20\.0\.0/33'

t_done
