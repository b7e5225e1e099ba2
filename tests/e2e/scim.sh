#!/usr/bin/env bash
# Leavers by SCIM: the requests of Entra and Okta as they send them, what follows for the people, and
# everything that is refused. Without the vendors' services: nobody has tried those.
# shellcheck source-path=SCRIPTDIR disable=SC2154 # variables come from the instance's env
. "$(dirname "$0")/../support/lib.sh"

T_INIT=(--group staff:20 --group students:30)
t_instance redis ca radius
ctl() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" "$@"; }
tool=$SCEPAUTH_BIN/../tests/bin/scep_tool
data=$SCEPAUTH_DIR/scim/data
log=$SCEPAUTH_DIR/log/scim.log
w=$T_DIR/w
mkdir -p "$w"
cd "$w" || exit 1

set_key() { # SECTION KEY VALUE
	sed -i "/^$1 {/,/^}/s|^\([[:space:]]*\)#\{0,1\} *$2 = .*|\1$2 = $3|" "$SCEPAUTH_CONF"
}
set_key scim listen '"127.0.0.1:0"'
set_key scim url '"https://scim.example.edu/scim/v2"'
set_key scim domain '"example.edu"'
set_key scim groups true
set_key leavers format '"scim"'
set_key leavers source '"scim"'
set_key leavers interval 1
# A file that is too large is not worth the time to send it.
set_key scim max-body 65536

t_not "without a folder for it the server does not start" "$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" --scim
token=$(ctl --json scim token add entra | jq -r .token)
t_like "a token is made" "$token" '^[0-9a-f]{64}$'
t_unlike "and only its hash is kept" "$(cat "$SCEPAUTH_DIR/scim/tokens")" "$token"
t_is "where nobody else reads it" "$(stat -c %a "$SCEPAUTH_DIR/scim/tokens")" 600
t_ok "the configuration is checked" "$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" --scim --check
t_start scim
port=$(sed -n 's/.*ready 127.0.0.1:\([0-9]*\).*/\1/p' "$log" | tail -n 1)
base=https://localhost:$port/scim/v2

# --- helpers -------------------------------------------------------------------------------------

