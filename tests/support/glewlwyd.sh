# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables are for, or from, the scripts around
# glewlwyd.sh: sourced after lib.sh. A real OpenID provider (Debian's glewlwyd) on 127.0.0.1 and its people.
#
#   glewlwyd_make                     its files; $GLEWLWYD_ISSUER
#   glewlwyd_start, glewlwyd_stop
#   glewlwyd_plugin TYPE              (again) signs with a new key of TYPE: rsa, ecdsa or rsa-pss
#   glewlwyd_client URL...            the client `portal` with the secret $GLEWLWYD_SECRET, redirect URIs
#   glewlwyd_person LOGIN GROUP...    with the password "secret of LOGIN"
#   glewlwyd_login LOGIN JAR          as a browser: logged in there, consent given
#   glewlwyd_logout JAR

GLEWLWYD_PID='' GLEWLWYD_PORT='' GLEWLWYD_ISSUER='' GLEWLWYD_SECRET=s3cret-of.the_portal

glewlwyd_conf() {
	cat >"$GLEWLWYD_DIR/conf" <<END
port=$GLEWLWYD_PORT
bind_address="127.0.0.1"
external_url="http://127.0.0.1:$GLEWLWYD_PORT"
login_url="login.html"
api_prefix="api"
log_mode="console"
log_level="INFO"
cookie_secure=0
session_expiration=2419200
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
hash_algorithm = "SHA512"
database = { type = "sqlite3"; path = "$GLEWLWYD_DIR/db" };
END
}

glewlwyd_make() {
	GLEWLWYD_DIR=$T_DIR/glewlwyd
	mkdir -p "$GLEWLWYD_DIR"
	sqlite3 "$GLEWLWYD_DIR/db" </usr/share/dbconfig-common/data/glewlwyd/install/sqlite3 || t_bail "no database for glewlwyd"
	# people have groups, which is a property of one's own there
	sqlite3 "$GLEWLWYD_DIR/db" "UPDATE g_user_module_instance SET gumi_parameters = json_set(gumi_parameters,
		'\$.\"data-format\".groups', json('{\"multiple\":true,\"read\":true,\"write\":true}'))"
	t_defer glewlwyd_stop
}

glewlwyd_answers() { curl -s --max-time 5 -o /dev/null "http://127.0.0.1:$GLEWLWYD_PORT/"; }

glewlwyd_start() {
	local try
	for try in 1 2 3 4 5; do
		[[ -n $GLEWLWYD_PORT ]] || GLEWLWYD_PORT=$((20000 + RANDOM % 12000))
		GLEWLWYD_ISSUER=http://127.0.0.1:$GLEWLWYD_PORT/api/oidc
		glewlwyd_conf
		glewlwyd --config-file="$GLEWLWYD_DIR/conf" >>"$GLEWLWYD_DIR/log" 2>&1 &
		GLEWLWYD_PID=$!
		t_wait 30 eval "glewlwyd_answers || ! kill -0 $GLEWLWYD_PID"
		if kill -0 "$GLEWLWYD_PID" 2>/dev/null && glewlwyd_answers; then
			glewlwyd_admin auth/ -d '{"username":"admin","password":"password"}' && return
		fi
		glewlwyd_stop
		GLEWLWYD_PORT=''
	done
	t_bail "glewlwyd does not start (try $try): $(tail -n 5 "$GLEWLWYD_DIR/log")"
}

glewlwyd_stop() {
	[[ -n $GLEWLWYD_PID ]] || return 0
	kill "$GLEWLWYD_PID" 2>/dev/null
	wait "$GLEWLWYD_PID" 2>/dev/null
	GLEWLWYD_PID=''
	return 0
}

