# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables are for, or from, the scripts around
# wired.sh: a real 802.1X port, after lib.sh and nas.sh: hostapd (driver=wired, with dynamic authorization) on one end of a veth
# pair, wpa_supplicant in a network namespace of its own on the other. Needs root.
#
#   wired_missing              prints why it cannot run here; nothing when it can
#   wired_make CERT KEY        the pair, the namespace, configuration; wired_start starts both
#   wired_join                 the device asks to be let in (again)
#   wired_on, wired_off        whether hostapd has it on the network
#   wired_vlan                 the VLAN that hostapd was told last, started with WIRED_LOG=-tdd

wired_missing() {
	local p
	[[ $(id -u) == 0 ]] || { echo "needs root for a network namespace" && return; }
	for p in hostapd hostapd_cli wpa_supplicant wpa_cli ip; do
		PATH=$PATH:/usr/sbin:/sbin command -v "$p" >/dev/null || { echo "no $p here: packaging/deps.sh --test" && return; }
	done
	unshare -n true 2>/dev/null || { echo "no network namespace can be made here" && return; }
	ip link add "sa$$a" type veth peer name "sa$$b" 2>/dev/null || echo "no veth pair can be made here"
	ip link del "sa$$a" 2>/dev/null
}

wired_make() { # CERT KEY
	WIRED_DIR=$T_DIR/wired WIRED_PORT=sa$$a
	WIRED_DAS=$(nas_port)
	PATH=$PATH:/usr/sbin:/sbin
	mkdir -p "$WIRED_DIR"
	t_defer wired_stop
	# Not "ip netns", which changes mounts and so cannot work in a chroot.
	unshare -n sleep 3600 &
	WIRED_NS=$!
	t_wait 10 wired_apart || t_bail "no network namespace"
	if ! { ip link add "$WIRED_PORT" type veth peer name dev0 netns "$WIRED_NS" &&
		ip link set "$WIRED_PORT" up && wired_inside ip link set dev0 address 02:00:00:00:0d:01 up; }; then
		t_bail "no pair of interfaces"
	fi
	WIRED_MAC=02:00:00:00:0d:01
	cat >"$WIRED_DIR/hostapd.conf" <<-CONF
		interface=$WIRED_PORT
		driver=wired
		logger_stdout=-1
		logger_stdout_level=1
		ctrl_interface=$WIRED_DIR/hostapd
		ieee8021x=1
		eap_reauth_period=3600
		use_pae_group_addr=1
		own_ip_addr=127.0.0.1
		nas_identifier=hall
		auth_server_addr=$RADIUS_HOST
		auth_server_port=$RADIUS_PORT
		auth_server_shared_secret=$RADIUS_SECRET
		acct_server_addr=$RADIUS_HOST
		acct_server_port=$((RADIUS_PORT + 1))
		acct_server_shared_secret=$RADIUS_SECRET
		radius_das_port=$WIRED_DAS
		radius_das_client=127.0.0.1 $NAS_SECRET
		radius_das_require_message_authenticator=1
	CONF
	cat >"$WIRED_DIR/wpa.conf" <<-CONF
		ctrl_interface=$WIRED_DIR/wpa
		ap_scan=0
		network={
			key_mgmt=IEEE8021X
			eap=TLS
			eapol_flags=0
			identity="anonymous"
			ca_cert="$ROOT_CERT"
			client_cert="$1"
			private_key="$2"
			phase1="tls_disable_tlsv1_3=0"
		}
	CONF
}

wired_apart() { [[ $(readlink "/proc/$WIRED_NS/ns/net") != "$(readlink /proc/self/ns/net)" ]]; }
wired_inside() { nsenter -t "$WIRED_NS" -n "$@"; }

wired_start() {
	hostapd "${WIRED_LOG:--t}" "$WIRED_DIR/hostapd.conf" >"$WIRED_DIR/hostapd.log" 2>&1 &
	WIRED_HOSTAPD=$!
	t_wait 20 grep -q AP-ENABLED "$WIRED_DIR/hostapd.log" || t_bail "hostapd does not start: $(tail -n 5 "$WIRED_DIR/hostapd.log")"
	nsenter -t "$WIRED_NS" -n wpa_supplicant -t -D wired -i dev0 -c "$WIRED_DIR/wpa.conf" >"$WIRED_DIR/wpa.log" 2>&1 &
	WIRED_WPA=$!
	t_wait 20 wired_device ping || t_bail "wpa_supplicant does not start: $(tail -n 5 "$WIRED_DIR/wpa.log")"
	wired_device set EAPOL::heldPeriod 1 >/dev/null # it would wait for a minute too
}

wired_stop() {
	local p
	for p in ${WIRED_WPA-} ${WIRED_HOSTAPD-} ${WIRED_NS-}; do
		kill "$p" 2>/dev/null
		wait "$p" 2>/dev/null
	done
	WIRED_WPA='' WIRED_HOSTAPD='' WIRED_NS=''
	ip link del "$WIRED_PORT" 2>/dev/null
}

wired_device() { wpa_cli -p "$WIRED_DIR/wpa" -i dev0 "$@"; }
wired_join() {
	# hostapd lets a device that was refused wait for a minute; so it is as if the plug had been pulled.
	wired_on || hostapd_cli -p "$WIRED_DIR/hostapd" -i "$WIRED_PORT" deauthenticate "$WIRED_MAC" >/dev/null 2>&1
	wired_device logoff >/dev/null
	wired_device logon >/dev/null
	wired_device reassociate >/dev/null
}
wired_on() { [[ $(hostapd_cli -p "$WIRED_DIR/hostapd" -i "$WIRED_PORT" sta "$WIRED_MAC" 2>&1) == *"[AUTHORIZED]"* ]]; }
wired_off() { ! wired_on; }
# The VLAN of the newest Access-Accept, as hostapd has read it: it names such attributes, and shows their bytes.
wired_vlan() {
	local hex
	hex=$(awk '/RADIUS message: code=/ { accept = /code=2 /; next }
		accept && /Attribute 81 / { want = 1; next }
		want { sub(/.*Value: /, ""); v = $0; want = 0 }
		END { print v }' "$WIRED_DIR/hostapd.log")
	xxd -r -p <<<"$hex"
}
wired_cuts() { grep -c 'AP-STA-DISCONNECTED' "$WIRED_DIR/hostapd.log"; }
# When it was cut off the last time, milliseconds since 1970.
wired_cut_ms() { sed -n 's/^\([0-9]*\)\.\([0-9][0-9][0-9]\).*AP-STA-DISCONNECTED.*/\1\2/p' "$WIRED_DIR/hostapd.log" | tail -n 1; }

# wired_device_cert LOGIN PROFILE DIR: enrols; DIR/cert.pem, DIR/k.pem
wired_device_cert() {
	local tool=$SCEPAUTH_BIN/../tests/bin/scep_tool d=$3 ra=$SCEPAUTH_DIR/ca/$2/ra.pem
	mkdir -p "$d"
	openssl genrsa -out "$d/k.pem" 2048 2>/dev/null
	"$tool" request "$ra" "$d/k.pem" "$d/request.der" challenge="$("$tool" mint "$SCEPAUTH_CONF" "$2" login="$1")" >/dev/null
	curl -s -o "$d/reply.der" --data-binary "@$d/request.der" "$SCEP_URL/scep/$2?operation=PKIOperation"
	"$tool" reply "$ra" "$d/k.pem" "$d/reply.der" "$d/cert.der" >/dev/null
	openssl x509 -inform der -in "$d/cert.der" -out "$d/cert.pem" || t_bail "no certificate"
}