TYPE='application/scim+json; charset=utf-8' AUTH=
# send METHOD PATH [BODY] [CURL_OPTION...]: leaves STATUS, BODY, HEAD
send() {
	local method=$1 path=$2 body=${3-} out
	shift $(($# < 3 ? $# : 3))
	[[ -z $body ]] || set -- -H "Content-Type: $TYPE" --data-binary "$body" "$@"
	[[ $method != HEAD ]] || set -- --head "$@"
	out=$(curl -sS --max-time 20 --cacert "$ROOT_CERT" -X "$method" -H "Authorization: ${AUTH:-Bearer $token}" \
		-D "$w/head" -w '\n%{http_code}' "$@" "$base$path") || out=$'\n000'
	STATUS=${out##*$'\n'} BODY=${out%$'\n'*} HEAD=$(tr -d '\r' <"$w/head")
}
json() { jq -r "$1" <<<"$BODY"; }
quoted() { jq -rn --arg s "$1" '$s | @uri'; }
is_error() { # STATUS [SCIMTYPE]: RFC 7644 section 3.12
	[[ $STATUS == "$1" && $(json '.schemas[0]') == urn:ietf:params:scim:api:messages:2.0:Error &&
		$(json .status) == "$1" && $(json '.detail | length > 0') == true &&
		$(json '.scimType // ""') == "${2-}" ]]
}
refused() { # TEXT STATUS TYPE METHOD PATH [BODY] [OPTION...]
	local text=$1 status=$2 type=$3
	shift 3
	send "$@"
	if is_error "$status" "$type"; then t_pass "$text"; else t_fail "$text" "$STATUS $BODY"; fi
}
ops() { printf '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[%s]}' "$1"; }

redis() { redis_as installer --raw "$@"; }
uid_of() { echo "u$(printf %s "$1" | sha256sum | cut -c1-32)"; }
person() { redis_as portal FCALL user_put 0 local "$1" "$(uid_of "$1")" "Name of $1" "$1@example.edu" "$2" 0 >/dev/null; }
hold() { redis HGET hold:scim "$(uid_of "$1")"; }
held() { [[ $(hold "$1") == *" suspended:"* ]]; }
gone() { [[ $(hold "$1") == *" removed:"* ]]; }
free() { [[ -z $(hold "$1") ]]; }
groups_are() { [[ $(redis HGET "user:$(uid_of "$1")" groups) == "$2" ]]; }

# --- what the service says of itself -------------------------------------------------------------

send GET /ServiceProviderConfig
t_is "ServiceProviderConfig" "$STATUS $(json '[.patch, .bulk, .filter, .etag, .sort, .changePassword | .supported] | @csv')" \
	"200 true,false,true,true,false,false"
t_is "the answer says what it is" "$(grep -i '^content-type' <<<"$HEAD")" "Content-Type: application/scim+json"
send GET /ResourceTypes
t_is "ResourceTypes" "$(json '[.Resources[].endpoint] | @csv')" '"/Users","/Groups"'
send GET /ResourceTypes/User
t_is "one of them" "$(json .schema)" urn:ietf:params:scim:schemas:core:2.0:User
send GET /Schemas
t_is "Schemas" "$(json '[.totalResults, (.Resources[].id)] | @csv')" \
	'2,"urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:core:2.0:Group"'
send GET /Schemas/urn:ietf:params:scim:schemas:core:2.0:Group
t_is "one of them" "$(json '[.attributes[].name] | @csv')" '"displayName","members"'
refused "an unknown schema" 404 "" GET /Schemas/x

# --- who may not ---------------------------------------------------------------------------------

good=$token
token=
refused "no token" 401 "" GET /Users
t_like "it says what is missing" "$HEAD" 'WWW-Authenticate: Bearer'
token=${good}0
refused "a wrong token" 401 "" GET /Users
token=$(tr 0-9a-f 1-9a-f0 <<<"$good")
refused "another one of the same form" 401 "" POST /Users '{"userName":"mallory"}'
token=$good
AUTH="Basic $good"
refused "a basic password" 401 "" GET /Users
AUTH=
second=$(ctl --json scim token add next | jq -r .token)
token=$second
send GET /Users
t_is "a second token is good at once" "$STATUS" 200
t_not "a third one is refused" ctl scim token add third
t_like "both are listed" "$(ctl scim token list)" 'entra.*next'
ctl scim token remove entra >/dev/null
token=$good
refused "the old one is refused as soon as it is removed" 401 "" GET /Users
token=$second
read -r pid _ <"$SCEPAUTH_DIR/run/scim.pid"
t_is "the server has given up what it does not need" "$(grep -E '^(Seccomp|NoNewPrivs):' "/proc/$pid/status" | tr -s '\t\n' ' ')" "NoNewPrivs: 1 Seccomp: 2 "
t_not "neither is in the log" grep -qE "$good|$second" "$log"

# --- Entra ---------------------------------------------------------------------------------------

t_start leavers
for login in anna ben carl dora eva; do person "$login" students; done
person olga staff # nobody whom the provider knows

send GET "/Users?filter=$(quoted 'userName eq "7d1c0000-0000-4000-8000-0123456789ab"')"
t_is "Test Connection: an empty list, not 404" "$STATUS $(json '[.schemas[0], .totalResults, (.Resources | length)] | @csv')" \
	'200 "urn:ietf:params:scim:api:messages:2.0:ListResponse",0,0'

entra_user() { # LOGIN OBJECTID
	send POST /Users '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"'"$2"'","userName":"'"$1"'@example.edu","active":true,"emails":[{"primary":true,"type":"work","value":"'"$1"'@example.edu"}],"meta":{"resourceType":"User"},"name":{"formatted":"'"$1"' E","familyName":"E","givenName":"'"$1"'"},"roles":[],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"x"}}'
}
entra_user anna 0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef
anna=$(json .id)
t_is "POST a user" "$STATUS $(json '[.userName, .externalId, .active, .name.givenName, .emails[0].value, .meta.resourceType] | @csv')" \
	'201 "anna@example.edu","0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",true,"anna","anna@example.edu","User"'
t_like "with its place" "$HEAD" "Location: https://scim.example.edu/scim/v2/Users/$anna"
t_is "and version" "$(json .meta.version)" 'W/"1"'
entra_user anna 0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef
t_ok "the same once more is a conflict" is_error 409 uniqueness
refused "so is another user of that name" 409 uniqueness POST /Users '{"userName":"ANNA@example.edu","externalId":"other"}'
send GET "/Users?filter=$(quoted 'userName eq "anna@example.edu"')"
t_is "GET by userName" "$(json '[.totalResults, .startIndex, .itemsPerPage, .Resources[0].id] | @csv')" "1,1,1,\"$anna\""
send GET "/Users?filter=$(quoted 'emails[type eq "work"].value eq "anna@example.edu"')"
t_is "GET by address" "$(json .totalResults)" 1
send GET "/Users?filter=$(quoted 'externalId eq "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef" and userName eq "anna@example.edu"')"
t_is "GET by two" "$(json .totalResults)" 1
send GET "/Users/$anna"
t_is "GET one" "$STATUS $(json .userName)" "200 anna@example.edu"
for login in ben carl dora eva; do entra_user "$login" "object-$login"; done

send PATCH "/Users/$anna" "$(ops '{"op":"Replace","path":"active","value":"False"}')"
t_is "disabled without the flag: a text" "$STATUS $(json .active)" "200 false"
t_ok "she is held" t_wait 60 held anna
t_ok "nobody else is" free ben
t_ok "whom no pushed group names keeps the groups of before" groups_are ben students
send PATCH "/Users/$anna" "$(ops '{"op":"Replace","path":"active","value":"True"}')"
t_is "enabled again" "$STATUS $(json .active)" "200 true"
t_ok "and let in again" t_wait 20 free anna
send PATCH "/Users/$anna" "$(ops '{"op":"replace","path":"active","value":false}')"
t_is "disabled with the flag: a boolean" "$STATUS $(json .active)" "200 false"
t_ok "held once more" t_wait 60 held anna
version=$(json .meta.version)
send PATCH "/Users/$anna" "$(ops '{"op":"replace","path":"active","value":false}')"
t_is "repeated: nothing changes" "$STATUS $(json .meta.version)" "200 $version"
send PATCH "/Users/$anna" "$(ops '{"op":"replace","value":{"name.givenName":"Anne","displayName":"Anne E","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department":"y"}}')"
t_is "several at once, without path, with dots" "$STATUS $(json '[.name.givenName, .displayName, .active] | @csv')" '200 "Anne","Anne E",false'
send PATCH "/Users/$anna" "$(ops '{"op":"Add","path":"nickName","value":"x"},{"op":"Replace","path":"addresses[type eq \"work\"].country","value":"x"},{"op":"Replace","path":"active","value":"True"}')"
t_is "unknown paths do not stop the rest" "$STATUS $(json .active)" "200 true"
t_ok "she is back" t_wait 20 free anna

# groups
send POST /Groups '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"externalId":"8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159","displayName":"students","meta":{"resourceType":"Group"}}'
students=$(json .id)
t_is "POST a group" "$STATUS $(json .displayName)" "201 students"
refused "a second one of that name" 409 uniqueness POST /Groups '{"displayName":"Students"}'
all=
for login in anna ben carl dora eva; do
	send GET "/Users?filter=$(quoted "userName eq \"$login@example.edu\"")"
	all+=",{\"\$ref\":null,\"value\":\"$(json '.Resources[0].id')\"}"
	printf -v "id_$login" %s "$(json '.Resources[0].id')"
done
send PATCH "/Groups/$students" "$(ops '{"op":"Add","path":"members","value":['"${all#,}"']}')"
t_is "members are added" "$STATUS $BODY" "204 "
send GET "/Groups/$students"
t_is "they are in it" "$(json '.members | length')" 5
send GET "/Groups/$students?excludedAttributes=members"
t_is "but are not shown when they are not wanted" "$STATUS $(json 'has("members")')" "200 false"
send GET "/Groups?excludedAttributes=members&filter=$(quoted 'displayName eq "students"')"
t_is "a group by its name" "$(json '[.totalResults, .Resources[0].id, (.Resources[0] | has("members"))] | @csv')" "1,\"$students\",false"
send POST /Groups '{"displayName":"Staff","members":[{"value":"'"$id_ben"'"}]}'
staff=$(json .id)
t_ok "a member's groups are the pushed ones" t_wait 20 groups_are ben staff,students
send PATCH "/Groups/$students" "$(ops '{"op":"Remove","path":"members","value":[{"value":"'"$id_ben"'"}]}')"
t_is "a member leaves: a list of values" "$STATUS" 204
t_ok "and is in one group less" t_wait 20 groups_are ben staff
send PATCH "/Groups/$staff" "$(ops '{"op":"Add","path":"members","value":[{"value":"'"$id_carl"'"}]}')"
t_ok "another one joins" t_wait 20 groups_are carl staff,students
send PATCH "/Groups/$staff" "$(ops '{"op":"remove","path":"members[value eq \"'"$id_carl"'\"]"}')"
t_is "a member leaves: a filter" "$STATUS" 204
t_ok "and has left" t_wait 20 groups_are carl students
refused "a member who is nobody" 400 invalidValue PATCH "/Groups/$staff" "$(ops '{"op":"Add","path":"members","value":[{"value":"nobody"}]}')"

# hard deletion, and the name given to somebody else
send DELETE "/Users/$id_dora"
t_is "DELETE" "$STATUS $BODY" "204 "
t_ok "is for good" t_wait 20 gone dora
refused "she is not there any more" 404 "" GET "/Users/$id_dora"
refused "not even for another DELETE" 404 "" DELETE "/Users/$id_dora"
send GET "/Groups/$students"
t_is "nor in her group" "$(json '.members | length')" 3
entra_user dora object-of-another-dora
t_is "somebody else gets her name" "$STATUS" 201
sleep 3
t_ok "but not what she had" gone dora
t_like "scepctl sources tells of it" "$(ctl sources)" 'taken +1'
t_ok "an administrator frees the name" ctl scim free dora@example.edu
t_ok "then it is the new one's" t_wait 20 free dora
t_ok "whom the provider never told of is let be" free olga

# --- Okta ----------------------------------------------------------------------------------------

okta=(-A 'Okta SCIM Client 1.0.0')
send GET '/Users?startIndex=1&count=2' "" "${okta[@]}"
t_is "the import test" "$STATUS $(json '[.totalResults, .startIndex, .itemsPerPage, (.Resources | length)] | @csv')" "200 5,1,2,2"
send GET '/Users?startIndex=3&count=100' "" "${okta[@]}"
t_is "the next page" "$(json '[.totalResults, .startIndex, .itemsPerPage] | @csv')" "5,3,3"
send GET '/Users?startIndex=0&count=-1'
t_is "odd numbers" "$STATUS $(json '[.totalResults, .startIndex, .itemsPerPage] | @csv')" "200 5,1,0"
send GET '/Users?startIndex=99'
t_is "behind the end" "$STATUS $(json '[.totalResults, .itemsPerPage] | @csv')" "200 5,0"
refused "no number" 400 invalidValue GET '/Users?count=many'
person frank students
okta_user='{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"frank@example.edu","name":{"givenName":"Frank","familyName":"O"},"emails":[{"primary":true,"value":"frank@example.edu","type":"work"}],"displayName":"Frank O","locale":"en-US","externalId":"00ujl29u0le5T6Aj10h7","groups":[],"password":"1mz050nq-secret","active":true}'
send POST /Users "$okta_user" "${okta[@]}"
frank=$(json .id)
t_is "POST with a password" "$STATUS $(json '[.userName, has("password"), has("groups")] | @csv')" '201 "frank@example.edu",false,false'
t_not "the password is nowhere" grep -rq 1mz050nq "$data" "$log"
send PATCH "/Users/$frank" '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}' "${okta[@]}"
t_is "PATCH without a path" "$STATUS $(json .active)" "200 false"
t_ok "holds" t_wait 20 held frank
send PUT "/Users/$frank" "${okta_user/,\"active\":true/}" "${okta[@]}"
t_is "a PUT that leaves active out" "$STATUS $(json .active)" "200 false"
send PUT "/Users/$frank" "$okta_user" "${okta[@]}"
t_is "PUT with active true" "$STATUS $(json .active)" "200 true"
t_ok "lets in again" t_wait 20 free frank
send GET "/Users/$frank" "" "${okta[@]}"
send PUT "/Users/$frank" "$(jq -c '.active = false' <<<"$BODY")" "${okta[@]}"
t_is "GET, then PUT of the whole with active false" "$STATUS $(json '[.active, .externalId] | @csv')" '200 false,"00ujl29u0le5T6Aj10h7"'
t_ok "holds too" t_wait 20 held frank
send POST /Groups '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Okta push","members":[{"value":"'"$frank"'","display":"frank@example.edu"}]}' "${okta[@]}"
push=$(json .id)
t_is "group push" "$STATUS $(json '.members[0].value')" "201 $frank"
send PATCH "/Groups/$push" "$(ops '{"op":"replace","value":{"id":"'"$push"'","displayName":"Okta pushed"}}')"
t_is "renamed" "$STATUS" 204
send PATCH "/Groups/$push" "$(ops '{"op":"replace","path":"members","value":[{"value":"'"$anna"'"}]}')"
send GET "/Groups/$push"
t_is "members replaced" "$(json '[.displayName, .members[].value] | @csv')" "\"Okta pushed\",\"$anna\""
send PUT "/Groups/$push" '{"displayName":"Okta pushed","members":[{"value":"'"$frank"'"},{"value":"'"$anna"'"}]}'
t_is "PUT of the group" "$STATUS $(json '.members | length')" "200 2"
send DELETE "/Groups/$push"
t_is "unlinked" "$STATUS" 204
refused "and gone" 404 "" GET "/Groups/$push"

# --- versions ------------------------------------------------------------------------------------

send GET "/Users/$anna"
etag=$(sed -n 's/^ETag: //Ip' <<<"$HEAD")
send GET "/Users/$anna" "" -H "If-None-Match: $etag"
t_is "not modified" "$STATUS $BODY" "304 "
refused "another version" 412 "" PATCH "/Users/$anna" "$(ops '{"op":"replace","path":"active","value":false}')" -H 'If-Match: W/"1"'
send PATCH "/Users/$anna" "$(ops '{"op":"replace","path":"displayName","value":"A"}')" -H "If-Match: $etag"
t_is "this version" "$STATUS" 200
send HEAD "/Users/$anna"
t_is "HEAD" "$STATUS" 200

# --- what is refused -----------------------------------------------------------------------------

refused "an unknown id" 404 "" PATCH /Users/00000000ffffffffffffffffffffffff "$(ops '{"op":"replace","path":"active","value":false}')"
refused "an id that is none" 404 "" GET /Users/..%2e
refused "an unknown path" 404 "" GET /Nothing
refused "bulk" 404 "" POST /Bulk '{}'
refused "a method that is none here" 405 "" DELETE /Users
refused "an unknown attribute in a filter" 400 invalidFilter GET "/Users?filter=$(quoted 'nickName eq "x"')"
refused "an operator that is not served" 400 invalidFilter GET "/Users?filter=$(quoted 'userName co "a"')"
refused "half a filter" 400 invalidFilter GET "/Users?filter=$(quoted 'userName eq "a')"
# shellcheck disable=SC2053 # a pattern
state_is() { [[ $(ctl --json sources | jq -r '.state + " " + .untaken') == $1 ]]; }
t_ok "what provisioning meets as a rule does not make the source stale" t_wait 20 state_is 'good '
plain=$TYPE TYPE=text/plain
refused "another content type" 415 "" POST /Users '{"userName":"x"}'
TYPE=application/json
send PATCH "/Users/$anna" "$(ops '{"op":"replace","path":"active","value":true}')"
t_is "application/json is taken" "$STATUS" 200
TYPE=$plain
refused "no JSON" 400 invalidSyntax POST /Users '{"userName":'
t_ok "a change that was not taken makes the source stale, with the reason" t_wait 20 state_is 'stale 400 *'
t_not "and scepctl sources says so by its exit status" ctl sources
send GET "/Users/$anna"
send PATCH "/Users/$anna" "$(ops '{"op":"replace","path":"active","value":true}')"
t_ok "until one is taken" t_wait 20 state_is 'good '
refused "JSON of another shape" 400 invalidSyntax POST /Users '["userName"]'
refused "a key twice" 400 invalidSyntax POST /Users '{"userName":"x","userName":"y"}'
refused "too deep" 400 invalidSyntax POST /Users "$(printf '{"a":%.0s' {1..500})1$(printf '}%.0s' {1..500})"
refused "no userName" 400 invalidValue POST /Users '{"active":true}'
refused "an empty one" 400 invalidValue POST /Users '{"userName":""}'
refused "active is neither" 400 invalidValue PATCH "/Users/$anna" "$(ops '{"op":"replace","path":"active","value":"perhaps"}')"
refused "a patch without operations" 400 invalidSyntax PATCH "/Users/$anna" '{"active":false}'
refused "the name of nobody" 400 mutability PATCH "/Users/$anna" "$(ops '{"op":"remove","path":"userName"}')"
refused "a path that is none" 400 invalidPath PATCH "/Users/$anna" "$(ops '{"op":"replace","path":"emails[","value":"x"}')"
head -c 70000 /dev/zero | tr '\0' ' ' >big
send POST /Users '{"userName":"renamed@example.edu","externalId":"renamed"}'
renamed=$(json .id)
for i in {2..32}; do
	send PATCH "/Users/$renamed" "$(ops '{"op":"replace","path":"userName","value":"renamed'"$i"'@example.edu"}')"
	[[ $STATUS == 200 ]] || break
done
t_is "somebody may be renamed often" "$i $STATUS" "32 200"
refused "but not for ever" 400 invalidValue PATCH "/Users/$renamed" "$(ops '{"op":"replace","path":"userName","value":"renamed33@example.edu"}')"
send PATCH "/Users/$renamed" "$(ops '{"op":"replace","path":"userName","value":"renamed@example.edu"}')"
t_is "and back" "$STATUS" 200
send DELETE "/Users/$renamed"
refused "a large body" 413 "" POST /Users @big
head -c 10000000 /dev/zero | tr '\0' ' ' >huge
send POST /Users @huge
t_like "10 MB" "$STATUS" '^(413|000)$'
t_ok "so does one that is too large" t_wait 20 state_is 'stale 413 *'
send PATCH "/Users/$anna" "$(ops '{"op":"replace","path":"active","value":true}')"
t_ok "(taken again)" t_wait 20 state_is 'good '
before=$(ctl --json sources | jq .refused)
AUTH="Bearer $(printf '0%.0s' {1..64})"
send POST /Users @big
send POST /Users '{"userName":'
AUTH=
send GET "/Users/$anna"
told() { (($(ctl --json sources | jq .refused) > before)); }
t_ok "(the state is told anew)" t_wait 20 told
t_ok "without a token nobody makes it stale" state_is 'good '
t_is "after all of that she is as she was" "$STATUS $(json .active)" "200 true"

# --- restart, damage, brake ----------------------------------------------------------------------

send GET /Users
before=$BODY
t_stop scim
printf '{"op":"user","id":"000000' >>"$data/people"
t_start scim
port=$(sed -n 's/.*ready 127.0.0.1:\([0-9]*\).*/\1/p' "$log" | tail -n 1)
base=https://localhost:$port/scim/v2
send GET /Users
t_is "a restart loses nothing, a torn line is cut off" "$BODY" "$before"
send PATCH "/Users/$anna" "$(ops '{"op":"replace","path":"active","value":false}')"
t_ok "changes go on" t_wait 60 held anna
send PATCH "/Users/$anna" "$(ops '{"op":"replace","path":"active","value":true}')"
t_ok "both ways" t_wait 20 free anna
t_is "scepctl sources" "$(ctl --json sources | jq -r '[.source, .state, .mode] | @csv')" '"scim","good","push"'
spoke() { [[ $(ctl sources) =~ last\ request\ +20.*token\ +next,\ last\ used ]]; }
t_ok "tells when the provider last spoke and with which token" t_wait 10 spoke

# a provider that says nothing any more
t_stop leavers
set_key leavers silent-after 4
t_start leavers
told() { grep -h '^{' "$LEAVERS_LOG" | jq -es "any(.event == \"$1\" and .source == \"scim\")" >/dev/null; }
t_ok "silence is an alarm" t_wait 30 told source_silent
t_not "until then nothing else is told" told source_heard
monitored() { "$SCEPAUTH_BIN/scepctl" -c "$SCEPAUTH_CONF" status leavers; }
is_silent() { [[ $(monitored) == *"CRITICAL - the source is silent"* ]]; }
t_ok "which monitoring sees" t_wait 15 is_silent
t_like "and scepctl sources" "$(ctl --json sources | jq -r .state)" silent
t_is "told once" "$(grep -h '^{' "$LEAVERS_LOG" | jq -s 'map(select(.event == "source_silent")) | length')" 1
t_stop scim
t_start scim
port=$(sed -n 's/.*ready 127.0.0.1:\([0-9]*\).*/\1/p' "$log" | tail -n 1)
base=https://localhost:$port/scim/v2
sleep 3
t_not "a restart of our server is no word of the provider" told source_heard
send GET /Users
t_ok "a request is" t_wait 20 told source_heard
t_prom "metrics in good form" "$SCEPAUTH_DIR/run/metrics/auto_revoke.prom"
t_stop leavers
set_key leavers silent-after 0
t_start leavers

# an older copy put back: somebody in it would be let in again
cp "$data/people" old
send PATCH "/Users/$anna" "$(ops '{"op":"replace","path":"active","value":false}')"
t_ok "she is disabled" t_wait 60 held anna
cp "$data/people" new
sleep 1
send PATCH "/Users/$anna" "$(ops '{"op":"replace","path":"displayName","value":"Anna E"}')"
cp "$data/people" new
newer() { [[ $(sed -n 's/^mtime_ns //p' "$SCEPAUTH_DIR/run/auto_revoke.state") == "$(jq -s 'map(.modified // 0) | max' new)000000000" ]]; }
t_ok "that is remembered" t_wait 20 newer
mv old "$data/people"
t_ok "an older copy is refused" t_wait 20 grep -q 'is older than' "$LEAVERS_LOG"
t_ok "and lets nobody in" held anna
mv new "$data/people"
send PATCH "/Users/$anna" "$(ops '{"op":"replace","path":"active","value":true}')"
t_ok "with the right one it goes on" t_wait 20 free anna

for i in {1..60}; do
	person "many$i" students
	send POST /Users '{"userName":"many'"$i"'@example.edu","externalId":"m'"$i"'"}'
	printf '%s\n' "$(json .id)"
done >many
send PATCH "/Groups/$students" "$(ops '{"op":"add","path":"members","value":['"$(sed 's/.*/{"value":"&"}/' many | paste -sd,)"']}')"
known() { [[ $(ctl --json sources | jq .people) == 66 ]]; }
t_ok "sixty more" t_wait 30 known
t_stop leavers
while read -r id; do
	send PATCH "/Users/$id" "$(ops '{"op":"replace","path":"active","value":"False"}')"
	[[ $STATUS == 200 ]] || break
done <many
t_is "sixty disabled at once: each is answered" "$STATUS $(json .active)" "200 false"
t_start leavers
t_ok "but the brake holds" t_wait 30 test -e "$SCEPAUTH_DIR/run/auto_revoke.brake"
t_ok "and nobody is touched" free many1
t_ok "until a person agrees" "$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" --release-brake
t_ok "then they are held" t_wait 30 held many60

# --- off the network and back --------------------------------------------------------------------

openssl genrsa -out k.pem 2048 2>/dev/null
challenge=$("$tool" mint "$SCEPAUTH_CONF" students login=sam)
ra=$SCEPAUTH_DIR/ca/students/ra.pem
"$tool" request "$ra" k.pem request.der challenge="$challenge" >/dev/null
curl -s -o reply.der --data-binary @request.der "$SCEP_URL/scep/students?operation=PKIOperation"
"$tool" reply "$ra" k.pem reply.der cert.der >/dev/null
openssl x509 -inform der -in cert.der -out cert.pem || t_bail "no certificate"
eapol_conf sam.conf cert.pem k.pem
result() { eapol_run sam.conf; [[ $EAP_RESULT == "$1" ]]; }
entra_user sam object-sam
sam=$(json .id)
send PATCH "/Groups/$students" "$(ops '{"op":"Add","path":"members","value":[{"value":"'"$sam"'"}]}')"
t_ok "a device is in" t_wait 30 result accept
send PATCH "/Users/$sam" "$(ops '{"op":"Replace","path":"active","value":"False"}')"
t_ok "its owner is disabled: it is refused" t_wait 30 result reject || tail -n 20 "$LEAVERS_LOG" | sed 's/^/# /'
send PATCH "/Users/$sam" "$(ops '{"op":"Replace","path":"active","value":"True"}')"
t_ok "enabled: in again with the same certificate" t_wait 30 result accept
send DELETE "/Users/$sam"
t_ok "deleted: refused" t_wait 30 result reject
entra_user sam object-sam
send PATCH "/Groups/$students" "$(ops '{"op":"Add","path":"members","value":[{"value":"'"$(json .id)"'"}]}')"
sam_back() { [[ -z $(redis HGET hold:scim "$(redis HGET login:local sam)") ]]; }
t_ok "provisioned again the person is back" t_wait 20 sam_back
t_not "but the certificate never again" result accept

# --- the audit trail -----------------------------------------------------------------------------

t_stop scim
grep -h '^{' "$log" >audit.jsonl
t_ok "changes are in the audit trail" jq -es 'any(.event == "scim_changed" and .token == "next" and .login == "sam@example.edu" and .what == "deleted")' audit.jsonl
t_ok "and those that were not taken" jq -es 'any(.event == "scim_untaken" and (.detail | test("^413 ")) and .token != "")' audit.jsonl
t_ok "and what was refused" jq -es 'any(.event == "scim_refused" and .detail == "no valid token")' audit.jsonl
t_ok "their fields are documented" "$T_TOP/tests/e2e/docs-events.sh" "$w/audit.jsonl"
set_key scim rate 1
t_start scim
port=$(sed -n 's/.*ready 127.0.0.1:\([0-9]*\).*/\1/p' "$log" | tail -n 1)
curl -sS --max-time 60 --cacert "$ROOT_CERT" -H "Authorization: Bearer $token" -o /dev/null -w '%{http_code}\n' \
	"https://localhost:$port/scim/v2/Users?count=0&i=[1-40]" >codes
t_is "too many requests are refused" "$(sort -u codes | paste -sd ' ')" "200 429"
t_stop scim
printf '{"op":"what"}\n' >>"$data/people"
t_not "damage stops the start" "$SCEPAUTH_BIN/auto_revoke" -c "$SCEPAUTH_CONF" --scim
t_done