glewlwyd_ask() { # JAR PATH [CURL_OPTION...]
	local jar=$1 path=$2
	shift 2
	curl -sS -f --max-time 20 -b "$jar" -c "$jar" -H 'Content-Type: application/json' "$@" "http://127.0.0.1:$GLEWLWYD_PORT/api/$path"
}
glewlwyd_admin() { glewlwyd_ask "$GLEWLWYD_DIR/admin" "$@"; }

glewlwyd_plugin() { # TYPE
	local method=POST path=mod/plugin/
	if [[ $1 == ecdsa ]]; then
		openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$GLEWLWYD_DIR/key" 2>/dev/null
	else
		openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$GLEWLWYD_DIR/key" 2>/dev/null
	fi
	openssl pkey -in "$GLEWLWYD_DIR/key" -pubout -out "$GLEWLWYD_DIR/public"
	jq -n --rawfile key "$GLEWLWYD_DIR/key" --rawfile public "$GLEWLWYD_DIR/public" --arg type "$1" --arg iss "$GLEWLWYD_ISSUER" '
		def claim(name; property): {name: name, "user-property": property, type: "string", mandatory: true, "on-demand": false, scope: []};
		{module: "oidc", name: "oidc", display_name: "test", order_rank: 0, enabled: true, parameters: {
			iss: $iss, "jwt-type": $type, "jwt-key-size": "256", key: $key, cert: $public,
			"access-token-duration": 3600, "refresh-token-duration": 3600, "code-duration": 600,
			"refresh-token-rolling": true, "allow-non-oidc": true, "auth-type-code-enabled": true,
			"auth-type-token-enabled": false, "auth-type-password-enabled": false, "auth-type-client-enabled": false,
			"auth-type-implicit-enabled": false, "auth-type-refresh-enabled": false, "auth-type-none-enabled": false,
			"jwks-show": true, "subject-type": "public", "pkce-allowed": true, "pkce-method-plain-allowed": false,
			"pkce-required": true, "oauth-as-iss-id": true, "session-management-allowed": true,
			"session-cookie-name": "OIDC_SESSION", "session-cookie-expiration": 3600, "allowed-scope": ["openid"],
			"name-claim": "mandatory", "email-claim": "mandatory",
			claims: [claim("preferred_username"; "username"), claim("groups"; "groups")]}}' >"$GLEWLWYD_DIR/plugin"
	if glewlwyd_admin mod/plugin/oidc >/dev/null 2>&1; then
		method=PUT path=mod/plugin/oidc
	fi
	glewlwyd_admin "$path" -X "$method" -d "@$GLEWLWYD_DIR/plugin" || t_bail "glewlwyd takes no plugin"
	[[ $method == POST ]] || glewlwyd_admin mod/plugin/oidc/reset -X PUT || t_bail "glewlwyd does not take its new key"
}

glewlwyd_client() { # URL...
	glewlwyd_admin client/ -d "$(jq -n --arg secret "$GLEWLWYD_SECRET" '{client_id: "portal", name: "portal", enabled: true,
		confidential: true, password: $secret, redirect_uri: $ARGS.positional, authorization_type: ["code"], scope: ["openid"],
		token_endpoint_auth_method: ["client_secret_basic", "client_secret_post"]}' --args "$@")" || t_bail "glewlwyd takes no client"
}

glewlwyd_person() { # LOGIN GROUP...
	local login=$1
	shift
	glewlwyd_admin user/ -d "$(jq -n --arg login "$login" '{username: $login, name: "Name of \($login)",
		email: "\($login)@example.edu", password: "secret of \($login)", enabled: true, scope: ["openid"],
		groups: $ARGS.positional}' --args "$@")" || t_bail "glewlwyd takes no person"
}

glewlwyd_login() { # LOGIN JAR
	glewlwyd_ask "$2" auth/ -d "{\"username\":\"$1\",\"password\":\"secret of $1\"}" &&
		glewlwyd_ask "$2" auth/grant/portal -X PUT -d '{"scope":"openid"}'
}

glewlwyd_logout() { rm -f "$1"; } # JAR
