#!lua name=scepauth
--[[
Every change of state of scepauth, called alike by the programs and by a person with redis-cli.
docs/REDIS.md is the reference. Load with `scepctl install` (FUNCTION LOAD REPLACE).

A Function runs with its caller's rights, and Redis does not roll back. So each one reads and checks
everything first, collects its writes in a plan, asks the ACL for every one of them, and only then
writes. Repeating a call completes it. The caller's name is found by asking the ACL, never taken from
an argument.
]]

local SCHEMA = '1'
local VERSION = '0.1.0'

-- Identity sources and hold sources. users.acl.in names the same ones in auto_revoke's rights.
local SOURCES = { 'helpdesk', 'file', 'local', 'ldap', 'ad', 'oidc', 'saml', 'entra', 'google',
	'okta', 'scim', 'hr', 'voucher' }
local IS_SOURCE = {}
for i = 1, #SOURCES do IS_SOURCE[SOURCES[i]] = true end -- no ipairs while a library loads

local KEEP = 3600             -- a used ticket is remembered this long past its expiry, for replays
local TICKET_MAX = 7 * 86400  -- longest life of a ticket
local TICKETS_MAX = 50        -- tickets of a person that have not expired, used or not
local DEVICES_MAX = 250       -- devices per person
local ENROL_TTL, ENROL_STEPS, ENROL_MAX = 86400, 12, 10000
local EVENTS_MAX = '100000'
local HELPDESK_RATE, HELPDESK_RATE_SECONDS = 50, 600 -- people and certificates that one of the helpdesk may put out
local WHY_EVENTS, WHY_SCAN, WHY_CERTS = 8, 200, 30
local GROUPS_MAX = 16          -- groups of a person that are looked at
local SESSION_GRACE = 900       -- a session is remembered this long past its Session-Timeout
local SESSIONS_MAX = 500        -- sessions of a person
local SEEN_TTL = 90 * 86400     -- last accept and reject of a certificate
local SESSION_FIELD = {}
local SESSION_FIELDS = { 'nas', 'nas_id', 'nas_ip', 'nas_port', 'nas_port_id', 'acct', 'mac', 'called', 'login', 'vlan',
	'group', 'policy', 'bind', 'apart' }
for i = 1, #SESSION_FIELDS do SESSION_FIELD[SESSION_FIELDS[i]] = true end
local USER_FIELDS = { 'source', 'login', 'name', 'email', 'groups', 'leave_at', 'leave_set', 'created', 'updated' }
local DEVICE_FIELDS = { 'owner', 'name', 'platform', 'created', 'removed' }
local SESSIONS_PAGE = 50        -- sessions that one call looks at, about
local RECEIPTS_MAX, RECEIPTS_TTL = 50, 30 * 86400 -- of a person
local IS_ACTION = { disconnect = true, move = true }
local RECEIPT_FIELD = {}
local RECEIPT_FIELDS = { 'token', 'serial', 'user', 'login', 'mac', 'nas', 'ends', 'action', 'why', 'result', 'cause', 'detail',
	'tries', 'ms', 'vlan' }
for i = 1, #RECEIPT_FIELDS do RECEIPT_FIELD[RECEIPT_FIELDS[i]] = true end
local EVENT_FIELDS, EVENT_TEXT, EVENT_BYTES, EVENTS_BYTES = 64, 4096, 65536, 4194304 -- of an event, of a value, of an event, of a read

-- Errors and text ------------------------------------------------------------------------------

local function clean(s)
	return (string.gsub(tostring(s), '[%z\1-\31\127]', '?'))
end

local function fail(word, ...)
	error({ fail = clean(word .. ' ' .. string.format(...)) }, 0)
end

-- Of what fail() or Redis threw.
local function error_text(e)
	if type(e) == 'table' and e.fail then return e.fail end
	local s = type(e) == 'table' and e.err or tostring(e)
	-- The words of Redis 7 and of Redis 8.
	if string.find(s, 'The user executing the script', 1, true) or string.find(s, 'ACL failure in script', 1, true) then
		return 'NOPERM your Redis user may not read what this needs'
	end
	-- Codes of Redis itself (OOM, MISCONF, READONLY ...) pass as they are.
	if string.find(s, '^%u+ ') and not string.find(s, '^ERR ') then return clean(s) end
	return clean('INTERNAL ' .. s)
end

local function plain(s, max)
	return #s <= max and not string.find(s, '[%z\1-\31\127]') and not string.find(s, '\194[\128-\159]')
end

-- Notes may have been written by hand: never empty (an empty one would read as "none"), never long,
-- never able to move a terminal's cursor.
local function note(v)
	v = string.sub(clean(v), 1, 180)
	if v == '' then return '0 unknown no reason recorded' end
	return v
end

local function number(v)
	if v and #v <= 15 and string.find(v, '^%d+$') then return tonumber(v) end
	return nil
end

local function text(n)
	return string.format('%.0f', n)
end

-- Serials --------------------------------------------------------------------------------------

local function decimal_to_hex(digits)
	local v = {}
	for i = 1, 16 do v[i] = 0 end
	for i = 1, #digits do
		local carry = string.byte(digits, i) - 48
		for j = 16, 1, -1 do
			carry = carry + v[j] * 10
			v[j] = carry % 256
			carry = (carry - v[j]) / 256
		end
		if carry ~= 0 then return nil end
	end
	for i = 1, 16 do v[i] = string.format('%02x', v[i]) end
	return table.concat(v)
end

-- The same spellings as serial_parse() in core/model/serial.c; one table of cases tests both.
local function serial_of(s)
	local hex, marked, n
	s = string.gsub(string.lower(s), '^[: \t\r\n-]+', '')
	for _, prefix in ipairs({ 'serial number:', 'serial number=', 'serial:', 'serial=' }) do
		if string.sub(s, 1, #prefix) == prefix then
			s = string.sub(s, #prefix + 1)
			break
		end
	end
	s = string.gsub(s, '^[: \t\r\n-]+', '')
	s, marked = string.gsub(s, '^0x', '')
	hex, n = string.gsub(s, '[: \t\r\n-]', '')
	if string.find(hex, '[^0-9a-f]') or string.find(hex, '%z') then return nil end
	if #hex ~= 32 then
		if marked > 0 or #hex < 37 or #hex > 39 or string.find(hex, '%D') then return nil end
		hex = decimal_to_hex(hex)
	end
	if not hex or string.find(hex, '^00') or not string.find(hex, '^[0-7]') then return nil end
	return hex
end

-- Arguments ------------------------------------------------------------------------------------

local function arg_serial(s)
	return serial_of(s) or fail('BADARG', 'not a serial number: %s', string.sub(s, 1, 60))
end

local function arg_hash(s, what)
	if #s ~= 64 or string.find(s, '[^0-9a-f]') then
		fail('BADARG', '%s must be 64 lower-case hex digits', what)
	end
	return s
end

local function arg_id(s, letter, what)
	if #s ~= 33 or string.sub(s, 1, 1) ~= letter or string.find(s, '[^0-9a-f]', 2) then
		fail('BADARG', '%s must be "%s" and 32 lower-case hex digits', what, letter)
	end
	return s
end

local function is_name(s, max)
	return #s >= 1 and #s <= max and string.find(s, '^[A-Za-z0-9][A-Za-z0-9._@-]*$') ~= nil
end

local function arg_name(s, what)
	if not is_name(s, 32) then
		fail('BADARG', '%s must be 1 to 32 of A-Z a-z 0-9 . _ @ - and begin with a letter or digit', what)
	end
	return s
end

local function arg_text(s, max, what, may_be_empty)
	if not plain(s, max) or (s == '' and not may_be_empty) then
		fail('BADARG', '%s must be %d to %d bytes without control characters', what,
			may_be_empty and 0 or 1, max)
	end
	return s
end

local function arg_int(s, min, max, what)
	local n = number(s) or (string.sub(s, 1, 1) == '-' and number(string.sub(s, 2)) and tonumber(s))
	if not n or n < min or n > max then
		fail('BADARG', '%s must be a whole number from %s to %s', what, text(min), text(max))
	end
	return n + 0 -- never "-0"
end

local function arg_reason(s) return arg_text(s, 140, 'reason') end

local function arg_hex_key(s)
	if #s < 2 or #s > 64 or #s % 2 ~= 0 or string.find(s, '[^0-9a-f]') then
		fail('BADARG', 'issuer must be a key identifier in lower-case hex')
	end
	return s
end

local function arg_source(s, what)
	if not IS_SOURCE[s] then
		fail('BADARG', '%s must be one of: %s', what, table.concat(SOURCES, ' '))
	end
	return s
end

local function arg_login(s)
	s = string.lower(s)
	if not plain(s, 128) or s == '' or string.find(s, '[%s:,]') then
		fail('BADARG', 'login must be 1 to 128 bytes without blanks, colons or commas')
	end
	return s
end

local function arg_groups(s)
	local n = 0
	if s == '' then return s end
	for g in string.gmatch(s .. ',', '([^,]*),') do
		n = n + 1
		arg_name(g, 'group')
	end
	if n > 16 then fail('BADARG', 'more than 16 groups') end
	return s
end

-- Reading --------------------------------------------------------------------------------------

-- While one call tells of many things: what holds for all of them, found out once. Else nil.
local memo

local function now()
	if memo and memo.now then return memo.now end
	local t = tonumber(redis.call('TIME')[1])
	if memo then memo.now = t end
	return t
end

local function pairs_to_table(flat)
	local t = {}
	for i = 1, #flat, 2 do t[flat[i]] = flat[i + 1] end
	return t
end

-- A hash as a table, or nil when the key is not there.
local function hash(key)
	local flat = redis.call('HGETALL', key)
	if #flat == 0 then return nil end
	return pairs_to_table(flat)
end

-- What the store says of itself (docs/REDIS.md, "Is it whole?"). `set_up`: all of it is there and in form;
-- `ready`: and nobody has found anything missing since.
local function meta()
	local v = redis.call('HMGET', 'meta', 'schema', 'store', 'epoch', 'head', 'head_hash', 'beat', 'state', 'policy',
		'policy_last', 'policy_before', 'shadow', 'shadow_was')
	local m = { schema = v[1] or '', store = v[2] or '', epoch = number(v[3]) or 0, head = number(v[4]),
		head_hash = v[5] or '', beat = number(v[6]), state = v[7] or '',
		policy = number(v[8]) or 0, policy_last = number(v[9]) or 0, policy_before = number(v[10]) or 0,
		shadow = number(v[11]) or 0, shadow_was = number(v[12]) or 0 }
	m.set_up = m.schema == SCHEMA and #m.store == 32 and m.epoch > 0 and m.head and #m.head_hash == 64 and
		m.beat and m.state ~= ''
	m.ready = m.set_up and m.state == 'ready'
	return m
end

local function need_ready()
	local m = memo and memo.meta or meta()
	if not m.set_up then
		fail('NOTREADY', 'the store is not set up or was emptied (see scepctl install and docs/REDIS.md)')
	end
	if memo then memo.meta = m end
	return m
end

-- What makes new things waits until the store is known to be whole; what puts somebody out does not.
local function need_whole()
	if not need_ready().ready then
		fail('SUSPECT', 'the store has lost something: stop scep_ca, run scepctl reconcile or rebuild --merge and start it again')
	end
end

local function revoked_note(field)
	local v = redis.call('HGET', 'revoked', field)
	return v and note(v) or ''
end

local function is_revoked(field)
	return redis.call('HEXISTS', 'revoked', field) == 1
end

-- Sources that hold anybody.
local function holding()
	if memo and memo.holding then return memo.holding end
	local list = {}
	for _, s in ipairs(SOURCES) do
		if redis.call('EXISTS', 'hold:' .. s) == 1 then list[#list + 1] = s end
	end
	memo.holding = list
	return list
end

local function holds_of(id)
	local list = {}
	for _, s in ipairs(memo and holding() or SOURCES) do
		local v = redis.call('HGET', 'hold:' .. s, id)
		if v then list[#list + 1] = { source = s, text = s .. ': ' .. note(v) } end
	end
	return list
end

-- A leave date that cannot be read counts as passed.
local function leave_at(u)
	if not u.leave_at or u.leave_at == '' then return 0 end
	return number(u.leave_at) or 1
end

-- Why this person may get nothing now, or nil.
local function person_bad(id, t)
	local u = hash('user:' .. id)
	if not u then return 'the person is not known' end
	local h = holds_of(id)[1]
	if h then return 'the person is held by ' .. h.text end
	local l = leave_at(u)
	if l > 0 and l <= t then return 'the person has left' end
	return nil, u
end

local function user_row(id, u)
	return { id, u.source or '', u.login or '', u.name or '', u.email or '', u.groups or '',
		text(leave_at(u)) }
end

local function cert_row(serial, c)
	return { serial, c.issuer or '', c.user or '', c.device or '', c.profile or '',
		text(number(c.not_before) or 0), text(number(c.not_after) or 0), c.state or '',
		c.spki or '', c.ticket or '', revoked_note(serial) }
end

local GROUP_FIELDS = { 'priority', 'issuers', 'vlan', 'filter_id', 'session_timeout', 'device_limit',
	'ssids', 'nas', 'hours', 'zone', 'user_name', 'mac', 'two_macs', 'quarantine_vlan', 'known_good' }

local function group_row(name)
	local g = redis.call('HMGET', 'group:' .. name, unpack(GROUP_FIELDS))
	if not g[1] then return nil end
	for i = 1, #GROUP_FIELDS do g[i] = g[i] or '' end
	return { name, unpack(g) }
end

-- At most `max` parts: who may write a record directly must not make every reader of it slow.
local function split(list, max)
	local t = {}
	for g in string.gmatch(list or '', '[^,]+') do
		if #t == (max or GROUPS_MAX) then break end
		t[#t + 1] = g
	end
	return t
end

-- One person by id, by login in any source, or by "source:login".
local function find_user(s)
	local source, login = string.match(s, '^([a-z]+):(.+)$')
	if #s == 33 and string.find(s, '^u[0-9a-f]+$') and redis.call('EXISTS', 'user:' .. s) == 1 then
		return s
	end
	if source then
		arg_source(source, 'source')
		return redis.call('HGET', 'login:' .. source, arg_login(login)) or
			fail('NOTFOUND', 'nobody with login %s in source %s', login, source)
	end
	login = arg_login(s)
	local ids, found, where = {}, nil, {}
	for _, src in ipairs(SOURCES) do
		local id = redis.call('HGET', 'login:' .. src, login)
		if id then
			where[#where + 1] = src .. ':' .. login
			if not ids[id] then
				if found then found = false else found = found == nil and id end
				ids[id] = true
			end
		end
	end
	if found == nil then fail('NOTFOUND', 'nobody with login %s', login) end
	if not found then
		fail('AMBIGUOUS', 'several people have this login, say which: %s', table.concat(where, ' '))
	end
	return found
end

-- A person's certificates that end after `from`: serial and record.
local function certs_of(id, from)
	local list = {}
	for _, serial in ipairs(redis.call('ZRANGE', 'ucerts:' .. id, '(' .. text(from), '+inf', 'BYSCORE')) do
		local c = hash('cert:' .. serial)
		if c then list[#list + 1] = { serial = serial, c = c } end
	end
	return list
end

local function is_live(e, t)
	return (number(e.c.not_after) or 0) > t and (e.c.state == 'reserved' or e.c.state == 'active') and not is_revoked(e.serial)
end

-- Tickets that may still be used: not expired, not revoked, no certificate made from them. `certs` must
-- reach back as far as a ticket can live (TICKET_MAX). Also returns how many have not expired, used or not.
local function open_tickets(id, certs, t)
	local used, list = {}, {}
	for _, e in ipairs(certs) do
		if e.c.ticket and e.c.state ~= 'aborted' then used[e.c.ticket] = true end
	end
	local z = redis.call('ZRANGE', 'utickets:' .. id, '(' .. text(t), '+inf', 'BYSCORE', 'WITHSCORES')
	for i = 1, #z, 2 do
		local h, d = string.match(z[i], '^(%x+):(%w+)$')
		if h and not used[h] and not is_revoked(h) then
			list[#list + 1] = { hash = h, device = d, expires = z[i + 1] }
		end
	end
	return list, #z / 2
end

-- Who calls ------------------------------------------------------------------------------------

-- Only one user may write events:<name>; that user is the actor. The installer may write
-- everything and would answer to every name, so it is recognised first.
local function actor()
	if redis.acl_check_cmd('XADD', 'events:installer', '*', 'a', 'b') then
		return { name = 'installer', kind = 'installer' }
	end
	local flat, who = redis.call('HGETALL', 'actors'), nil
	for i = 1, #flat, 2 do
		if redis.acl_check_cmd('XADD', 'events:' .. flat[i], '*', 'a', 'b') then
			if who then fail('DENIED', 'your Redis user answers to more than one name; ask the administrator') end
			who = { name = flat[i], kind = flat[i + 1] }
		end
	end
	return who or fail('DENIED', 'your Redis user is not registered as an actor; ask the administrator')
end

local function need_person_or_program()
	local who = memo and memo.who or actor()
	if memo then memo.who = who end
	if who.kind == 'installer' then
		fail('DENIED', 'the installer only sets up; do this as yourself (scepctl helpdesk add NAME) so that the record says who')
	end
	return who
end

local function need_installer()
	local who = actor()
	if who.kind ~= 'installer' then fail('DENIED', 'only the installer may do this') end
	return who
end

local function hold_source(who, s)
	if not s or s == '' then
		if who.kind ~= 'helpdesk' then fail('BADARG', 'say the source of the hold') end
		return 'helpdesk'
	end
	return arg_source(s, 'source of the hold')
end

-- Writing --------------------------------------------------------------------------------------

local function allowed(cmd)
	-- What this user may do to one session:<token> it may do to all.
	local kind = memo and cmd[1] .. ' ' .. string.match(cmd[2], '^[^:]*')
	if kind and memo[kind] then return end
	if redis.acl_check_cmd(unpack(cmd)) then
		if kind then memo[kind] = true end
	else
		fail('NOPERM', 'your Redis user may not %s %s', cmd[1], string.sub(cmd[2], 1, 80))
	end
end

-- All or nothing: every command is checked before the first is run.
local function run(plan)
	for _, cmd in ipairs(plan) do allowed(cmd) end
	for _, cmd in ipairs(plan) do redis.call(unpack(cmd)) end
end

-- An event that cannot be written never stops what it tells about.
local function event(who, word, ...)
	local r = redis.pcall('XADD', 'events:' .. who.name, 'MAXLEN', '~', EVENTS_MAX, '*',
		'event', word, 'time', text(now()), ...)
	return not (type(r) == 'table' and r.err)
end

-- A writer's events: `n` at most, from one end of the stream (XRANGE or XREVRANGE, `from` and `to` as they
-- want them). Writers may put anything into their own stream. So entries are fetched few at a time, one that
-- is too long is cut, and a read ends early rather than keep everybody waiting.
local function stream(cmd, name, from, to, n, budget)
	local list, bytes, step = {}, 0, 1
	while #list < n and bytes < budget do
		local want = math.min(step, n - #list)
		local r = redis.pcall(cmd, 'events:' .. name, from, to, 'COUNT', want)
		if r.err then break end -- one writer who spoils the own stream must not silence the others
		local before = bytes
		for _, e in ipairs(r) do
			local f, cut, size = e[2], {}, 0
			for i = 1, #f do
				bytes = bytes + #f[i]
				if i <= EVENT_FIELDS then
					local v = #f[i] > EVENT_TEXT and string.sub(f[i], 1, EVENT_TEXT) .. ' (cut)' or f[i]
					size = size + #v
					cut[i] = size <= EVENT_BYTES and v or ''
				end
			end
			list[#list + 1] = { e[1], cut }
			from = '(' .. e[1]
		end
		if #r < want then break end
		step = bytes - before < 65536 and step * 4 or 1
	end
	return list
end

local function told(ok)
	return ok and '' or ' (the event could NOT be recorded)'
end

local function stamp(who, reason)
	return text(now()) .. ' ' .. who.name .. ' ' .. reason
end

local function plan_revoke(plan, field, value)
	plan[#plan + 1] = { 'HSETNX', 'revoked', field, value }
end

-- Events about a person carry id, login and identity source, so that readers need no look-up.
local function person_event(who, word, id, u, ...)
	return event(who, word, 'user', id, 'login', u and u.login or '', 'identity', u and u.source or '', ...)
end

local function cert_event(who, word, serial, c, ...)
	return person_event(who, word, c.user or '', c.user and hash('user:' .. c.user), 'device', c.device or '',
		'profile', c.profile or '', 'serial', serial, 'issuer', c.issuer or '', ...)
end

-- Installer ------------------------------------------------------------------------------------

local function arg_store(s)
	if #s ~= 32 or string.find(s, '[^0-9a-f]') then fail('BADARG', 'store must be 32 lower-case hex digits') end
	return s
end

-- The heads that somebody may have seen, as fields of `meta`: whoever saw one can tell later whether this is still the
-- history that he saw, or another one of that length. One is kept until a record that is SLOTS later takes its place.
local heads = { NONE = '0000000000000000000000000000000000000000000000000000000000000000' }
do
	local SLOTS = 4096

	local function slot(head)
		return 'at:' .. text(head % SLOTS)
	end

	-- `since`: from here on all of this epoch are kept.
	function heads.keep(plan, epoch, head, digest)
		local v, e = redis.call('HMGET', 'meta', slot(head), 'since'), text(epoch) .. ' '
		local entry = e .. text(head) .. ' ' .. digest
		if v[1] ~= entry then plan[#plan + 1] = { 'HSET', 'meta', slot(head), entry } end
		if string.sub(v[2] or '', 1, #e) ~= e then plan[#plan + 1] = { 'HSET', 'meta', 'since', e .. text(head) } end
	end

	-- Was this head of this epoch another record, or none at all?
	function heads.is_other(m, head, digest)
		local v = redis.call('HMGET', 'meta', slot(head), 'since')
		local e, h, d = string.match(v[1] or '', '^(%d+) (%d+) (%x+)$')
		if e == text(m.epoch) and number(h) >= head then return number(h) == head and d ~= digest end
		local since, from = string.match(v[2] or '', '^(%d+) (%d+)$')
		return since == text(m.epoch) and number(from) <= head and head <= m.head
	end
end

-- A store that has an id keeps it, and its epoch: only `renew` raises that.
local function setup(a)
	local who, m = need_installer(), meta()
	if m.schema ~= '' and m.schema ~= SCHEMA then
		fail('STATE', 'the store has schema %s, this library knows %s', m.schema, SCHEMA)
	end
	if m.store == '' and m.epoch == 0 and not m.head then
		if not a[1] then fail('BADARG', 'a fresh store needs an id: 32 random hex digits') end
		run({ { 'HSET', 'meta', 'schema', SCHEMA, 'store', arg_store(a[1]), 'epoch', '1', 'head', '0',
			'head_hash', heads.NONE, 'beat', '0', 'state', 'ready', 'created', text(now()) } })
		event(who, 'store_created', 'store', a[1], 'epoch', '1')
		m = meta()
	elseif not m.set_up then
		-- Half of it was lost: what else was, nobody knows. A head says nothing of a store of another name.
		local whole = #m.store == 32 and m.head and #m.head_hash == 64
		run({ { 'HSET', 'meta', 'schema', SCHEMA, 'store', #m.store == 32 and m.store or arg_store(a[1]),
			'epoch', text(math.max(m.epoch, 1)), 'head', text(whole and m.head or 0),
			'head_hash', whole and m.head_hash or heads.NONE, 'beat', text(m.beat or 0), 'state', 'suspect' } })
		m = meta()
		event(who, 'store_suspect', 'store', m.store, 'epoch', text(m.epoch), 'head', text(m.head),
			'reason', 'a part of meta was lost')
	end
	return { SCHEMA, m.store, text(m.epoch) }
end

local function meta_row(m)
	return { m.store, text(m.epoch), text(m.head or 0), m.head_hash, text(m.beat or 0), m.state }
end

local function status()
	local m = meta()
	return { m.set_up and 1 or 0, m.ready and 1 or 0, meta_row(m), VERSION }
end

-- Is it whole? ---------------------------------------------------------------------------------

-- The ca role, every second: says how far its journal is, and hears whether this is the store that it knows.
-- `least` is the head that this store has acknowledged before. Nothing is written unless all fits.
local function beat(a)
	local who, m = need_person_or_program(), meta()
	local store, epoch = arg_store(a[1]), arg_int(a[2], 1, 1e14, 'epoch')
	local head, digest = arg_int(a[3], 1, 1e14, 'head'), arg_hash(a[4], 'head_hash')
	local least, said = arg_int(a[5], 0, head, 'least'), 'ok'
	if not m.set_up then said = 'lost'
	elseif m.store ~= store then said = 'foreign'
	elseif m.epoch ~= epoch then said = m.epoch < epoch and 'old_epoch' or 'new_epoch'
	elseif m.head > head or (m.head == head and m.head_hash ~= digest) then said = 'beyond'
	elseif m.head < least then said = 'behind'
	elseif not m.ready then said = 'suspect'
	end
	if said == 'ok' then
		local plan = { { 'HSET', 'meta', 'head', text(head), 'head_hash', digest, 'beat', text(now()) } }
		heads.keep(plan, epoch, head, digest)
		run(plan)
	end
	return { said, meta_row(m) }
end

local function suspect(a)
	local who, m, reason = need_person_or_program(), need_ready(), arg_reason(a[1])
	if not m.ready then return { ok = 'suspect' } end
	run({ { 'HSET', 'meta', 'state', 'suspect' } })
	event(who, 'store_suspect', 'store', m.store, 'epoch', text(m.epoch), 'head', text(m.head), 'reason', reason)
	return { ok = 'suspect' }
end

-- A new epoch, by scepctl rebuild and reconcile: what was accepted of earlier ones holds no longer.
local function renew(a)
	local who, m = actor(), meta()
	local store, epoch = arg_store(a[1]), arg_int(a[2], 1, 1e14, 'epoch')
	local head, digest, state = arg_int(a[3], 0, 1e14, 'head'), arg_hash(a[4], 'head_hash'), a[5]
	if state ~= 'ready' and state ~= 'suspect' then fail('BADARG', 'state must be ready or suspect') end
	if m.schema ~= '' and m.schema ~= SCHEMA then
		fail('STATE', 'the store has schema %s, this library knows %s', m.schema, SCHEMA)
	end
	if m.store == store and epoch < m.epoch then
		fail('STATE', 'the store has epoch %s: an epoch never goes back', text(m.epoch))
	end
	local plan = { { 'HSET', 'meta', 'schema', SCHEMA, 'store', store, 'epoch', text(epoch), 'head', text(head),
		'head_hash', digest, 'beat', text(m.beat or 0), 'state', state } }
	heads.keep(plan, epoch, head, digest)
	run(plan)
	event(who, 'store_renewed', 'store', store, 'epoch', text(epoch), 'head', text(head), 'state', state)
	return { ok = 'OK' }
end

-- Actors ---------------------------------------------------------------------------------------

local function actor_put(a)
	local who = need_installer()
	need_ready()
	local name, kind = arg_name(a[1], 'actor'), a[2]
	if kind ~= 'program' and kind ~= 'helpdesk' then fail('BADARG', 'kind must be program or helpdesk') end
	local old = redis.call('HGET', 'actors', name)
	if name == 'installer' or old == kind then return { ok = 'OK' } end
	if old then fail('EXISTS', '%s is registered as a %s', name, old) end
	run({ { 'HSET', 'actors', name, kind } })
	event(who, 'actor_added', 'name', name, 'kind', kind)
	return { ok = 'OK' }
end

local GROUP_CHECK = {
	priority = function(v) arg_int(v, -1000, 1000, 'priority') end,
	issuers = function(v)
		local list = split(v, 9)
		if #list > 8 then fail('BADARG', 'more than 8 issuers') end
		for _, i in ipairs(list) do arg_hex_key(i) end
	end,
	vlan = function(v) arg_text(v, 32, 'vlan', true) end,
	filter_id = function(v) arg_text(v, 64, 'filter_id', true) end,
	session_timeout = function(v) arg_int(v, 60, 30 * 86400, 'session_timeout') end,
	device_limit = function(v) arg_int(v, 1, 1000, 'device_limit') end,
	ssids = function(v) arg_text(v, 256, 'ssids', true) end,
	nas = function(v) arg_text(v, 256, 'nas', true) end,
	hours = function(v) arg_text(v, 256, 'hours', true) end,
	zone = function(v) arg_text(v, 64, 'zone', true) end,
	user_name = function(v)
		if v ~= '' and v ~= 'match' then fail('BADARG', 'user_name must be match or empty') end
	end,
	mac = function(v)
		if v ~= '' and v ~= 'bind' then fail('BADARG', 'mac must be bind or empty') end
	end,
	two_macs = function(v)
		if v ~= '' and v ~= 'refuse' and v ~= 'quarantine' then fail('BADARG', 'two_macs must be refuse, quarantine or empty') end
	end,
	quarantine_vlan = function(v) arg_text(v, 32, 'quarantine_vlan', true) end,
	known_good = function(v) arg_int(v, 0, 604800, 'known_good') end,
}

-- Name and fields of a group, of arguments that are checked here.
local function read_group(a)
	local name = arg_name(a[1], 'group')
	local g = { priority = '0', issuers = '', vlan = '', filter_id = '', session_timeout = '28800',
		device_limit = '5', ssids = '', nas = '', hours = '', zone = '', user_name = '', mac = '', two_macs = '', quarantine_vlan = '', known_good = '0' }
	if #a % 2 ~= 1 then fail('BADARG', 'fields come as name and value') end
	for i = 2, #a, 2 do
		if not GROUP_CHECK[a[i]] then fail('BADARG', 'unknown field %s', string.sub(a[i], 1, 32)) end
		GROUP_CHECK[a[i]](a[i + 1])
		g[a[i]] = a[i + 1]
	end
	if g.two_macs == 'quarantine' and g.quarantine_vlan == '' then fail('BADARG', 'two_macs quarantine needs a quarantine_vlan') end
	return name, g
end

-- A change of one group in force is a version of its own, which is not kept.
local function next_policy(m)
	local n = text(math.max(m.policy, m.policy_last) + 1)
	local cmd = { 'HSET', 'meta', 'policy', n, 'policy_last', n }
	if redis.call('EXISTS', 'policy:' .. text(m.policy)) == 1 then cmd[7], cmd[8] = 'policy_before', text(m.policy) end
	return cmd
end

local function group_put(a)
	local who, m = need_installer(), need_ready()
	local name, g = read_group(a)
	local old, cmd, same = group_row(name), { 'HSET', 'group:' .. name }, true
	for i, f in ipairs(GROUP_FIELDS) do
		cmd[#cmd + 1] = f
		cmd[#cmd + 1] = g[f]
		same = same and old and old[i + 1] == g[f]
	end
	if same then return { ok = 'OK' } end
	run({ cmd, { 'SADD', 'groups', name }, next_policy(m) })
	event(who, 'group_changed', 'group', name, 'priority', g.priority, 'issuers', g.issuers, 'vlan', g.vlan)
	return { ok = 'OK' }
end

local function group_del(a)
	local who, m = need_installer(), need_ready()
	local name = arg_name(a[1], 'group')
	local there = redis.call('EXISTS', 'group:' .. name)
	local plan = { { 'SREM', 'groups', name }, { 'DEL', 'group:' .. name } }
	if there == 1 then plan[3] = next_policy(m) end
	run(plan)
	if there == 1 then event(who, 'group_removed', 'group', name) end
	return there
end

local function groups()
	need_ready()
	local names, rows = redis.call('SMEMBERS', 'groups'), {}
	table.sort(names)
	for _, n in ipairs(names) do rows[#rows + 1] = group_row(n) end
	return rows
end

-- Versions of the group map -------------------------------------------------------------------------
-- policy:<n> holds all groups of one version, until it is sealed as a draft that nobody can activate.
local staged = { SHADOW_TTL = 30 * 86400 }
do
	local KEEP_VERSIONS = 50

	local function version(s)
		local n = arg_int(s, 1, 1e14, 'version')
		return n, 'policy:' .. text(n)
	end

	local function encode(g)
		local t = {}
		for i, f in ipairs(GROUP_FIELDS) do t[i] = g[f] end
		return cjson.encode(t)
	end

	-- Checked anew each time it is read: what stands in Redis may have been written by hand.
	local function decode(name, v)
		local ok, t = pcall(cjson.decode, v)
		if not ok or type(t) ~= 'table' or #t < 11 or #t > #GROUP_FIELDS then fail('STATE', 'group %s of this version is damaged', name) end
		arg_name(name, 'group')
		for i, f in ipairs(GROUP_FIELDS) do
			t[i] = t[i] or (f == 'known_good' and '0' or '') -- a version from before there was this field
			if type(t[i]) ~= 'string' then fail('STATE', 'group %s of this version is damaged', name) end
			GROUP_CHECK[f](t[i])
		end
		return t
	end

	-- The groups of a sealed version by name.
	local function read(n, key)
		local h = hash(key) or fail('NOTFOUND', 'no version %s of the group map is kept', text(n))
		local list, count = {}, 0
		for f, v in pairs(h) do
			local name = string.match(f, '^g:(.+)$')
			if name then list[name], count = decode(name, v), count + 1 end
		end
		if number(h.sealed or '') ~= count or count == 0 then fail('STATE', 'version %s was not loaded completely', text(n)) end
		return list
	end

	local function shadow_off(plan, m)
		plan[#plan + 1] = { 'HSET', 'meta', 'shadow', '0', 'shadow_was', text(m.shadow) }
	end

	function staged.new(a)
		local who, m, note = need_installer(), need_ready(), arg_text(a[1], 140, 'note', true)
		local n = math.max(m.policy, m.policy_last) + 1
		local plan = { { 'HSET', 'meta', 'policy_last', text(n) },
			{ 'HSET', 'policy:' .. text(n), 'time', text(now()), 'by', who.name, 'note', note } }
		-- Changes of single groups count too, so the version of just so many numbers ago may be none.
		local gone = { 'DEL' }
		for old = n - KEEP_VERSIONS, math.max(1, n - 4 * KEEP_VERSIONS), -1 do
			if old ~= m.policy and old ~= m.policy_before then gone[#gone + 1] = 'policy:' .. text(old) end
			if old == m.shadow then shadow_off(plan, m) end
		end
		if #gone > 1 then plan[#plan + 1] = gone end
		run(plan)
		return n
	end

	function staged.group(a)
		need_installer()
		need_ready()
		local n, key = version(a[1])
		local h = hash(key) or fail('NOTFOUND', 'no version %s of the group map is kept', text(n))
		if h.sealed then fail('STATE', 'version %s is complete and does not change any more', text(n)) end
		local name, g = read_group({ unpack(a, 2) })
		run({ { 'HSET', key, 'g:' .. name, encode(g) } })
		return { ok = 'OK' }
	end

	function staged.seal(a)
		local who = need_installer()
		need_ready()
		local n, key = version(a[1])
		local h, count = hash(key) or fail('NOTFOUND', 'no version %s of the group map is kept', text(n)), 0
		for f in pairs(h) do if string.find(f, '^g:') then count = count + 1 end end
		if count ~= arg_int(a[2], 1, 256, 'number of groups') then
			fail('STATE', 'version %s has %d groups', text(n), count)
		end
		if h.sealed then return { ok = 'OK' } end
		run({ { 'HSET', key, 'sealed', text(count) } })
		event(who, 'policy_loaded', 'policy', text(n), 'groups', text(count), 'note', h.note or '')
		return { ok = 'OK' }
	end

	-- All of it at once: a connection is judged by the one version or by the other.
	local function activate(who, m, n, key)
		local new, plan, names = read(n, key), {}, redis.call('SMEMBERS', 'groups')
		if n == m.policy then return { ok = 'OK' } end
		-- What is in force may never have been loaded as a version; there must be a way back to it.
		local now_key = 'policy:' .. text(m.policy)
		if m.policy > 0 and redis.call('EXISTS', now_key) == 0 and #names > 0 then
			local keep, count = { 'HSET', now_key, 'time', text(now()), 'by', who.name, 'note', 'in force before ' .. text(n) }, 0
			for _, name in ipairs(names) do
				local row, g = group_row(name), {}
				if row then
					for i, f in ipairs(GROUP_FIELDS) do g[f] = row[i + 1] end
					keep[#keep + 1], keep[#keep + 2], count = 'g:' .. name, encode(g), count + 1
				end
			end
			keep[#keep + 1], keep[#keep + 2] = 'sealed', text(count)
			plan[1] = keep
		end
		for name, t in pairs(new) do
			local cmd = { 'HSET', 'group:' .. name }
			for i, f in ipairs(GROUP_FIELDS) do
				cmd[#cmd + 1] = f
				cmd[#cmd + 1] = t[i]
			end
			plan[#plan + 1] = cmd
			plan[#plan + 1] = { 'SADD', 'groups', name }
		end
		for _, name in ipairs(names) do
			if not new[name] then
				plan[#plan + 1] = { 'SREM', 'groups', name }
				plan[#plan + 1] = { 'DEL', 'group:' .. name }
			end
		end
		plan[#plan + 1] = { 'HSET', 'meta', 'policy', text(n), 'policy_before', text(m.policy),
			'policy_last', text(math.max(m.policy, m.policy_last)) }
		if n == m.shadow then shadow_off(plan, m) end
		run(plan)
		event(who, 'policy_activated', 'policy', text(n), 'before', text(m.policy))
		return { ok = 'OK' }
	end

	function staged.activate(a)
		local who, m = need_installer(), need_ready()
		return activate(who, m, version(a[1]))
	end

	function staged.rollback()
		local who, m = need_installer(), need_ready()
		if m.policy_before == 0 then fail('NOTFOUND', 'no version was in force before this one') end
		activate(who, m, version(text(m.policy_before)))
		return m.policy_before
	end

	-- Newest first: version, time, who, groups (0: not complete), note; around them which is in force, which was, which is in shadow.
	function staged.versions()
		local m, list = need_ready(), {}
		local last = math.max(m.policy, m.policy_last)
		for n = last, math.max(1, last - KEEP_VERSIONS), -1 do
			local v = redis.call('HMGET', 'policy:' .. text(n), 'time', 'by', 'sealed', 'note')
			if v[1] then list[#list + 1] = { text(n), text(number(v[1]) or 0), v[2] or '', text(number(v[3] or '') or 0), v[4] or '' } end
		end
		return { text(m.policy), text(m.policy_before), list, text(staged.in_shadow(m)) }
	end

	function staged.show(a)
		need_ready()
		local names, rows = {}, {}
		local list = read(version(a[1]))
		for name in pairs(list) do names[#names + 1] = name end
		table.sort(names)
		for _, name in ipairs(names) do rows[#rows + 1] = { name, unpack(list[name]) } end
		return rows
	end
	-- A version in shadow: connections are judged by it too, by who decides them, and nothing but a report comes of it.
	function staged.in_shadow(m)
		local n = m.shadow
		return n > 0 and n ~= m.policy and redis.call('EXISTS', 'policy:' .. text(n)) == 1 and n or 0
	end

	-- One group of it, or nil.
	function staged.one(n, name)
		local v = redis.call('HMGET', 'policy:' .. text(n), 'sealed', 'g:' .. name)
		if not v[1] then fail('STATE', 'version %s was not loaded completely', text(n)) end
		return v[2] and { name, unpack(decode(name, v[2])) } or nil
	end

	-- 0: none. What is said of a version ends a month after its last word; from the beginning each time it is set.
	function staged.shadow(a)
		local who, m, plan = need_installer(), need_ready(), {}
		local n = arg_int(a[1], 0, 1e14, 'version')
		local before = staged.in_shadow(m)
		if n == before then return { ok = 'OK' } end
		if n == 0 then
			shadow_off(plan, m)
		else
			local key = 'shadow:' .. text(n)
			if n == m.policy then fail('STATE', 'version %s is in force', text(n)) end
			read(version(a[1]))
			plan = { { 'HSET', 'meta', 'shadow', text(n), 'shadow_was', text(m.shadow) }, { 'DEL', key },
				{ 'HSET', key, 'since', text(now()) }, { 'EXPIRE', key, text(staged.SHADOW_TTL) } }
		end
		run(plan)
		event(who, 'policy_shadow', 'policy', text(n), 'before', text(before))
		return { ok = 'OK' }
	end
end

-- Putting back from the journal
 ---------------------------------------------------------------------
-- A campus has a hundred thousand of these rows, and all of them come at once: hence few commands, and checks
-- that are no more than needed to keep the form of keys.

-- Lua has room for 200 local names of one level; what only this part needs is a level below.
local from_journal = {}
do

local STATE_RANK = { reserved = 1, active = 2, aborted = 3 }
local CLAIM_STATE = { reserved = 'bound', active = 'spent', aborted = 'dead' }
local CERT_SAME = { 'issuer', 'user', 'device', 'profile', 'not_before', 'not_after', 'spki', 'ticket' }

-- What one call of `rebuild` has asked at once for all its rows; nothing, when a row is put back alone.
local NOTHING = { absent = {}, owned = {} }
local asked = NOTHING

local function row_hash(key)
	if asked.absent[key] then return nil end
	return hash(key)
end

local function has_owner(spki)
	local known = asked.owned[spki]
	if known == nil then known = redis.call('HEXISTS', 'keyowners', spki) == 1 end
	return known
end

local function row_id(s, what)
	if #s > 64 or not string.find(s, '^[!-~]+$') then fail('BADARG', 'not the id of a %s', what) end
	return s
end

local function row_json(s)
	local ok, t = pcall(cjson.decode, s)
	return ok and type(t) == 'table' and t or fail('BADARG', 'a record is no JSON')
end

-- The known fields of a record, as a table, and as a command that writes them.
local function row_record(s, fields, key)
	local t, cmd = row_json(s), { 'HSET', key }
	for _, f in ipairs(fields) do
		if t[f] ~= nil then
			if type(t[f]) ~= 'string' then fail('BADARG', 'field %s is no text', f) end
			cmd[#cmd + 1] = f
			cmd[#cmd + 1] = t[f]
		end
	end
	return #cmd > 2 and t or fail('BADARG', 'a record without fields'), cmd
end

local function rebuild_revoked(plan, f)
	if not is_revoked(row_id(f[1], 'revocation')) then plan_revoke(plan, f[1], note(f[2])) end
end

local function rebuild_hold(plan, f)
	local key, user = 'hold:' .. arg_source(f[1], 'source of a hold'), row_id(f[2], 'person')
	if redis.call('HEXISTS', key, user) == 0 then plan[1] = { 'HSETNX', key, user, note(f[3]) } end
end

-- The newer record stands, whole, but for the leaving date: who touches a record that has none, as a login page does
-- on an older state, lifts nothing. So that stands which was set or lifted later, and where nothing tells (records of
-- before that was noted), whichever has a date.
local function kept_leave(old, new, is_newer)
	local a, b = number(old.leave_set or '') or 0, number(new.leave_set or '') or 0
	local from = is_newer and new or old
	if a ~= b then from = a > b and old or new
	elseif leave_at(from) == 0 then from = from == new and old or new end
	return from.leave_at or '0', from.leave_set or '0'
end

-- A login that leads to somebody else was made after the loss: whoever is revoked by that login would keep the
-- certificates of before, so nothing goes on then.
local function rebuild_person(plan, f)
	local user = row_id(f[1], 'person')
	local new, cmd = row_record(f[2], USER_FIELDS, 'user:' .. user)
	local old = row_hash(cmd[2]) or {}
	local is_newer = not old.login or (number(old.updated or '') or 0) < (number(new.updated or '') or 0)
	local leave, set = kept_leave(old, new, is_newer)
	if is_newer then plan[1] = cmd end
	if leave_at((is_newer and new.leave_at) and new or old) ~= leave_at({ leave_at = leave }) then
		plan[#plan + 1] = { 'HSET', cmd[2], 'leave_at', leave, 'leave_set', set }
	end
	for _, name in ipairs(row_json(f[3])) do
		local source, login = string.match(tostring(name), '^([a-z]+):(.+)$')
		local key = 'login:' .. arg_source(source or '', 'identity source')
		local id = redis.call('HGET', key, login)
		if id and id ~= user then
			fail('EXISTS', 'login %s leads to %s here and to %s in the journal: somebody logged in since the data were lost',
				name, id, user)
		end
		if not id then plan[#plan + 1] = { 'HSETNX', key, login, user } end
	end
end

-- What is there stays; above all a device that was removed.
local function rebuild_device(plan, f)
	local device = row_id(f[1], 'device')
	local new, cmd = row_record(f[2], DEVICE_FIELDS, 'device:' .. device)
	local owner = not asked.absent[cmd[2]] and redis.call('HGET', cmd[2], 'owner')
	local index = 'udevices:' .. row_id(new.owner or '', 'person')
	if owner and owner ~= new.owner then fail('EXISTS', 'device %s belongs to somebody else here', device) end
	if not owner then
		plan[1] = cmd
	else
		local old = hash(cmd[2])
		for i = 3, #cmd, 2 do
			if not old[cmd[i]] then plan[#plan + 1] = { 'HSETNX', cmd[2], cmd[i], cmd[i + 1] } end
		end
	end
	if not owner or not redis.call('ZSCORE', index, device) then
		plan[#plan + 1] = { 'ZADD', index, text(number(new.created or '') or 0), device }
	end
end

-- A used ticket stays used. How long it could have been used the journal does not say: as long as any.
-- Of several certificates of one ticket, the one that was not aborted counts.
local function rebuild_claim(plan, serial, c, t)
	local key, ends = 'claim:' .. c.ticket, c.reserved + TICKET_MAX + KEEP
	if ends <= t then return end
	local state, holder
	if not asked.absent[key] then state, holder = unpack(redis.call('HMGET', key, 'state', 'serial')) end
	if not state then
		plan[#plan + 1] = { 'HSET', key, 'state', CLAIM_STATE[c.state], 'spki', c.spki, 'serial', serial }
		plan[#plan + 1] = { 'EXPIREAT', key, text(ends) }
	elseif holder == serial then
		if state == 'bound' and c.state == 'active' then plan[#plan + 1] = { 'HSET', key, 'state', 'spent' } end
	elseif c.state ~= 'aborted' and redis.call('HGET', 'cert:' .. (holder or ''), 'state') == 'aborted' then
		plan[#plan + 1] = { 'HSET', key, 'state', CLAIM_STATE[c.state], 'spki', c.spki, 'serial', serial }
		plan[#plan + 1] = { 'HDEL', key, 'der' }
	end
end

-- States only move on: reserved, active, aborted.
local function rebuild_cert(plan, f, t)
	local serial = f[1]
	if #serial ~= 32 or not string.find(serial, '^[0-7][0-9a-f]+$') then fail('BADARG', 'not a serial number') end
	local c = { issuer = row_id(f[2], 'issuer'), user = row_id(f[3], 'person'), device = row_id(f[4], 'device'),
		profile = row_id(f[5], 'profile'), not_before = f[6], not_after = f[7], spki = f[8],
		ticket = arg_hash(f[9], 'ticket'), state = f[10], reserved = tonumber(f[11]) }
	local rank = STATE_RANK[c.state] or fail('BADARG', 'unknown state')
	local key, index = 'cert:' .. serial, 'ucerts:' .. c.user
	if not (number(f[6]) and number(f[7]) and number(f[11]) and number(f[12])) then fail('BADARG', 'not a time') end
	local old = row_hash(key)
	if not old then
		plan[1] = { 'HSET', key, 'issuer', c.issuer, 'user', c.user, 'device', c.device, 'profile', c.profile,
			'not_before', c.not_before, 'not_after', c.not_after, 'state', c.state, 'spki', c.spki,
			'ticket', c.ticket, 'reserved', f[11] }
	else
		for _, k in ipairs(CERT_SAME) do
			if old[k] ~= c[k] then fail('EXISTS', 'certificate %s has another %s here than in the journal', serial, k) end
		end
		if (STATE_RANK[old.state] or 3) < rank then plan[1] = { 'HSET', key, 'state', c.state } end
	end
	if plan[1] and c.state == 'active' then
		plan[1][#plan[1] + 1] = 'committed'
		plan[1][#plan[1] + 1] = f[12]
	end
	if not old or not redis.call('ZSCORE', index, serial) then plan[#plan + 1] = { 'ZADD', index, c.not_after, serial } end
	if c.state ~= 'aborted' and not has_owner(c.spki) then
		plan[#plan + 1] = { 'HSETNX', 'keyowners', c.spki, c.user }
	end
	if c.state == 'aborted' and not is_revoked(serial) then plan_revoke(plan, serial, f[12] .. ' ca aborted') end
	rebuild_claim(plan, serial, c, t)
end

local REBUILD = {
	r = { rebuild_revoked, 2 }, h = { rebuild_hold, 3 }, p = { rebuild_person, 3 },
	d = { rebuild_device, 2 }, c = { rebuild_cert, 12 },
}

-- What can be asked or written of many rows at once is.
local ASK, MANY = 500, 1000 -- keys of a question, words of a command

local function rows_of(list)
	local rows, i = {}, 1
	while list[i] ~= nil do
		local f, kind = { kind = list[i] }, REBUILD[list[i]] or fail('BADARG', 'unknown kind of row')
		for k = 1, kind[2] do
			f[k] = list[i + k]
			if type(f[k]) ~= 'string' then fail('BADARG', 'a row is cut') end
		end
		rows[#rows + 1] = f
		i = i + kind[2] + 1
	end
	return rows
end

-- In a store that was emptied none of the keys is there, and nothing else has to be asked of them.
local function ask(rows)
	local keys, spki = {}, {}
	asked = { absent = {}, owned = {} }
	for i, f in ipairs(rows) do
		if f.kind == 'p' then keys[#keys + 1] = 'user:' .. f[1]
		elseif f.kind == 'd' then keys[#keys + 1] = 'device:' .. f[1]
		elseif f.kind == 'c' then
			keys[#keys + 1], keys[#keys + 2] = 'cert:' .. f[1], 'claim:' .. f[9]
			spki[#spki + 1] = f[8]
		end
		if #keys >= ASK or (i == #rows and #keys > 0) then
			local none = redis.call('EXISTS', unpack(keys)) == 0
			for _, k in ipairs(keys) do asked.absent[k] = none end
			local owners = #spki > 0 and redis.call('HMGET', 'keyowners', unpack(spki)) or {}
			for k, owner in ipairs(owners) do asked.owned[spki[k]] = owner ~= false end
			keys, spki = {}, {}
		end
	end
end

-- Fields of one hash, and members of one set, wait to be written together. The first of a name counts.
local function put(later, cmd)
	local key, set = cmd[2], cmd[1] == 'ZADD'
	local name = set and cmd[4] or cmd[3]
	local l = later[key]
	if not l then
		l = { cmd = { set and 'ZADD' or 'HSET', key }, has = {} }
		later[key] = l
	end
	if l.has[name] then return end
	l.has[name] = true
	l.cmd[#l.cmd + 1] = cmd[3]
	l.cmd[#l.cmd + 1] = cmd[4]
	if #l.cmd >= MANY then
		redis.call(unpack(l.cmd))
		l.cmd = { l.cmd[1], key }
	end
end

local function put_back(rows, later, look)
	ask(rows)
	local done, t = 0, now()
	for _, f in ipairs(rows) do
		local plan = {}
		REBUILD[f.kind][1](plan, f, t)
		if #plan > 0 then done = done + 1 end
		for _, cmd in ipairs(look and {} or plan) do
			asked.absent[cmd[2]] = nil
			if cmd[1] == 'ZADD' or cmd[1] == 'HSETNX' then put(later, cmd) else redis.call(unpack(cmd)) end
		end
	end
	return done
end

-- The rows are an array of texts (msgpack): kind, and as many as this kind has. Each row is whole, and calling
-- again completes them. Works on a store that is not set up, so that nothing is let in before all of it is
-- there. The installer may write everything, so nothing is asked of the ACL.
function from_journal.rebuild(a)
	need_installer()
	local ok, list = pcall(cmsgpack.unpack, a[1])
	if not ok or type(list) ~= 'table' then fail('BADARG', 'the rows cannot be read') end
	local rows, later, done = rows_of(list), {}, nil
	ok, done = pcall(put_back, rows, later, a[2] == 'look')
	-- The rows before one that failed are whole, too.
	for _, l in pairs(later) do
		local r = #l.cmd > 2 and redis.pcall(unpack(l.cmd))
		if ok and type(r) == 'table' and r.err then ok, done = false, r end
	end
	if not ok then error(done, 0) end
	return done
end

-- One row, by the ca, while the store is otherwise the one that its journal knows (`least`: a head that it has
-- acknowledged). Who wrote it is asked of the ACL, and nothing is taken back by it.
local MENDS = { r = 'revocation', h = 'hold', c = 'certificate' }
function from_journal.mend(a)
	asked = NOTHING
	local who, m = need_person_or_program(), meta()
	need_whole()
	if m.store ~= a[1] or m.epoch ~= number(a[2]) or m.head < (number(a[3]) or m.head + 1) then
		fail('STATE', 'this is not the state of the store that the journal knows')
	end
	local what, kind, f, plan = MENDS[a[4]], REBUILD[a[4]], {}, {}
	if not what then fail('BADARG', 'unknown kind of row') end
	if #a ~= 4 + kind[2] then fail('BADARG', 'a row is cut') end
	for i = 1, kind[2] do f[i] = a[4 + i] end
	if a[4] == 'c' and f[10] ~= 'active' then fail('BADARG', 'only what is active is put back') end
	kind[1](plan, f, now())
	-- A ticket that went to another serial: scepctl rebuild's to decide.
	if #plan > 0 and plan[#plan][1] == 'HDEL' then plan[#plan], plan[#plan - 1] = nil, nil end
	if #plan == 0 then return 0 end
	run(plan)
	if a[4] == 'h' then
		person_event(who, 'ledger_mended', f[2], hash('user:' .. f[2]), 'what', what, 'hold', f[1], 'record', note(f[3]))
	else
		cert_event(who, 'ledger_mended', f[1], hash('cert:' .. f[1]) or {}, 'what', what,
			'record', a[4] == 'r' and note(f[2]) or '')
	end
	return 1
end

-- Serials that would let somebody in, of a page of all keys; the journal says whether they may be there.
function from_journal.certs_live(a)
	need_ready()
	if not string.find(a[1], '^%d+$') or #a[1] > 20 then fail('BADARG', 'bad cursor') end
	local t, list, r = now(), {}, redis.call('SCAN', a[1], 'MATCH', 'cert:*', 'COUNT', 1000)
	for _, key in ipairs(r[2]) do
		local c, serial = redis.call('HMGET', key, 'state', 'not_after'), string.sub(key, 6, 70)
		if c[1] == 'active' and (number(c[2] or '') or t + 1) > t and not is_revoked(serial) then list[#list + 1] = serial end
	end
	return { r[1], list }
end

end

-- Is it set up, and how many keys hold more than what `scepctl install` puts there, and events.
local function rebuild_look()
	local keys, names = redis.call('DBSIZE'), redis.call('HKEYS', 'actors')
	local ours = { 'meta', 'actors', 'groups', 'events:installer' }
	for _, n in ipairs(names) do
		ours[#ours + 1] = n ~= 'installer' and 'events:' .. n or nil
		ours[#ours + 1] = 'pos:' .. n
	end
	for _, g in ipairs(redis.call('SMEMBERS', 'groups')) do ours[#ours + 1] = 'group:' .. g end
	for _, k in ipairs(ours) do keys = keys - redis.call('EXISTS', k) end
	return { redis.call('EXISTS', 'meta'), keys }
end

-- Whose keys those certificates have that are there already: a page of all keys of the store.
local function key_owners(a)
	need_installer()
	need_ready()
	if not string.find(a[1], '^%d+$') or #a[1] > 20 then fail('BADARG', 'bad cursor') end
	local plan, r = {}, redis.call('SCAN', a[1], 'MATCH', 'cert:*', 'COUNT', 1000)
	for _, key in ipairs(r[2]) do
		local c = redis.call('HMGET', key, 'spki', 'user', 'state')
		if c[1] and c[2] and c[3] ~= 'aborted' then plan[#plan + 1] = { 'HSETNX', 'keyowners', c[1], c[2] } end
	end
	run(plan)
	return r[1]
end

-- People and devices ---------------------------------------------------------------------------

local function user_put(a)
	local who = need_person_or_program()
	need_ready()
	local source, login = arg_source(a[1], 'identity source'), arg_login(a[2])
	local new = { source = source, login = login, name = arg_text(a[4], 128, 'name', true),
		email = arg_text(a[5], 254, 'email', true), groups = arg_groups(a[6]) }
	local leave = arg_int(a[7], 0, 1e12, 'leave_at')
	arg_id(a[3], 'u', 'user id')
	local id, plan = redis.call('HGET', 'login:' .. source, login), {}
	local old = hash('user:' .. (id or a[3])) or {}
	if not id then
		if old.login and (old.login ~= login or old.source ~= source) then
			fail('EXISTS', 'user id %s belongs to somebody else', a[3])
		end
		id = a[3]
		plan[1] = { 'HSETNX', 'login:' .. source, login, id }
	end
	-- A login page that knows of no leave date must not take back the directory's.
	if leave == 0 and who.name ~= 'auto_revoke' then leave = leave_at(old) end
	new.leave_at = text(leave)
	-- When it was set or lifted last: putting back from the journal goes by it, since others touch the record too.
	local set = leave ~= leave_at(old) and text(now()) or old.leave_set or '0'
	local same = old.login ~= nil
	for k, v in pairs(new) do same = same and old[k] == v end
	if same and #plan == 0 then return id end
	plan[#plan + 1] = { 'HSET', 'user:' .. id, 'source', source, 'login', login, 'name', new.name,
		'email', new.email, 'groups', new.groups, 'leave_at', new.leave_at, 'leave_set', set,
		'created', old.created or text(now()), 'updated', text(now()) }
	run(plan)
	event(who, old.login and 'user_changed' or 'user_added', 'user', id, 'login', login,
		'identity', source, 'groups', new.groups, 'leave_at', new.leave_at)
	return id
end

local function user_reply(id)
	local u = hash('user:' .. id) or fail('NOTFOUND', 'no person %s', id)
	local row, h = user_row(id, u), holds_of(id)[1]
	row[8], row[9] = h and h.text or '', text(number(u.devices) or 0)
	return row
end

local function user_get(a)
	need_ready()
	return user_reply(arg_id(a[1], 'u', 'user id'))
end

local function user_find(a)
	need_ready()
	return user_reply(find_user(a[1]))
end

local function device_put(a)
	local who = need_person_or_program()
	need_ready()
	local id, owner = arg_id(a[1], 'd', 'device id'), arg_id(a[2], 'u', 'owner')
	local name, platform = arg_text(a[3], 128, 'device name'), arg_name(a[4], 'platform')
	local u = hash('user:' .. owner) or fail('NOTFOUND', 'no person %s', owner)
	local old, t = hash('device:' .. id), text(now())
	if old and old.owner ~= owner then fail('DENIED', 'device %s belongs to somebody else', id) end
	if old and old.name == name and old.platform == platform then return { ok = 'OK' } end
	if not old and redis.call('ZCARD', 'udevices:' .. owner) >= DEVICES_MAX then
		fail('STATE', 'the person has %d devices already', DEVICES_MAX)
	end
	local created = old and old.created or t
	run({
		{ 'HSET', 'device:' .. id, 'owner', owner, 'name', name, 'platform', platform, 'created', created },
		{ 'ZADD', 'udevices:' .. owner, created, id },
	})
	person_event(who, old and 'device_changed' or 'device_added', owner, u,
		'device', id, 'name', name, 'platform', platform)
	return { ok = 'OK' }
end

-- The certificate that stands for a device: one that was not aborted before one that was, then the
-- one that was valid last.
local function newest_by_device(certs)
	local best = {}
	for _, e in ipairs(certs) do
		local b = best[e.c.device or '']
		local rank = (e.c.state == 'aborted' and 0 or 1e13) + (number(e.c.not_before) or 0)
		if not b or rank >= b.rank then
			best[e.c.device or ''] = { rank = rank, e = e }
		end
	end
	return best
end

local mine = {} -- what people do with their own devices
do
	-- When this certificate was last let in, when refused; where and by which VLAN the one, why the other.
	local function seen_row(serial)
		local h, last, where, vlan = hash('seen:' .. serial) or {}, -1, '', ''
		local function short(s) return string.sub(clean(s or ''), 1, 100) end
		for i = 0, 7 do
			local f = {}
			for part in string.gmatch((h['v' .. i] or '') .. '\t', '([^\t]*)\t') do f[#f + 1] = part end
			local n = #f == 9 and f[2] == 'accept' and number(f[9]) or -1
			if n > last then last, where, vlan = n, f[4], f[8] end
		end
		return { text(number(h.accept or '') or 0), text(number(h.reject or '') or 0), short(h.reason), short(where), short(vlan) }
	end

	function mine.list(a)
		need_ready()
		local user, t, rows = arg_id(a[1], 'u', 'user'), now(), {}
		local certs, open = certs_of(user, 0), {}
		local best = newest_by_device(certs)
		for _, o in ipairs(open_tickets(user, certs, t)) do
			local b = open[o.device]
			if not b or tonumber(o.expires) > tonumber(b.expires) then open[o.device] = o end
		end
		for _, id in ipairs(redis.call('ZRANGE', 'udevices:' .. user, 0, -1, 'REV')) do
			local d = hash('device:' .. id)
			if d and d.owner == user then
				local b = best[id]
				-- Removed before it ever had a certificate: there is nothing to tell.
				if b or open[id] or not d.removed then
					rows[#rows + 1] = { { id, d.owner, d.name or '', d.platform or '', text(number(d.created) or 0) },
						b and cert_row(b.e.serial, b.e.c) or {}, open[id] and 1 or 0,
						open[id] and open[id].expires or '0', open[id] and open[id].hash or '',
						seen_row(b and b.e.serial or '') }
				end
			end
		end
		return rows
	end

	local function committed(c) return number(c.committed or '') or number(c.not_before or '') or 0 end

	-- The device has one already: which one counts from then on is seen when the new one is used.
	function mine.plan_renewed(plan, serial, c, t)
		local last = 0
		for _, e in ipairs(certs_of(c.user or '', t)) do
			if e.serial ~= serial and e.c.device == c.device and e.c.state == 'active' and is_live(e, t) then
				last = math.max(last, number(e.c.not_after) or 0)
			end
		end
		local mark = { 'ZADD', 'renewed', text(last), serial }
		if last == 0 or not redis.acl_check_cmd(unpack(mark)) then return end -- a list of users from before this
		plan[#plan + 1] = { 'ZREMRANGEBYSCORE', 'renewed', '-inf', text(t) }
		plan[#plan + 1] = mark
	end

	function mine.is_renewed(serial)
		local score = redis.pcall('ZSCORE', 'renewed', serial)
		return score and not (type(score) == 'table' and score.err)
	end

	-- Ends the certificates that a person's devices had before the ones that they use now.
	function mine.supersede(a)
		local who = need_person_or_program()
		need_whole()
		local user, t, plan, gone = arg_id(a[1], 'u', 'user'), now(), {}, {}
		local certs = certs_of(user, t)
		for _, e in ipairs(certs) do
			local made = committed(e.c)
			if e.c.state == 'active' and is_live(e, t) and mine.is_renewed(e.serial)
				and (number(redis.call('HGET', 'seen:' .. e.serial, 'accept') or '') or 0) >= made then
				for _, o in ipairs(certs) do
					local before = committed(o.c) < made or (committed(o.c) == made and not mine.is_renewed(o.serial))
					if o.serial ~= e.serial and o.c.device == e.c.device and before and o.c.state == 'active' and is_live(o, t) and not gone[o.serial] then
						gone[o.serial] = { o, 'superseded: the device uses ' .. e.serial }
						plan_revoke(plan, o.serial, stamp(who, gone[o.serial][2]))
					end
				end
				plan[#plan + 1] = { 'ZREM', 'renewed', e.serial }
			end
		end
		run(plan)
		local n = 0
		for serial, g in pairs(gone) do
			cert_event(who, 'cert_superseded', serial, g[1].c, 'reason', g[2])
			n = n + 1
		end
		return n
	end

	-- Reminders by mail. `remind:<id>`: serial -> the nearest of the days before its end that was told of; `lang`, `no`.
	local REMINDERS_MAX = 40

	-- Does this certificate's end leave the device without one?
	local function is_last(e, certs, t)
		if e.c.state ~= 'active' or not is_live(e, t) then return false end
		for _, o in ipairs(certs) do
			if o.serial ~= e.serial and o.c.device == e.c.device and o.c.state == 'active' and is_live(o, t)
				and (number(o.c.not_after) or 0) > (number(e.c.not_after) or 0) then return false end
		end
		return true
	end

	local function due_of(rows, id, t, till)
		local bad, u = person_bad(id, t)
		if bad or (u.email or '') == '' then return end
		local told = hash('remind:' .. id) or {}
		if told.no then return end
		local certs, n = certs_of(id, t), 0
		for _, e in ipairs(certs) do
			local d = (number(e.c.not_after) or 0) <= till and n < REMINDERS_MAX and is_last(e, certs, t) and hash('device:' .. (e.c.device or ''))
			if d and d.owner == id and not d.removed then
				n = n + 1
				rows[#rows + 1] = { id, u.login or '', u.email, told.lang or '', d.name or '', e.serial, e.c.not_after, text(number(told[e.serial] or '') or 0) }
			end
		end
	end

	function mine.remind_due(a)
		need_ready()
		local from, cursor = string.match(a[1], '^(%d%d?):(%d+)$')
		local i, t, rows = tonumber(from or '0'), now(), {}
		if not SOURCES[i] or #cursor > 20 then fail('BADARG', 'bad cursor') end
		local till = t + arg_int(a[2], 1, 366, 'days') * 86400
		local r = redis.call('HSCAN', 'login:' .. SOURCES[i], cursor, 'COUNT', 100)
		for k = 1, #r[2], 2 do
			local u = redis.call('HMGET', 'user:' .. r[2][k + 1], 'source', 'login')
			if u[1] == SOURCES[i] and u[2] == r[2][k] then due_of(rows, r[2][k + 1], t, till) end
		end
		if r[1] ~= '0' then return { text(i) .. ':' .. r[1], rows } end
		return { SOURCES[i + 1] and text(i + 1) .. ':0' or '0', rows }
	end

	-- Before a mail leaves: whoever claims sends. What was told of for as few days is not told again.
	function mine.remind_claim(a)
		local who = need_person_or_program()
		need_whole()
		local id, limit, t = arg_id(a[1], 'u', 'user'), arg_int(a[2], 1, 1000000, 'limit'), now()
		local key, set, gone = 'remind:' .. id, {}, {}
		local bad, u = person_bad(id, t)
		local told = hash(key) or {}
		if bad or told.no then return 0 end
		if #a % 2 ~= 0 then fail('BADARG', 'serial and days in turn') end
		for i = 3, #a, 2 do
			local serial, days = arg_serial(a[i]), arg_int(a[i + 1], 1, 366, 'days')
			local before = number(told[serial] or '')
			if not before or before > days then set[#set + 1], set[#set + 2] = serial, text(days) end
		end
		if #set == 0 then return 0 end
		local hour = text(math.floor(t / 3600))
		local h = redis.call('HMGET', 'remind:hour', 'hour', 'n')
		local n = h[1] == hour and number(h[2] or '') or 0
		if n >= limit then fail('STATE', '%d mails were sent this hour', n) end
		local keep = {}
		for _, e in ipairs(certs_of(id, t)) do keep[e.serial] = true end
		for f in pairs(told) do
			if #f == 32 and not keep[f] then gone[#gone + 1] = f end
		end
		local plan = { { 'HSET', key, unpack(set) }, { 'HSET', 'remind:hour', 'hour', hour, 'n', text(n + 1) } }
		if #gone > 0 then plan[3] = { 'HDEL', key, unpack(gone, 1, math.min(#gone, 100)) } end
		run(plan)
		person_event(who, 'reminded', id, u, 'serials', set[1], 'certs', text(#set / 2))
		return 1
	end

	-- It certainly did not leave.
	function mine.remind_undo(a)
		need_person_or_program()
		need_ready()
		local cmd = { 'HDEL', 'remind:' .. arg_id(a[1], 'u', 'user') }
		for i = 2, #a do cmd[#cmd + 1] = arg_serial(a[i]) end
		run({ cmd })
		return { ok = 'OK' }
	end

	-- The person's language, and whether they want none.
	function mine.remind_set(a)
		local who, t = need_person_or_program(), now()
		need_ready()
		local id, field, value = arg_id(a[1], 'u', 'user'), a[2], a[3]
		local key, u = 'remind:' .. id, hash('user:' .. id) or fail('NOTFOUND', 'no person %s', id)
		local old = redis.call('HGET', key, field)
		if field == 'lang' then
			if not string.find(value, '^%l[%w-]*$') or #value > 15 then fail('BADARG', 'no language') end
			if old ~= value then run({ { 'HSET', key, 'lang', value } }) end
		elseif field == 'no' and (value == '0' or value == '1') then
			if (old and '1' or '0') == value then return { ok = 'OK' } end
			run({ value == '1' and { 'HSET', key, 'no', text(t) } or { 'HDEL', key, 'no' } })
			person_event(who, value == '1' and 'reminders_off' or 'reminders_on', id, u)
		else
			fail('BADARG', 'no such field')
		end
		return { ok = 'OK' }
	end

	local NAMES_A_DAY = 20 -- each leaves an event, and a record in the CA's journal

	function mine.rename(a)
		local who = need_person_or_program()
		need_ready()
		local user, id, name = arg_id(a[1], 'u', 'user'), arg_id(a[2], 'd', 'device id'), arg_text(a[3], 128, 'device name')
		local d = hash('device:' .. id)
		if not d or d.owner ~= user then fail('NOTFOUND', 'the person has no device %s', id) end
		if d.name == name then return { ok = 'OK' } end
		local day = text(math.floor(now() / 86400))
		local today = d.named_day == day and number(d.named or '') or 0
		if today >= NAMES_A_DAY then fail('STATE', 'the device was renamed %d times today', today) end
		run({ { 'HSET', 'device:' .. id, 'name', name, 'named_day', day, 'named', text(today + 1) } })
		person_event(who, 'device_changed', user, hash('user:' .. user), 'device', id, 'name', name, 'platform', d.platform or '')
		return { ok = 'OK' }
	end
end

-- Revokes what belongs to a person (and to one device when given). Returns the plan's counts.
local function plan_revoke_all(plan, id, device, value, t)
	local certs, serials, tickets = certs_of(id, t - TICKET_MAX), {}, 0
	for _, e in ipairs(certs) do
		if (not device or e.c.device == device) and is_live(e, t) then
			plan_revoke(plan, e.serial, value)
			serials[#serials + 1] = e.serial
		end
	end
	for _, o in ipairs(open_tickets(id, certs, t)) do
		if not device or o.device == device then
			plan_revoke(plan, o.hash, value)
			tickets = tickets + 1
		end
	end
	return serials, tickets
end

local function first(list, n)
	local t = {}
	for i = 1, math.min(#list, n) do t[i] = list[i] end
	return table.concat(t, ',')
end

local function device_revoke(a)
	local who = need_person_or_program()
	need_ready()
	local user, device = arg_id(a[1], 'u', 'user'), arg_id(a[2], 'd', 'device')
	local reason, plan = arg_reason(a[3]), {}
	local d = hash('device:' .. device) or fail('NOTFOUND', 'no device %s', device)
	if d.owner ~= user then fail('DENIED', 'device %s belongs to somebody else', device) end
	local serials, tickets = plan_revoke_all(plan, user, device, stamp(who, reason), now())
	local n, mark = #plan, { 'HSET', 'device:' .. device, 'removed', text(now()) }
	if redis.acl_check_cmd(unpack(mark)) then plan[#plan + 1] = mark end
	run(plan)
	if n > 0 then
		person_event(who, 'device_revoked', user, hash('user:' .. user), 'device', device,
			'serials', first(serials, 64), 'tickets', text(tickets), 'reason', reason)
	end
	return n
end

-- Tickets and certificates ---------------------------------------------------------------------

local function ticket_put(a)
	local who = need_person_or_program()
	need_whole()
	local h, user = arg_hash(a[1], 'challenge hash'), arg_id(a[2], 'u', 'user')
	local device, profile = arg_id(a[3], 'd', 'device'), arg_name(a[4], 'profile')
	if #a[5] < 1 or #a[5] > 2048 then fail('BADARG', 'content must be 1 to 2048 bytes') end
	if #a[6] ~= 32 then fail('BADARG', 'mac must be 32 bytes') end
	local t = now()
	local expires = arg_int(a[7], t + 1, t + TICKET_MAX, 'expires')
	local limit = arg_int(a[8], 1, 1000, 'device_limit')
	local bad, u = person_bad(user, t)
	if bad then fail('DENIED', '%s', bad) end
	if u.devices then limit = math.min(limit, number(u.devices) or 0) end -- of a guest's voucher
	local d = hash('device:' .. device) or fail('NOTFOUND', 'no device %s', device)
	if d.owner ~= user then fail('DENIED', 'device %s belongs to somebody else', device) end
	if redis.call('EXISTS', 'ticket:' .. h) == 1 or redis.call('EXISTS', 'claim:' .. h) == 1 or is_revoked(h) then
		fail('EXISTS', 'this challenge is known already')
	end
	local certs = certs_of(user, t - TICKET_MAX)
	local open, minted = open_tickets(user, certs, t)
	local seen, n = {}, 0
	local function count(id)
		if id ~= device and not seen[id] then
			seen[id] = true
			n = n + 1
		end
	end
	-- A device may have one certificate besides the one that this ticket is for, or renewing would need a gap.
	-- Each further one counts like a device: with codes for one "device" a person could equip a hall.
	local live = {}
	for _, e in ipairs(certs) do
		if is_live(e, t) then
			local id = e.c.device or ''
			count(id)
			if live[id] then n = n + 1 end
			live[id] = true
		end
	end
	for _, o in ipairs(open) do count(o.device) end
	if n >= limit then fail('STATE', 'the limit of %d devices is reached', limit) end
	-- Used and replaced ones count too: each may leave an entry in `revoked` that stays.
	if minted >= TICKETS_MAX then fail('STATE', 'too many tickets in a short time; wait until they expire') end
	local plan = {
		{ 'HSET', 'ticket:' .. h, 'user', user, 'device', device, 'profile', profile, 'content', a[5],
			'mac', a[6], 'issued', text(t), 'expires', text(expires) },
		{ 'EXPIREAT', 'ticket:' .. h, text(expires + KEEP) },
		{ 'ZREMRANGEBYSCORE', 'utickets:' .. user, '-inf', text(t - 86400) },
		{ 'ZADD', 'utickets:' .. user, text(expires), h .. ':' .. device },
	}
	-- A device has one open code: a new one takes an earlier one along.
	for _, o in ipairs(open) do
		if o.device == device then plan_revoke(plan, o.hash, stamp(who, 'replaced by a new code')) end
	end
	run(plan)
	person_event(who, 'ticket_issued', user, u, 'device', device, 'profile', profile, 'ticket', h, 'expires', text(expires))
	return { ok = 'OK' }
end

local function ticket_get(a)
	need_ready()
	local v = redis.call('HMGET', 'ticket:' .. arg_hash(a[1], 'challenge hash'), 'content', 'mac')
	if not v[1] or not v[2] then fail('NOTFOUND', 'no such ticket') end
	return v
end

-- What an earlier use of the ticket means for this one. Returns a reply that ends the call, or nil
-- to bind (again), with the abandoned serial in `plan`.
local function earlier_claim(who, claim, h, serial, spki, c, plan)
	if claim.spki ~= spki then
		-- RFC 8894 section 7.3: a second use of a one-time challenge points to a breach.
		cert_event(who, 'ticket_other_key', claim.serial or '', c, 'ticket', h, 'spki', spki)
		fail('DENIED', 'the ticket is bound to another key')
	end
	local old = hash('cert:' .. (claim.serial or '')) or {}
	if claim.state == 'dead' then fail('DENIED', 'the ticket ended when its certificate was refused') end
	if old.state ~= 'aborted' and is_revoked(claim.serial) then
		fail('DENIED', 'the certificate of this ticket is revoked')
	end
	if old.state == 'active' then return { 'again', claim.serial, claim.der or '' } end
	if old.state == 'reserved' then
		if claim.serial == serial then return { 'new', serial } end
		-- It may have been signed before the crash, so it must never be accepted.
		plan[#plan + 1] = { 'HSET', 'cert:' .. claim.serial, 'state', 'aborted' }
		plan_revoke(plan, claim.serial, stamp(who, 'signing was interrupted'))
	end
	return nil
end

local function ticket_claim(a)
	local who = need_person_or_program()
	need_whole()
	local h, serial = arg_hash(a[1], 'challenge hash'), arg_serial(a[2])
	local c = { issuer = arg_hex_key(a[3]), user = arg_id(a[4], 'u', 'user'),
		device = arg_id(a[5], 'd', 'device'), profile = arg_name(a[6], 'profile'), ticket = h,
		spki = arg_hash(a[9], 'spki') }
	local t, plan = now(), {}
	local not_before = arg_int(a[7], 0, 1e12, 'not_before')
	local not_after = arg_int(a[8], not_before + 1, 1e12, 'not_after')
	if not_after <= t then fail('BADARG', 'not_after has passed') end
	local ticket = hash('ticket:' .. h) or fail('NOTFOUND', 'no such ticket')
	local expires = number(ticket.expires) or 0
	if ticket.user ~= c.user or ticket.device ~= c.device or ticket.profile ~= c.profile then
		fail('DENIED', 'the ticket is for another person, device or profile')
	end
	if is_revoked(h) then fail('DENIED', 'the ticket is revoked') end
	local bad = person_bad(c.user, t)
	if bad then fail('DENIED', '%s', bad) end
	local claim = hash('claim:' .. h)
	local done = claim and earlier_claim(who, claim, h, serial, c.spki, c, plan)
	if done then return done end
	if expires <= t then fail('DENIED', 'the ticket has expired') end
	-- Whoever holds the key could be either of the two.
	local owner = redis.call('HGET', 'keyowners', c.spki)
	if owner and owner ~= c.user then
		cert_event(who, 'key_other_person', serial, c, 'ticket', h, 'spki', c.spki, 'owner', owner)
		fail('STATE', 'the public key is another person\'s')
	end
	if redis.call('EXISTS', 'cert:' .. serial) == 1 or is_revoked(serial) then
		fail('EXISTS', 'serial %s was used before', serial)
	end
	plan[#plan + 1] = { 'HSETNX', 'keyowners', c.spki, c.user }
	plan[#plan + 1] = { 'HSET', 'claim:' .. h, 'state', 'bound', 'spki', c.spki, 'serial', serial }
	plan[#plan + 1] = { 'EXPIREAT', 'claim:' .. h, text(expires + KEEP) }
	plan[#plan + 1] = { 'HSET', 'cert:' .. serial, 'issuer', c.issuer, 'user', c.user, 'device', c.device,
		'profile', c.profile, 'not_before', text(not_before), 'not_after', text(not_after),
		'state', 'reserved', 'spki', c.spki, 'ticket', h, 'reserved', text(t) }
	plan[#plan + 1] = { 'ZADD', 'ucerts:' .. c.user, text(not_after), serial }
	run(plan)
	cert_event(who, 'cert_reserved', serial, c, 'ticket', h, 'spki', c.spki)
	return { 'new', serial }
end

local function do_abort(who, serial, c, claim, reason)
	local plan = {}
	if c then plan[1] = { 'HSET', 'cert:' .. serial, 'state', 'aborted' } end
	plan_revoke(plan, serial, stamp(who, reason))
	if claim then plan[#plan + 1] = { 'HSET', 'claim:' .. c.ticket, 'state', 'dead' } end
	run(plan)
	return cert_event(who, 'cert_aborted', serial, c or {}, 'reason', reason)
end

local function cert_commit(a)
	local who = need_person_or_program()
	need_ready()
	local serial, der, t = arg_serial(a[1]), a[2], now()
	if #der < 64 or #der > 16384 then fail('BADARG', 'certificate must be 64 to 16384 bytes') end
	local c = hash('cert:' .. serial) or fail('NOTFOUND', 'no certificate %s', serial)
	local claim = c.ticket and hash('claim:' .. c.ticket)
	local own = claim and claim.serial == serial
	if c.state == 'aborted' then fail('DENIED', 'certificate %s was aborted', serial) end
	if c.state == 'active' then
		if own and claim.der and claim.der ~= der then fail('STATE', 'certificate %s was committed with other bytes', serial) end
		if is_revoked(serial) then fail('DENIED', 'certificate %s is revoked', serial) end
		return { ok = 'active' }
	end
	if c.state ~= 'reserved' then fail('STATE', 'certificate %s is in no known state', serial) end
	local bad, u = person_bad(c.user or '', t)
	if is_revoked(serial) then bad = 'the serial is revoked' end
	if is_revoked(c.ticket or '') then bad = 'the ticket is revoked' end
	if claim and not own then bad = 'the ticket was bound anew' end
	if (number(c.not_after) or 0) <= t then bad = 'the certificate has expired' end
	if bad then
		do_abort(who, serial, c, own, string.sub('not issued: ' .. bad, 1, 140))
		fail('DENIED', '%s', bad)
	end
	local plan = { { 'HSET', 'cert:' .. serial, 'state', 'active', 'committed', text(t) } }
	if own then plan[2] = { 'HSET', 'claim:' .. c.ticket, 'state', 'spent', 'der', der } end
	mine.plan_renewed(plan, serial, c, t)
	run(plan)
	cert_event(who, 'cert_issued', serial, c, 'not_after', c.not_after, 'groups', u.groups or '')
	return { ok = 'active' }
end

local function cert_abort(a)
	local who = need_person_or_program()
	need_ready()
	local serial, reason = arg_serial(a[1]), arg_reason(a[2])
	local c = hash('cert:' .. serial)
	if c and c.state == 'active' then fail('STATE', 'certificate %s is active; revoke it', serial) end
	local revoked = is_revoked(serial)
	if revoked and (not c or c.state == 'aborted') then return { ok = 'aborted' } end
	-- Somebody's revocation of a certificate in the making ends its ticket; a mere accident does not.
	local claim = c and revoked and hash('claim:' .. (c.ticket or ''))
	do_abort(who, serial, c, claim and claim.serial == serial, reason)
	return { ok = 'aborted' }
end

local function cert_get(a)
	need_ready()
	local serial = arg_serial(a[1])
	return cert_row(serial, hash('cert:' .. serial) or fail('NOTFOUND', 'no certificate %s', serial))
end

local function enrol_note(a)
	local who = need_person_or_program()
	need_ready()
	local txn, t = arg_hash(a[1], 'transaction'), text(now())
	local step, rule = arg_text(a[2], 64, 'step'), arg_text(a[3], 64, 'rule', true)
	local detail = string.sub(clean(a[4]), 1, 200)
	local ticket = a[5] and arg_hash(a[5], 'ticket')
	local key, plan = 'enrol:' .. txn, {}
	local n = (number(redis.call('HGET', key, 'n') or '0') or 0) + 1
	plan[1] = { 'HSET', key, 'n', text(n), 's' .. text((n - 1) % ENROL_STEPS + 1),
		t .. ' ' .. who.name .. ' ' .. step .. ' ' .. (rule == '' and '-' or rule) .. ' ' .. detail }
	plan[2] = { 'EXPIRE', key, text(ENROL_TTL) }
	plan[3] = { 'ZADD', 'enrols', t, txn }
	-- Strangers can make these; a flood pushes out the oldest stories, never anything else.
	if redis.call('ZCARD', 'enrols') >= ENROL_MAX then
		for _, old in ipairs(redis.call('ZRANGE', 'enrols', 0, 1)) do
			if old ~= txn then
				plan[#plan + 1] = { 'DEL', 'enrol:' .. old }
				plan[#plan + 1] = { 'ZREM', 'enrols', old }
			end
		end
	end
	run(plan)
	local of = ticket and { 'ticket', ticket } or {}
	event(who, 'enrol', 'txn', txn, 'step', step, 'rule', rule, 'detail', detail, unpack(of))
	return { ok = 'OK' }
end

-- One connection -------------------------------------------------------------------------------

-- The same device, however it was spelt; nil for what is no address.
local function mac_of(s)
	s = string.lower(s or '')
	-- 2:0:0:0:0:1, as some systems print it
	if string.find(s, '^ *%x%x?[:-]%x%x?[:-]%x%x?[:-]%x%x?[:-]%x%x?[:-]%x%x? *$') then
		s = string.gsub(s, '%x+', function(b) return #b == 1 and '0' .. b or b end)
	end
	s = string.gsub(s, '[-:. ]', '')
	return #s == 12 and not string.find(s, '[^0-9a-f]') and s or nil
end

-- With which addresses a certificate came, as far as these group rows mind: 0, address, SSID, when last, of those that it is
-- bound to; 1, address, Called-Station-Id, 0, of those that are on the network with it. Few: who has more is no one device.
local macs = {}
macs.MAX = 16
function macs.bound(serial)
	local list, seen = {}, hash('seen:' .. serial) or {}
	for f, v in pairs(seen) do
		local ssid, mac, at = string.match(f, '^b:(.*)$'), string.match(v, '^(%x+) (%d+)$')
		if ssid and mac and #mac == 12 and #ssid <= 64 then list[#list + 1] = { ssid = ssid, mac = mac, at = number(at) or 0 } end
	end
	table.sort(list, function(x, y) return x.ssid < y.ssid end)
	return list
end
function macs.rows(serial, id, groups)
	local bind, two, rows, t = false, false, {}, now()
	for _, g in ipairs(groups) do bind, two = bind or g[13] ~= '', two or g[14] ~= '' end
	for _, b in ipairs(bind and macs.bound(serial) or {}) do
		if #rows < macs.MAX then rows[#rows + 1] = { 0, b.mac, b.ssid, text(b.at) } end
	end
	local most, had = #rows + macs.MAX, {}
	for _, token in ipairs(two and redis.call('ZRANGE', 'usessions:' .. id, '+inf', '(' .. text(t), 'BYSCORE', 'REV', 'LIMIT', 0, 50) or {}) do
		local s = redis.call('HMGET', 'session:' .. token, 'serial', 'mac', 'called', 'apart')
		-- Who was set apart for this, or came too late, does not set apart the one that was first.
		local mac = s[1] == serial and s[4] ~= 'yes' and s[4] ~= 'late' and mac_of(s[2] or '')
		local called = #(s[3] or '') < 129 and s[3] or ''
		if mac and #rows < most and not had[mac .. called] then
			had[mac .. called], rows[#rows + 1] = true, { 1, mac, called, '0' }
		end
	end
	return rows
end

-- With a head of this epoch that the caller has seen and its hash, two more: the hash of the head now, and 1 when what
-- was seen is not of this history.
local function authorize(a)
	local serial, m = arg_serial(a[1]), meta()
	local c = m.ready and hash('cert:' .. serial)
	local u = c and c.user and hash('user:' .. c.user)
	local h = u and holds_of(c.user)[1]
	local g = {}
	for _, name in ipairs(split(u and u.groups)) do g[#g + 1] = group_row(name) end
	local r = { m.ready and 1 or 0, m.store, text(m.epoch), text(m.head or 0), text(math.max(0, now() - (m.beat or 0))), text(m.policy),
		c and cert_row(serial, c) or {}, u and user_row(c.user, u) or {}, h and h.text or '', g,
		u and macs.rows(serial, c.user, g) or {} }
	if a[2] then
		local seen = arg_int(a[2], 0, 1e14, 'head')
		r[12], r[13] = m.head_hash, m.head and a[3] and a[3] ~= '' and heads.is_other(m, seen, a[3]) and 1 or 0
	end
	return r
end

-- A version of the group map in shadow ------------------------------------------------------------

do
	local ROWS = 1000
	local IS_KIND = { refused = true, let_in = true, moved = true, session = true }
	local COUNTERS = { 'since', 'last', 'judged', 'refused', 'let_in', 'moved', 'session', 'broken', 'rows', 'unlisted' }

	-- What authorize says, and the person's groups in that version; or why they cannot be read. 0 alone: none runs in shadow.
	function staged.shadow_facts(a)
		local m = meta()
		local n = m.ready and staged.in_shadow(m) or 0
		if n == 0 then return { 0 } end
		local f, rows, broken = authorize({ a[1] }), {}, ''
		for _, name in ipairs(split(f[8][6])) do
			local ok, row = pcall(staged.one, n, name)
			if ok then
				rows[#rows + 1] = row
			else
				broken = type(row) == 'table' and string.sub(row.fail or '', 1, 140) or 'it cannot be read'
			end
		end
		local minding = { unpack(rows) }
		for _, row in ipairs(f[10]) do minding[#minding + 1] = row end
		if f[8][1] then f[11] = macs.rows(a[1], f[8][1], minding) end
		return { n, f, broken == '' and rows or {}, broken }
	end

	-- One more connection of this certificate that differs: its row as it is to be, and 1 when there was none.
	local function differs(key, serial, c, t, kind, old, new)
		local v = redis.call('HGET', key, 'c:' .. serial)
		local ok, row = pcall(cjson.decode, v or '')
		if not ok or type(row) ~= 'table' then row = {} end
		local u = c.user and hash('user:' .. c.user) or {}
		local count = type(row[4]) == 'string' and number(row[4]) or 0
		local first = type(row[5]) == 'string' and number(row[5]) or t
		return { c.user or '', u.login or '', kind, text(count + 1), text(first), text(t), old, new }, v and 0 or 1
	end

	-- So many more were judged, so many could not be; and, four by four, those that differ.
	function staged.shadow_note(a)
		local who, m, t = need_person_or_program(), need_ready(), now()
		local n = arg_int(a[1], 1, 1e14, 'version')
		local add = { judged = arg_int(a[2], 0, 1e6, 'judged'), broken = arg_int(a[3], 0, 1e6, 'broken') }
		if #a % 4 ~= 3 then fail('BADARG', 'serial, kind, now and then') end
		if n ~= staged.in_shadow(m) then return 0 end
		local key, rows, news = 'shadow:' .. text(n), {}, {}
		local room = math.max(0, ROWS - (number(redis.call('HGET', key, 'rows') or '') or 0))
		for i = 4, #a, 4 do
			local serial, kind, old, new = arg_serial(a[i]), a[i + 1], arg_text(a[i + 2], 200, 'now'), arg_text(a[i + 3], 200, 'then')
			if not IS_KIND[kind] then fail('BADARG', 'unknown kind %s', string.sub(kind, 1, 32)) end
			add[kind] = (add[kind] or 0) + 1
			local c, row, fresh = hash('cert:' .. serial) or {}, rows[serial], 0
			if row then
				row[3], row[4], row[7], row[8] = kind, text(number(row[4]) + 1), old, new
			else
				row, fresh = differs(key, serial, c, t, kind, old, new)
				if fresh > room then
					add.unlisted = (add.unlisted or 0) + 1
				else
					rows[serial] = row
				end
			end
			if fresh == 1 and rows[serial] then
				room, add.rows = room - 1, (add.rows or 0) + 1
				news[#news + 1] = { serial, c, 'policy', text(n), 'kind', kind, 'now', old, 'then', new }
			end
		end
		local set = { 'HSET', key, 'last', text(t) }
		for f, by in pairs(add) do
			local was = number(redis.call('HGET', key, f) or '') or 0
			set[#set + 1], set[#set + 2] = f, text(was + by)
		end
		for serial, row in pairs(rows) do set[#set + 1], set[#set + 2] = 'c:' .. serial, cjson.encode(row) end
		run({ set, { 'EXPIRE', key, text(staged.SHADOW_TTL) } })
		for _, e in ipairs(news) do cert_event(who, 'shadow_differs', unpack(e)) end
		return 1
	end

	-- Of the version in shadow, or of the last one that was.
	function staged.shadow_report()
		local m = need_ready()
		local on, list = staged.in_shadow(m), {}
		local n = on > 0 and on or m.shadow > 0 and m.shadow or m.shadow_was
		local h = n > 0 and hash('shadow:' .. text(n)) or {}
		local r = { on, n }
		for _, f in ipairs(COUNTERS) do r[#r + 1] = text(number(h[f] or '') or 0) end
		for f, v in pairs(h) do
			local serial, ok, row = string.match(f, '^c:(%x+)$'), pcall(cjson.decode, v)
			if serial and ok and type(row) == 'table' and #row == 8 then
				local good = true
				for i = 1, 8 do good = good and type(row[i]) == 'string' and plain(row[i], 256) end
				if good then list[#list + 1] = { serial, unpack(row) } end
			end
		end
		table.sort(list, function(x, y)
			local p, q = number(x[7]) or 0, number(y[7]) or 0
			if p ~= q then return p > q end
			return x[1] < y[1]
		end)
		r[#r + 1] = list
		return r
	end
end

-- Sessions --------------
------------------------------------------------------------------------

local function arg_token(s)
	if #s ~= 32 or string.find(s, '[^0-9a-f]') then
		fail('BADARG', 'a session is named by 32 lower-case hex digits')
	end
	return s
end

-- Field and value in turn; appended to an HSET.
local function session_fields(cmd, a, from)
	if (#a - from + 1) % 2 ~= 0 then fail('BADARG', 'fields of a session come as name and value') end
	for i = from, #a, 2 do
		if not SESSION_FIELD[a[i]] then fail('BADARG', 'a session has no field %s', a[i]) end
		cmd[#cmd + 1] = a[i]
		cmd[#cmd + 1] = arg_text(a[i + 1], 253, a[i], true)
	end
	return cmd
end

-- Where this certificate stands now: '' when it is good.
local function no_longer(c, serial, t)
	if not c then return 'the certificate is not known' end
	if is_revoked(serial) then return 'revoked: ' .. revoked_note(serial) end
	if c.state ~= 'active' then return 'the certificate is not active' end
	return person_bad(c.user or '', t) or ''
end

-- All that one plan notes there goes into one command: each is checked and written to disk by itself.
local function plan_seen(plan, serial, t, ...)
	local key, set = 'seen:' .. serial, nil
	for _, cmd in ipairs(plan) do
		if cmd[1] == 'HSET' and cmd[2] == key then set = cmd end
	end
	if not set then
		set = { 'HSET', key }
		plan[#plan + 1] = set
		plan[#plan + 1] = { 'EXPIRE', key, text(SEEN_TTL) }
	end
	for i = 1, select('#', ...) do set[#set + 1] = (select(i, ...)) end
end

-- One verdict: the last few of a certificate are kept, v0, v1 and so on in turn; and under the device's address whose
-- it was. A device makes up as many addresses as it likes, so only so many new ones a day are taken.
local function plan_verdict(plan, serial, t, word, ...)
	local keep, macs_a_day = 8, 20
	local seen = hash('seen:' .. serial) or {}
	local n, mac = number(seen.n or '') or 0, mac_of((...))
	local v = { text(t), word, ... }
	v[#v + 1] = text(n)
	plan_seen(plan, serial, t, 'n', text(n + 1), 'v' .. text(n % keep), table.concat(v, '\t'))
	if not mac then return end
	local key, day = 'seen:mac:' .. mac, text(math.floor(t / 86400))
	local today = seen.day == day and number(seen.macs or '') or 0
	if redis.call('HGET', key, 'serial') ~= serial then
		if today >= macs_a_day then return end
		plan_seen(plan, serial, t, 'day', day, 'macs', text(today + 1))
	end
	plan[#plan + 1] = { 'HSET', key, 'serial', serial, 'at', text(t) }
	plan[#plan + 1] = { 'EXPIRE', key, text(SEEN_TTL) }
end

local function plan_close(plan, token)
	local s = hash('session:' .. token)
	if not s then return false end
	plan[#plan + 1] = { 'DEL', 'session:' .. token }
	plan[#plan + 1] = { 'ZREM', 'sessions', token }
	if s.user and s.user ~= '' then plan[#plan + 1] = { 'ZREM', 'usessions:' .. s.user, token } end
	return true
end

local session_open
do -- a chunk of Lua has at most 200 local names at once
	local SSIDS_MAX = 8
	local function is_private(mac) return string.find(mac, '^.[2367abef]') ~= nil end
	local function ssid_of(called)
		return string.match(called or '', '^%x%x[-:.]*%x%x[-:.]*%x%x[-:.]*%x%x[-:.]*%x%x[-:.]*%x%x:(.+)$') or ''
	end

	-- The address under which the same certificate is on the network besides, or nil; the sessions that this one
	-- takes the place of: the same device at the same port, where nobody said that it had gone; and whether the first
	-- counts as a second device, as core/authz/mac.h has it. Of many sessions those that end last are looked at.
	local function others(id, serial, device, mac, x, t)
		local elsewhere, before, twice = nil, {}, false
		for _, token in ipairs(redis.call('ZRANGE', 'usessions:' .. id, '+inf', '(' .. text(t), 'BYSCORE', 'REV', 'LIMIT', 0, 50)) do
			local s = redis.call('HMGET', 'session:' .. token, 'serial', 'mac', 'nas', 'nas_port', 'called', 'apart')
			local other = mac_of(s[2] or '')
			local same = s[1] == serial
			-- With the certificate that it had before it is the same device too.
			if other == mac and not same and s[1] then same = redis.call('HGET', 'cert:' .. s[1], 'device') == device end
			if not same then other = nil end
			if other and other ~= mac then
				elsewhere = elsewhere or other
				twice = twice or s[6] ~= 'yes' and s[6] ~= 'late' and
					(not is_private(mac) and not is_private(other) or ssid_of(s[5]) == ssid_of(x.called))
			elseif other and (s[4] or s[5]) and s[3] and s[3] == x.nas and s[4] == (x.nas_port or false) and s[5] == (x.called or false) then before[#before + 1] = token end
		end
		return elsewhere, before, twice
	end

	-- Remembers the address with which a certificate comes. True when another one was first, in the moment between the
	-- verdict and this note. Of more SSIDs than a campus has the one that was seen longest ago gives way: the second.
	-- The third: the address that gave way to this one.
	local function bind(plan, serial, ssid, mac, t)
		local list, oldest, was = macs.bound(serial), nil, nil
		for _, b in ipairs(list) do
			if b.ssid == ssid then
				if b.mac ~= mac and not (is_private(b.mac) and is_private(mac) and t - b.at >= 86400) then return true end
				oldest, was = b, b.mac ~= mac and b.mac or nil
				break
			end
			if not oldest or b.at < oldest.at then oldest = b end
		end
		local gone = oldest and oldest.ssid ~= ssid and #list >= SSIDS_MAX and 'b:' .. oldest.ssid
		if gone then plan_seen(plan, serial, t, gone, '') end
		plan_seen(plan, serial, t, 'b:' .. ssid, mac .. ' ' .. text(t))
		return false, gone, was
	end

	function session_open(a)
		local who, t = need_person_or_program(), now()
		need_ready()
		local token, serial, seconds = arg_token(a[1]), arg_serial(a[2]), arg_int(a[3], 1, 31 * 86400, 'seconds')
		local key, c = 'session:' .. token, hash('cert:' .. serial)
		local id = c and c.user or ''
		local plan = { session_fields({ 'HSET', key, 'serial', serial, 'user', id, 'opened', text(t), 'seen', text(t),
			'ends', text(t + seconds) }, a, 4) }
		local s = pairs_to_table({ unpack(plan[1], 3) })
		plan[2] = { 'EXPIRE', key, text(seconds + SESSION_GRACE) }
		plan[3] = { 'ZADD', 'sessions', text(t + seconds), token }
		if not (memo and memo.swept) then
			plan[4] = { 'ZREMRANGEBYSCORE', 'sessions', '-inf', text(t - SESSION_GRACE) }
			if memo then memo.swept = true end
		end
		if id ~= '' then
			local list = 'usessions:' .. id
			plan[#plan + 1] = { 'ZADD', list, text(t + seconds), token }
			plan[#plan + 1] = { 'EXPIRE', list, text(31 * 86400 + SESSION_GRACE) }
			local old = text(t - SESSION_GRACE)
			if #redis.call('ZRANGE', list, '-inf', old, 'BYSCORE', 'LIMIT', 0, 1) > 0 then
				plan[#plan + 1] = { 'ZREMRANGEBYSCORE', list, '-inf', old }
			end
			if redis.call('ZCARD', list) >= SESSIONS_MAX then
				plan[#plan + 1] = { 'ZREM', list, unpack(redis.call('ZRANGE', list, 0, 9)) }
			end
		end
		local mac = mac_of(s.mac)
		local other, before, twice
		if c and id ~= '' and mac then
			other, before, twice = others(id, serial, c.device, mac, s, t)
			for _, old in ipairs(before) do
				if old ~= token then plan_close(plan, old) end
			end
		end
		local stranger, gone, was
		if c and mac and s.bind then stranger, gone, was = bind(plan, serial, string.sub(s.bind, 6), mac, t) end
		-- Two that came in the same moment, before either was noted: the second is ended, and judged when it comes again.
		local late = twice and (s.apart or '') == '' and (redis.call('HGET', 'group:' .. (s.group or ''), 'two_macs') or '') ~= ''
		if late then plan[#plan + 1] = { 'HSET', key, 'apart', 'late' } end
		local told = other and number(redis.call('HGET', 'seen:' .. serial, 'two_macs') or '0') or 0
		if other and told > t - 86400 then other = nil end
		local verdict = s.apart == 'yes' and 'quarantined' or s.apart == 'known' and 'known_good' or 'ok'
		if c then plan_seen(plan, serial, t, 'accept', text(t), 'mac', s.mac or '', 'nas', s.nas or '', 'called', s.called or '')
			plan_verdict(plan, serial, t, 'accept', s.mac or '', s.nas_id or s.nas or '', verdict, s.policy or '', s.group or '', s.vlan or '')
		end
		if other then plan_seen(plan, serial, t, 'two_macs', text(t)) end
		run(plan)
		-- A list of users from before this knows no HDEL for them; the session counts all the same.
		if gone then redis.pcall('HDEL', 'seen:' .. serial, gone) end
		if other then
			-- The second bit of an address says that the device made it up; it may well be one device then.
			local private = is_private(mac) or is_private(other)
			cert_event(who, 'cert_two_macs', serial, c, 'session', token, 'mac', mac, 'other', other,
				'private', private and 'yes' or 'no', 'verdict', verdict)
		end
		-- The ca role then ends the one before (`supersede`); told at each use until it has.
		if c and mine.is_renewed(serial) then cert_event(who, 'cert_used', serial, c) end
		if was then cert_event(who, 'cert_other_mac', serial, c, 'session', token, 'mac', mac, 'other', was, 'ssid', string.sub(s.bind, 6)) end
		-- The RADIUS server could not ask at that time, and says so afterwards.
		if s.apart == 'known' then cert_event(who, 'session_known_good', serial, c or {}, 'session', token) end
		local bad = no_longer(c, serial, t)
		if bad == '' and stranger then bad = 'bound to another device' end
		if bad == '' and late then bad = 'another device came first' end
		if bad ~= '' then cert_event(who, 'session_unwanted', serial, c or {}, 'session', token, 'reason', string.sub(bad, 1, 140)) end
		return { ok = bad }
	end

	-- Refused since it is on twice: told as if it had been let in, once a day.
	function macs.refused(plan, who, serial, c, spelt, t)
		local mac, told = mac_of(spelt), number(redis.call('HGET', 'seen:' .. serial, 'two_macs') or '0') or 0
		local other = mac and told <= t - 86400 and others(c.user or '', serial, c.device, mac, {}, t)
		if not other then return end
		plan_seen(plan, serial, t, 'two_macs', text(t))
		return function()
			cert_event(who, 'cert_two_macs', serial, c, 'session', '', 'mac', mac, 'other', other,
				'private', (is_private(mac) or is_private(other)) and 'yes' or 'no', 'verdict', 'two_macs')
		end
	end
end

local session_update
do
-- In accounting some access points leave the SSID out, or tell an IP address: who is on where stays as the verdict had it.
local function is_worse(field, old, new)
	local ssid = '^%x%x[-:.]?%x%x[-:.]?%x%x[-:.]?%x%x[-:.]?%x%x[-:.]?%x%x:.'
	if field == 'mac' then return mac_of(old or '') ~= nil end
	return field == 'called' and string.find(old or '', ssid) ~= nil and not string.find(new, ssid)
end

function session_update(a)
	local t, token = now(), arg_token(a[1])
	need_ready()
	local silence = arg_int(a[2], 0, 31 * 86400, 'seconds')
	local key = 'session:' .. token
	local s = hash(key)
	if not s or not s.serial then return 0 end
	local told, cmd = session_fields({}, a, 3), { 'HSET', key, 'seen', text(t) }
	for i = 1, #told, 2 do
		if not is_worse(told[i], s[told[i]], told[i + 1]) then cmd[#cmd + 1], cmd[#cmd + 2] = told[i], told[i + 1] end
	end
	local plan = { cmd }
	local ttl = math.max((number(s.ends or '') or t) - t, 0) + SESSION_GRACE
	-- Three missed updates: the NAS has forgotten it, or was switched off.
	if silence > 0 then ttl = math.min(ttl, 3 * silence) end
	plan[2] = { 'EXPIRE', key, text(ttl) }
	run(plan)
	return 1
end
end

local function session_close(a)
	local token, plan = arg_token(a[1]), {}
	need_ready()
	local known = plan_close(plan, token)
	run(plan)
	return known and 1 or 0
end

-- A refusal of a certificate that we know; of what strangers show nothing is kept.
local function session_refused(a)
	local who = need_person_or_program()
	local serial, reason, t, plan = arg_serial(a[1]), arg_name(a[2], 'reason code'), now(), {}
	need_ready()
	local c = hash('cert:' .. serial)
	if not c then return 0 end
	plan_seen(plan, serial, t, 'reject', text(t), 'reason', reason, 'reject_mac', arg_text(a[3], 253, 'mac', true),
		'reject_nas', arg_text(a[4], 253, 'nas', true))
	plan_verdict(plan, serial, t, 'reject', a[3], a[4], reason, arg_text(a[5] or '', 24, 'policy', true), '', '')
	local tell = reason == 'two_macs' and macs.refused(plan, who, serial, c, a[3], t)
	run(plan)
	if tell then tell() end
	return 1
end

-- Several of the above in one call, which costs half of what they do by themselves. Of each: how many words, then its
-- name and arguments. -> of each, 1 and its answer, or 0 and its error.
local session_tell, session_verbs
do
	session_verbs = { session_open = true, session_update = true, session_close = true, session_refused = true } -- see register

	-- What a batch said, added up by reason and day for the help desk's figures. Whose list of users knows none of this
	-- has none. A refusal of strangers counts, too.
	local function count(said)
		local t, key = now(), nil
		key = 'verdicts:' .. text(math.floor(t / 86400))
		for reason, n in pairs(said) do
			local r = redis.pcall('HINCRBY', key, reason, n)
			if r == n then redis.pcall('EXPIRE', key, text(40 * 86400)) end
		end
	end

	local function reason_of(a, i, n)
		if a[i + 1] == 'session_refused' then return a[i + 3] end
		if a[i + 1] ~= 'session_open' then return nil end
		for k = i + 5, i + n - 1, 2 do
			if a[k] == 'apart' then return a[k + 1] == 'yes' and 'quarantined' or a[k + 1] == 'known' and 'known_good' or 'ok' end
		end
		return 'ok'
	end

	function session_tell(a)
		local list, i, said = {}, 1, {}
		memo = {}
		need_person_or_program()
		need_ready()
		while i <= #a do
			local n = arg_int(a[i], 2, 40, 'how many words')
			local verb = session_verbs[a[i + 1] or ''] or fail('BADARG', 'no word of a session')
			if n - 1 < verb[2] or n - 1 > verb[3] or i + n > #a then fail('BADARG', 'too few or too many words') end
			local ok, r = pcall(verb[1], { unpack(a, i + 2, i + n) })
			list[#list + 1] = ok and { 1, type(r) == 'table' and r.ok or text(r) } or { 0, error_text(r) }
			local reason = ok and reason_of(a, i, n)
			if reason then said[reason] = (said[reason] or 0) + 1 end
			i = i + n + 1
		end
		count(said)
		return list
	end
end

-- A person's sessions: token and fields in turn.
local function sessions(a)
	need_ready()
	local id, list = find_user(a[1]), {}
	for _, token in ipairs(redis.call('ZRANGE', 'usessions:' .. id, '(' .. text(now() - SESSION_GRACE), '+inf', 'BYSCORE')) do
		local flat = redis.call('HGETALL', 'session:' .. token)
		if #flat > 0 then list[#list + 1] = { token, flat } end
	end
	return list
end

-- Sessions that are to end ---------------------------------------------------------------------

-- Sessions with what authorize says of their certificate; who asks decides, by the same rule as at a connection.
local function sessions_check(a)
	need_ready()
	local what, value, t = a[1], a[2], now()
	local tokens, list, known, next = {}, {}, {}, '0'
	if what == 'user' then
		if #value > 64 then fail('BADARG', 'no person has such an id') end
		tokens = redis.call('ZRANGE', 'usessions:' .. value, '(' .. text(t), '+inf', 'BYSCORE')
	elseif what == 'token' then
		tokens = { arg_token(value) }
	elseif what == 'page' then
		if #value > 20 or string.find(value, '%D') then fail('BADARG', 'bad cursor') end
		local r = redis.call('ZSCAN', 'sessions', value, 'COUNT', SESSIONS_PAGE)
		next = r[1]
		for i = 1, #r[2], 2 do
			if (tonumber(r[2][i + 1]) or 0) > t then tokens[#tokens + 1] = r[2][i] end
		end
	else
		fail('BADARG', 'user, token or page')
	end
	for _, token in ipairs(tokens) do
		local flat = redis.call('HGETALL', 'session:' .. token)
		local serial = serial_of(pairs_to_table(flat).serial or '')
		if serial then
			known[serial] = known[serial] or authorize({ serial })
			list[#list + 1] = { token, flat, known[serial] }
		end
	end
	return { next, list }
end

local function receipt_fields(line)
	local flat, r = {}, {}
	if #line > 8192 then fail('BADARG', 'a receipt is too long') end
	for name, value in string.gmatch(line, '([a-z]+) ([^\n]*)\n') do
		if not RECEIPT_FIELD[name] then fail('BADARG', 'a receipt has no field %s', name) end
		r[name] = arg_text(value, 253, name, true)
		flat[#flat + 1] = name
		flat[#flat + 1] = value
	end
	arg_token(r.token or '')
	if not IS_ACTION[r.action or ''] or not r.result then fail('BADARG', 'a receipt says action and result') end
	return r, flat
end

local IS_OVER = { ended = true, gone = true }

local function plan_receipt(plan, r, flat)
	local id = is_name(r.user or '', 64) and r.user or 'nobody'
	local mac, key = mac_of(r.mac), 'receipt:' .. id
	plan[#plan + 1] = { 'XADD', key, 'MAXLEN', '~', text(RECEIPTS_MAX), '*', 'time', text(now()), unpack(flat) }
	plan[#plan + 1] = { 'EXPIRE', key, text(RECEIPTS_TTL) }
	if mac then plan[#plan + 1] = { 'SETEX', 'receipt:mac:' .. mac, text(RECEIPTS_TTL), id } end
	if IS_OVER[r.result] then
		plan_close(plan, r.token)
	elseif r.result == 'moved' and hash('session:' .. r.token) then
		plan[#plan + 1] = { 'HSET', 'session:' .. r.token, 'vlan', r.vlan or '' }
	end
end

local function receipts_put(a)
	local who, plan, list = need_person_or_program(), {}, {}
	need_ready()
	for i = 1, #a do
		local r, flat = receipt_fields(a[i])
		list[i] = r
		plan_receipt(plan, r, flat)
	end
	run(plan)
	for _, r in ipairs(list) do
		local over, moved = IS_OVER[r.result], r.result == 'moved'
		event(who, over and 'session_ended' or moved and 'session_moved' or 'session_kept',
			'user', r.user or '', 'login', r.login or '', 'serial', r.serial or '', 'session', r.token, 'mac', r.mac or '',
			'nas', r.nas or '', 'action', r.action, 'reason', r.why or '', 'result', r.result, 'cause', r.cause or '',
			'detail', r.detail or '', 'ends', r.ends or '', 'vlan', r.vlan or '')
	end
	return #list
end

-- Newest first: of a person, of a certificate or of a device.
local function receipts(a)
	need_ready()
	local mac, serial, list = mac_of(a[1]), serial_of(a[1]), {}
	local id = mac and redis.call('GET', 'receipt:mac:' .. mac)
	if id then
		serial = nil
	elseif serial then
		mac, id = nil, (hash('cert:' .. serial) or fail('NOTFOUND', 'no certificate %s', serial)).user or ''
	else
		mac, id = nil, find_user(a[1])
	end
	for _, e in ipairs(redis.call('XREVRANGE', 'receipt:' .. id, '+', '-', 'COUNT', 2 * RECEIPTS_MAX)) do
		local r = pairs_to_table(e[2])
		if (not mac or mac_of(r.mac) == mac) and (not serial or r.serial == serial) then list[#list + 1] = e[2] end
	end
	return list
end

-- What CRL and OCSP say -----------------------------------------------------------------------

-- Why this certificate is not good now: 'r' revoked, 'h' held or left (that may end), and the record.
local function standing(serial, c)
	if is_revoked(serial) then return 'r', revoked_note(serial) end
	local u = hash('user:' .. (c.user or ''))
	if not u then return 'h', '0 unknown the person is not known' end
	for _, s in ipairs(SOURCES) do
		local v = redis.call('HGET', 'hold:' .. s, c.user)
		if v then return 'h', note(v) end
	end
	local l = leave_at(u)
	if l > 0 and l <= now() then return 'h', text(l) .. ' directory left' end
	return nil
end

local function cert_status(a)
	need_ready()
	local serial = arg_serial(a[1])
	local c = hash('cert:' .. serial)
	-- What was aborted was never given to anybody; what is reserved has not been yet.
	if not c or (c.state ~= 'active' and not (c.state == 'reserved' and is_revoked(serial))) then
		return { c and c.issuer or '', 'unknown', '' }
	end
	local kind, record = standing(serial, c)
	return { c.issuer or '', kind == 'r' and 'revoked' or kind == 'h' and 'held' or 'good', record or '' }
end

-- Changes with everything that changes a CRL, but for time passing: what is revoked only grows, and holds
-- are the helpdesk's and auto_revoke's, whose streams move with them.
local function crl_revision()
	need_ready()
	local parts = { redis.call('HLEN', 'revoked') }
	for _, s in ipairs(SOURCES) do parts[#parts + 1] = redis.call('HLEN', 'hold:' .. s) end
	local flat, names = redis.call('HGETALL', 'actors'), {}
	for i = 1, #flat, 2 do
		if flat[i + 1] == 'helpdesk' or flat[i] == 'auto_revoke' then names[#names + 1] = flat[i] end
	end
	table.sort(names)
	for _, name in ipairs(names) do
		local last = redis.pcall('XREVRANGE', 'events:' .. name, '+', '-', 'COUNT', 1)
		parts[#parts + 1] = name .. '=' .. (not last.err and last[1] and last[1][1] or '')
	end
	return redis.sha1hex(table.concat(parts, ' '))
end

-- One page: revoked serials, then certificates of the held, then of those who have left.
local CRL_STEPS = { { 'revoked', 'r' } }
for i = 1, #SOURCES do CRL_STEPS[#CRL_STEPS + 1] = { 'hold:' .. SOURCES[i], 'h' } end
for i = 1, #SOURCES do CRL_STEPS[#CRL_STEPS + 1] = { 'login:' .. SOURCES[i], 'l' } end

local function crl_add(list, issuer, serial, kind, record, t)
	local c = redis.call('HMGET', 'cert:' .. serial, 'issuer', 'not_after', 'state')
	if c[1] ~= issuer or (number(c[2]) or 0) <= t then return end
	-- What was aborted may have been signed, so it stands here as long as it is in `revoked`.
	if kind ~= 'r' and c[3] ~= 'active' then return end
	list[#list + 1] = serial
	list[#list + 1] = kind
	list[#list + 1] = record
end

local function crl_add_person(list, issuer, id, record, t)
	for _, serial in ipairs(redis.call('ZRANGE', 'ucerts:' .. id, '(' .. text(t), '+inf', 'BYSCORE')) do
		crl_add(list, issuer, serial, 'h', record, t)
	end
end

local function crl_list(a)
	need_ready()
	local issuer, t, list = arg_hex_key(a[1]), now(), {}
	local step, cursor = string.match(a[2] or '1:0', '^(%d+):(%d+)$')
	step = number(step or '')
	local what = step and #cursor <= 20 and CRL_STEPS[step] or fail('BADARG', 'bad cursor')
	-- Small pages: RADIUS waits while one is made.
	local r = redis.call('HSCAN', what[1], cursor, 'COUNT', what[2] == 'h' and 100 or 500)
	for i = 1, #r[2], 2 do
		local name, value = r[2][i], r[2][i + 1]
		if what[2] == 'r' and #name == 32 then
			crl_add(list, issuer, name, 'r', note(value), t)
		elseif what[2] == 'h' then
			crl_add_person(list, issuer, name, note(value), t)
		elseif what[2] == 'l' then
			local l = leave_at({ leave_at = redis.call('HGET', 'user:' .. value, 'leave_at') })
			if l > 0 and l <= t then crl_add_person(list, issuer, value, text(l) .. ' directory left', t) end
		end
	end
	if r[1] ~= '0' then return { text(step) .. ':' .. r[1], list } end
	return { CRL_STEPS[step + 1] and text(step + 1) .. ':0' or '0', list }
end

-- Revocation -----------------------------------------------------------------------------------

-- A list that is the wrong one, in a loop, must not put out a campus before somebody notices.
local RATE_WORDS = { cert_revoked = true, user_revoked = true, user_suspended = true, console_code = true }

local function guard_rate(who)
	if who.kind ~= 'helpdesk' then return end
	local most = number(redis.call('HGET', 'meta', 'helpdesk_rate') or '') or HELPDESK_RATE
	local since, n = (now() - HELPDESK_RATE_SECONDS) * 1000, 0
	for _, e in ipairs(stream('XREVRANGE', who.name, '+', text(since), math.max(most * 2, 5000), EVENTS_BYTES)) do
		if RATE_WORDS[pairs_to_table(e[2]).event or ''] then n = n + 1 end
	end
	if n >= most then
		fail('DENIED', 'you put out %d within %d minutes, which is the most; wait, or ask who runs this ' ..
			'(helpdesk_rate in docs/REDIS.md)', n, HELPDESK_RATE_SECONDS / 60)
	end
end

local function revoke_cert(a)
	local who = need_person_or_program()
	need_ready()
	local serial, reason, plan = arg_serial(a[1]), arg_reason(a[2]), {}
	local c = hash('cert:' .. serial) or fail('NOTFOUND', 'no certificate %s', serial)
	local u = hash('user:' .. (c.user or '')) or {}
	local old = redis.call('HGET', 'revoked', serial)
	if old then return { ok = 'certificate ' .. serial .. ' was revoked already: ' .. note(old) } end
	guard_rate(who)
	plan_revoke(plan, serial, stamp(who, reason))
	run(plan)
	local ok = cert_event(who, 'cert_revoked', serial, c, 'reason', reason)
	return { ok = clean('certificate ' .. serial .. ' of ' .. (u.login or 'nobody known') .. ' is revoked') .. told(ok) }
end

-- A hold stands as it was set; revoke_user (which says its reason) rewords it, so that one can read
-- from the hold that all certificates are gone.
local function plan_hold(plan, id, source, value, reason)
	local old = redis.call('HGET', 'hold:' .. source, id)
	if old and (not reason or string.match(old, '^%d+ %S+ (.*)$') == reason) then return note(old) end
	plan[#plan + 1] = { 'HSET', 'hold:' .. source, id, value }
	return nil
end

local function revoke_user(a)
	local who = need_person_or_program()
	need_ready()
	local id, reason, plan = find_user(a[1]), arg_reason(a[2]), {}
	local source, value = hold_source(who, a[3]), stamp(who, reason)
	local u = hash('user:' .. id) or {}
	plan_hold(plan, id, source, value, reason)
	local serials, tickets = plan_revoke_all(plan, id, nil, value, now())
	if #plan > 0 then guard_rate(who) end
	run(plan)
	local ok = true
	if #plan > 0 then
		ok = person_event(who, 'user_revoked', id, u, 'hold', source,
			'serials', first(serials, 64), 'certs', text(#serials), 'tickets', text(tickets), 'reason', reason)
	end
	return { #serials + tickets, clean(string.format(
		'%s: %d certificates and %d open tickets revoked; held by %s until restore_user',
		u.login or id, #serials, tickets, source)) .. told(ok) }
end

local function suspend_user(a)
	local who = need_person_or_program()
	need_ready()
	local id, reason, plan = find_user(a[1]), arg_reason(a[2]), {}
	local source = hold_source(who, a[3])
	local u = hash('user:' .. id) or {}
	local old = plan_hold(plan, id, source, stamp(who, reason))
	if not old then guard_rate(who) end
	run(plan)
	if old then return { ok = clean((u.login or id) .. ' was held by ' .. source .. ' already: ' .. old) } end
	local ok = person_event(who, 'user_suspended', id, u, 'hold', source, 'reason', reason)
	return { ok = clean((u.login or id) .. ' is held by ' .. source) .. told(ok) }
end

local function restore_user(a)
	local who = need_person_or_program()
	need_ready()
	local id = find_user(a[1])
	local source, t = hold_source(who, a[2]), now()
	local u = hash('user:' .. id) or {}
	local old = redis.call('HEXISTS', 'hold:' .. source, id) == 1
	run({ { 'HDEL', 'hold:' .. source, id } })
	local ok = true
	if old then
		ok = person_event(who, 'user_restored', id, u, 'hold', source)
	end
	local parts = { (u.login or id) .. (old and ' is no longer held by ' or ' was not held by ') .. source }
	for _, h in ipairs(holds_of(id)) do parts[#parts + 1] = 'still held by ' .. h.text end
	if leave_at(u) > 0 and leave_at(u) <= t then parts[#parts + 1] = 'the leave date has passed' end
	return { ok = clean(table.concat(parts, '; ')) .. told(ok) }
end

-- The device of the next use is the one. What a certificate is bound to, or all of a person's.
function macs.forget(a)
	local who, reason, t = need_person_or_program(), arg_reason(a[2]), now()
	if who.name == 'radius' then fail('DENIED', 'that another device may come is for people to say') end
	need_ready()
	local serial, list, plan, n = serial_of(a[1]), {}, {}, 0
	local c = serial and hash('cert:' .. serial)
	if c then
		list[1] = { serial = serial, c = c }
	else
		list = certs_of(find_user(a[1]), 0)
	end
	for _, x in ipairs(list) do
		local cmd = { 'HDEL', 'seen:' .. x.serial }
		for _, b in ipairs(macs.bound(x.serial)) do cmd[#cmd + 1] = 'b:' .. b.ssid end
		if #cmd > 2 then plan[#plan + 1], n = cmd, n + #cmd - 2 end
		x.n = #cmd - 2
	end
	run(plan)
	for _, x in ipairs(list) do
		if x.n > 0 then cert_event(who, 'mac_forgotten', x.serial, x.c, 'reason', reason) end
	end
	return n
end

-- why: for people ------------------------------------------------------------------------------

local function id_less(x, y)
	local xm, xn = string.match(x, '^(%d+)-(%d+)$')
	local ym, yn = string.match(y, '^(%d+)-(%d+)$')
	if #xm ~= #ym then return #xm < #ym end
	if xm ~= ym then return xm < ym end
	if #xn ~= #yn then return #xn < #yn end
	return xn < yn
end

local function date(unix)
	local days, secs = math.floor(unix / 86400), unix % 86400
	local z = days + 719468
	local era = math.floor(z / 146097)
	local doe = z - era * 146097
	local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
	local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
	local mp = math.floor((5 * doy + 2) / 153)
	local d, m = doy - math.floor((153 * mp + 2) / 5) + 1, mp < 10 and mp + 3 or mp - 9
	return string.format('%04d-%02d-%02d %02d:%02d UTC', yoe + era * 400 + (m <= 2 and 1 or 0), m, d,
		math.floor(secs / 3600), math.floor(secs % 3600 / 60))
end

local function pretty(v)
	local t, who, reason = string.match(v, '^(%d+) (%S+) (.*)$')
	if not number(t) or tonumber(t) == 0 then return 'written by hand: ' .. v end
	return date(tonumber(t)) .. ' by ' .. who .. ': ' .. reason
end

local desk = {} -- what the helpdesk reads
do -- a chunk of Lua has at most 200 local names at once
	local DESK_LOOKS = { console_searched = true, console_viewed = true } -- who looked is no part of the story

	local function why_cert(out, serial, c, t)
		local d = hash('device:' .. (c.device or '')) or {}
		local nb, na = number(c.not_before) or 0, number(c.not_after) or 0
		local state, r = c.state or '?', revoked_note(serial)
		if na <= t then state = state .. ', expired' end
		out[#out + 1] = string.format('  %s  %s, %s to %s, profile %s, device %s (%s)', serial, state, date(nb),
			date(na), c.profile or '?', d.name or c.device or '?', d.platform or '?')
		if r ~= '' then out[#out + 1] = '    REVOKED ' .. pretty(r) end
		local s = hash('seen:' .. serial) or {}
		if number(s.accept) then
			out[#out + 1] = string.format('    last let in %s, device %s, at %s', date(number(s.accept)), s.mac or '?', s.nas or '?')
		end
		for _, b in ipairs(macs.bound(serial)) do
			out[#out + 1] = string.format('    bound to device %s %s, which came last %s', b.mac,
				b.ssid == '' and 'by wire' or 'on "' .. b.ssid .. '"', date(b.at))
		end
		if number(s.reject) then
			out[#out + 1] = string.format('    last turned away %s: %s, device %s, at %s', date(number(s.reject)), s.reason or '?',
				s.reject_mac or '?', s.reject_nas or '?')
		end
	end

	local function why_person(out, id, u, t)
		out[#out + 1] = string.format('person: %s (%s), %s, %s, id %s', u.login or '?', u.source or '?',
			u.name or '', u.email or '', id)
		local g = {}
		for _, name in ipairs(split(u.groups)) do
			local row = group_row(name)
			g[#g + 1] = row and string.format('%s (priority %s, VLAN %s)', name, row[2], row[4]) or name .. ' (no policy)'
		end
		out[#out + 1] = 'groups: ' .. (#g > 0 and table.concat(g, ', ') or 'none')
		local l, holds = leave_at(u), holds_of(id)
		if l > 0 then out[#out + 1] = (l <= t and 'LEFT: ' or 'leaves: ') .. date(l) end
		if #holds == 0 then out[#out + 1] = 'holds: none' end
		for _, h in ipairs(holds) do
			out[#out + 1] = 'HELD by ' .. h.source .. ': ' .. pretty(string.sub(h.text, #h.source + 3))
		end
	end

	-- Enrolment and other events of late that name this person or a serial of theirs.
	local function why_events(out, wanted)
		local found = {}
		local names = redis.call('HGETALL', 'actors')
		for i = 1, #names, 2 do
			for _, e in ipairs(stream('XREVRANGE', names[i], '+', '-', WHY_SCAN, EVENTS_BYTES / #names)) do
				local hit, skip = false, DESK_LOOKS[pairs_to_table(e[2]).event or '']
				for k = 2, skip and 0 or #e[2], 2 do
					for word in string.gmatch(e[2][k], '[%w._@-]+') do hit = hit or wanted[word] end
				end
				if hit then found[#found + 1] = { e = e, who = names[i] } end
			end
		end
		table.sort(found, function(x, y)
			return (tonumber(string.match(x.e[1], '^%d+')) or 0) > (tonumber(string.match(y.e[1], '^%d+')) or 0)
		end)
		if #found > 0 then out[#out + 1] = 'last events:' end
		for i = 1, math.min(#found, WHY_EVENTS) do
			local f, rest = pairs_to_table(found[i].e[2]), {}
			for _, k in ipairs({ 'hold', 'step', 'rule', 'detail', 'serial', 'serials', 'device', 'reason' }) do
				if f[k] and f[k] ~= '' then rest[#rest + 1] = k .. '=' .. string.sub(f[k], 1, 80) end
			end
			out[#out + 1] = string.format('  %s  %s by %s  %s', date(number(f.time or '') or 0),
				f.event or '?', found[i].who, table.concat(rest, ' '))
		end
	end

	-- The last verdicts about these certificates, newest first; with mac only those about this device.
	local function verdicts_of(serials, mac)
		local list = {}
		for _, serial in ipairs(serials) do
			for _, v in ipairs(redis.call('HMGET', 'seen:' .. serial, 'v0', 'v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7')) do
				local f = {}
				for part in string.gmatch((v or '') .. '\t', '([^\t]*)\t') do f[#f + 1] = part end
				if #f == 9 and number(f[1]) and number(f[9]) and (not mac or mac_of(f[3]) == mac) then
					list[#list + 1] = { at = number(f[1]), n = number(f[9]), serial = serial, f = f }
				end
			end
		end
		table.sort(list, function(x, y)
			if x.at ~= y.at then return x.at > y.at end
			if x.serial ~= y.serial then return x.serial < y.serial end
			return x.n > y.n
		end)
		return list
	end

	local function why_verdicts(out, serials, mac)
		local list = verdicts_of(serials, mac)
		if #list > 0 then out[#out + 1] = 'last verdicts:' end
		for i = 1, math.min(#list, WHY_EVENTS) do
			local f = list[i].f
			local what = f[2] == 'accept' and string.format('accept%s, group %s, VLAN %s', f[5] == 'ok' and '' or ' (' .. f[5] .. ')', f[7], f[8] == '' and '-' or f[8]) or
				f[2] .. ' ' .. f[5]
			out[#out + 1] = string.format('  %s  %s, policy %s, device %s, at %s, serial %s', date(list[i].at), what,
				f[6] == '' and '?' or f[6], f[3] == '' and '?' or f[3], f[4] == '' and '?' or f[4], list[i].serial)
		end
	end

	-- Whose device this is, by the address with which it came last.
	local function why_device(out, mac)
		local s = mac and hash('seen:mac:' .. mac)
		local serial = s and serial_of(s.serial or '')
		if not serial then return nil end
		out[1] = string.format('device %s%s, last with certificate %s, %s', string.gsub(mac, '(%x%x)', '%1:', 5),
			string.find(mac, '^.[2367abef]') and ' (an address that it made up)' or '', serial, date(number(s.at) or 0))
		return serial
	end

	function desk.why(a)
		need_ready()
		local t, out, wanted = now(), {}, {}
		local asked = mac_of(a[1])
		local serial = why_device(out, asked)
		local mac = serial and asked
		serial = serial or serial_of(a[1])
		local c = serial and hash('cert:' .. serial)
		local id = c and c.user
		if c then
			out[#out + 1] = 'certificate:'
			why_cert(out, serial, c, t)
		elseif serial and is_revoked(serial) then
			return { 'serial ' .. serial .. ' has no record, REVOKED ' .. pretty(revoked_note(serial)) }
		elseif not mac then
			local ok, r = pcall(find_user, a[1])
			if not ok and asked and type(r) == 'table' then
				fail('NOTFOUND', 'no certificate of ours came with this address of late, and no login is so')
			end
			if not ok then error(r, 0) end
			id = r
		end
		local u = hash('user:' .. (id or ''))
		if not u then
			out[#out + 1] = 'person: not known'
			return out
		end
		why_person(out, id, u, t)
		local certs, shown = certs_of(id, 0), {}
		local open = open_tickets(id, certs, t)
		out[#out + 1] = string.format('certificates: %d, open tickets: %d', #certs, #open)
		for i = #certs, math.max(1, #certs - WHY_CERTS + 1), -1 do
			why_cert(out, certs[i].serial, certs[i].c, t)
			wanted[certs[i].serial], shown[#shown + 1] = true, certs[i].serial
			if certs[i].c.ticket then wanted[certs[i].c.ticket] = true end
		end
		for _, o in ipairs(open) do wanted[o.hash] = true end
		why_verdicts(out, c and { serial } or shown, mac)
		wanted[id] = true
		if u.login then wanted[u.login] = true end
		why_events(out, wanted)
		for i = 1, #out do out[i] = clean(out[i]) end
		return out
	end

	-- For the console: who or what is meant by a text. First what it names exactly (cursor "0"), then logins that
	-- contain it, so many entries of the index a call.
	local FIND_MAX, FIND_SCANS = 20, 10

	local function hit(rows, had, kind, what, id)
		local u = id and hash('user:' .. id)
		if not u or had[id] or #rows >= FIND_MAX then return end
		local h = holds_of(id)[1]
		had[id], rows[#rows + 1] = true, { kind, what, user_row(id, u), h and h.text or '' }
	end

	local function find_exact(s, rows, had)
		local mac = mac_of(s)
		local seen = mac and hash('seen:mac:' .. mac)
		local serial = seen and serial_of(seen.serial or '') or serial_of(s)
		local c = serial and hash('cert:' .. serial)
		if c then hit(rows, had, seen and 'mac' or 'serial', serial, c.user) end
		if #s == 33 and string.find(s, '^d[0-9a-f]+$') then
			hit(rows, had, 'device', s, redis.call('HGET', 'device:' .. s, 'owner'))
		end
		if #s == 33 and string.find(s, '^u[0-9a-f]+$') then hit(rows, had, 'login', '', s) end
		local source, login = string.match(s, '^([a-z]+):(.+)$')
		for _, src in ipairs(SOURCES) do
			if not source or src == source then
				hit(rows, had, 'login', '', redis.call('HGET', 'login:' .. src, source and login or s) or nil)
			end
		end
	end

	function desk.find(a)
		need_ready()
		local s, rows, had = string.lower(arg_text(a[1], 128, 'text')), {}, {}
		local from, cursor = string.match(a[2], '^(%d%d?):(%d+)$')
		local i = tonumber(from or '1')
		if (not from and a[2] ~= '0') or #(cursor or '') > 20 then fail('BADARG', 'bad cursor') end
		if not from then find_exact(s, rows, had) end
		if #s < 2 then return { '0', rows } end
		local like, scans = '*' .. string.gsub(s, '[%*%?%[%]\\^]', '\\%0') .. '*', 0
		while SOURCES[i] do
			local r = redis.call('HSCAN', 'login:' .. SOURCES[i], cursor or '0', 'MATCH', like, 'COUNT', 1000)
			for k = 1, #r[2], 2 do hit(rows, had, 'like', '', r[2][k + 1]) end
			cursor, scans = r[1], scans + 1
			if cursor == '0' then i = i + 1 end
			if #rows >= FIND_MAX or scans >= FIND_SCANS then break end
		end
		return { SOURCES[i] and text(i) .. ':' .. cursor or '0', rows }
	end

	-- What others wrote is cut, so that one long value does not take the whole page along.
	local function brief(s) return string.sub(clean(s or ''), 1, 128) end

	local function desk_cert(serial, c)
		local d, s = hash('device:' .. (c.device or '')) or {}, hash('seen:' .. serial) or {}
		return { cert_row(serial, c), d.name or '', d.platform or '', text(number(s.accept) or 0), brief(s.mac), brief(s.nas),
			text(number(s.reject) or 0), brief(s.reason), brief(s.reject_mac), brief(s.reject_nas) }
	end

	-- All about one person in rows: person, holds, groups, certificates, open codes, verdicts, newest first.
	function desk.person(a)
		need_ready()
		local id, t = arg_id(a[1], 'u', 'user id'), now()
		local u = hash('user:' .. id) or fail('NOTFOUND', 'no person %s', id)
		local holds, groups, rows, codes, serials, said = {}, {}, {}, {}, {}, {}
		for _, h in ipairs(holds_of(id)) do holds[#holds + 1] = { h.source, string.sub(h.text, #h.source + 3) } end
		for _, name in ipairs(split(u.groups)) do
			local g = group_row(name)
			groups[#groups + 1] = { name, g and 1 or 0, g and brief(g[4]) or '' }
		end
		local certs = certs_of(id, 0)
		for i = #certs, math.max(1, #certs - WHY_CERTS + 1), -1 do
			rows[#rows + 1] = desk_cert(certs[i].serial, certs[i].c)
			serials[#serials + 1] = certs[i].serial
		end
		for _, o in ipairs(open_tickets(id, certs, t)) do
			local d = hash('device:' .. o.device) or {}
			codes[#codes + 1] = { o.hash, o.device, d.name or '', d.platform or '', o.expires }
		end
		for i, v in ipairs(verdicts_of(serials)) do
			if i > FIND_MAX then break end
			said[i] = { text(v.at), brief(v.f[2]), brief(v.f[3]), brief(v.f[4]), brief(v.f[5]), brief(v.f[7]), brief(v.f[8]), v.serial }
		end
		return { user_row(id, u), holds, groups, #certs, rows, codes, said }
	end

	-- What the writers of enrolments say of one ticket and its certificate, between two times. Only so many events are looked at.
	local STORY_SCAN, STORY_EVENTS = 5000, 64

	function desk.story(a)
		need_ready()
		local ticket, serial, device = arg_hash(a[1], 'ticket'), a[2] ~= '' and arg_serial(a[2]) or '', arg_id(a[3], 'd', 'device')
		local from, till, list = arg_int(a[4], 0, 99999999999, 'from'), arg_int(a[5], 0, 99999999999, 'till'), {}
		for _, name in ipairs({ 'portal', 'front', 'ca' }) do
			for _, e in ipairs(stream('XRANGE', name, text(from * 1000), text(till * 1000), STORY_SCAN, EVENTS_BYTES)) do
				local f = pairs_to_table(e[2])
				local of = f.ticket == ticket or (serial ~= '' and f.serial == serial) or (f.event == 'device_added' and f.device == device)
				if of and #list < STORY_EVENTS * 3 then
					list[#list + 1] = { text(math.floor(tonumber(string.match(e[1], '^%d+')) / 1000)), name, brief(f.event), brief(f.step),
						brief(f.rule), brief(f.detail or f.reason), e[1] }
				end
			end
		end
		table.sort(list, function(x, y) return x[7] ~= y[7] and id_less(x[7], y[7]) end)
		for i = #list, STORY_EVENTS + 1, -1 do list[i] = nil end
		return list
	end

	local function word_of(s) return is_name(s or '', 32) and s or 'other' end

	-- What there is of one person, as figures. A device is a live certificate.
	local function figures_of(add, id, u, t)
		for _, e in ipairs(certs_of(id, t - 31 * 86400)) do
			local day = math.floor(t / 86400) - math.floor((number(e.c.not_before) or 0) / 86400)
			if e.c.state == 'active' and day >= 0 and day < 30 then add('day', text(day)) end
			if e.c.state == 'active' and is_live(e, t) then
				local seen = redis.call('HMGET', 'seen:' .. e.serial, 'accept', 'reject', 'reason')
				local yes, no = number(seen[1] or '') or 0, number(seen[2] or '') or 0
				add('platform', word_of(redis.call('HGET', 'device:' .. (e.c.device or ''), 'platform')))
				for _, g in ipairs(split(u.groups)) do add('group', word_of(g)) end
				add('week', text(math.min(12, math.floor((number(e.c.not_after) - t) / 604800))))
				add('last', yes + no == 0 and 'never_came' or yes >= no and 'ok' or word_of(seen[3]))
			end
		end
	end

	-- The figures of a page of people, to be added up by who asks.
	-- Days ago 0 to 29; what is no figure is left out: these are the RADIUS server's word.
	local function verdicts(n, t)
		for ago = 0, 29 do
			local day, left = redis.pcall('HGETALL', 'verdicts:' .. text(math.floor(t / 86400) - ago)), 40
			if day.err then return end -- a helpdesk person of before this, who may not
			for reason, v in pairs(pairs_to_table(day)) do
				v = number(v)
				if v and v > 0 and left > 0 and is_name(reason, 32) then
					local well = reason == 'ok' or reason == 'known_good' or reason == 'quarantined'
					local by_day = (well and 'accepts:' or 'rejects:') .. text(ago)
					left = left - 1
					local name = 'said' .. ':' .. reason
					n[name] = (n[name] or 0) + v
					n[by_day] = (n[by_day] or 0) + v
				end
			end
		end
	end

	function desk.overview(a)
		need_ready()
		local from, cursor = string.match(a[1], '^(%d%d?):(%d+)$')
		local i, t, n, flat = tonumber(from or '0'), now(), {}, {}
		if not SOURCES[i] or #cursor > 20 then fail('BADARG', 'bad cursor') end
		local r = redis.call('HSCAN', 'login:' .. SOURCES[i], cursor, 'COUNT', 100)
		if a[1] == '1:0' then verdicts(n, t) end
		for k = 1, #r[2], 2 do
			local u = hash('user:' .. r[2][k + 1])
			if u and u.source == SOURCES[i] and u.login == r[2][k] then
				figures_of(function(kind, value)
					local name = kind .. ':' .. value
					n[name] = (n[name] or 0) + 1
				end, r[2][k + 1], u, t)
			end
		end
		for name, v in pairs(n) do flat[#flat + 1], flat[#flat + 2] = name, text(v) end
		if r[1] ~= '0' then return { text(i) .. ':' .. r[1], flat } end
		return { SOURCES[i + 1] and text(i + 1) .. ':0' or '0', flat }
	end

	-- Who looked, or did something, by way of a program that speaks for many: it knows them, Redis does not.
	local DESK_WORDS = { console_searched = true, console_viewed = true, console_acted = true, console_code = true }

	function desk.note(a)
		local who = actor()
		need_ready()
		if who.kind ~= 'helpdesk' then fail('DENIED', 'only the helpdesk') end
		if not DESK_WORDS[a[1]] then fail('BADARG', 'no such word') end
		if a[1] == 'console_code' then guard_rate(who) end
		local by, address = arg_text(a[2], 128, 'who'), arg_text(a[4], 64, 'address', true)
		local id = a[3] ~= '' and arg_id(a[3], 'u', 'user id') or ''
		if not person_event(who, a[1], id, id ~= '' and hash('user:' .. id), 'by', by, 'address', address,
				'detail', arg_text(a[5], 300, 'detail', true)) then
			fail('NOPERM', 'the event could not be recorded')
		end
		return { ok = 'OK' }
	end
end

-- Lists -----
-----------------------------------------------------------------------------------

local function page(key, cursor)
	if not string.find(cursor, '^%d+$') or #cursor > 20 then fail('BADARG', 'bad cursor') end
	local r = redis.call('HSCAN', key, cursor, 'COUNT', 1000)
	return { r[1], r[2] }
end

local function holds(a)
	need_ready()
	local r = page('hold:' .. arg_source(a[1], 'source'), a[2] or '0')
	for i = 2, #r[2], 2 do r[2][i] = note(r[2][i]) end
	return r
end

local function logins(a)
	need_ready()
	return page('login:' .. arg_source(a[1], 'source'), a[2] or '0')
end

-- Events ---------------------------------------------------------------------------------------

local function is_id(s)
	return #s <= 41 and string.find(s, '^%d+-%d+$') ~= nil
end

-- The next events of all these writers in the order of their ids; `from` is where a writer without a position begins.
local function events_of(names, pos, from, max)
	local list, quota = {}, math.ceil(max / #names) + 10
	for _, name in ipairs(names) do
		local first = pos[name] and is_id(pos[name]) and '(' .. pos[name] or from
		for _, e in ipairs(stream('XRANGE', name, first, '+', quota, EVENTS_BYTES / #names)) do list[#list + 1] = { name, e[1], e[2] } end
	end
	table.sort(list, function(x, y)
		if x[2] == y[2] then return x[1] < y[1] end
		return id_less(x[2], y[2])
	end)
	for i = #list, max + 1, -1 do list[i] = nil end
	return list
end

local function writers()
	local names, flat = { 'installer' }, redis.call('HGETALL', 'actors')
	for i = 1, #flat, 2 do names[#names + 1] = flat[i] end
	return names
end

local function events(a)
	need_ready()
	local reader, max = arg_name(a[1], 'reader'), arg_int(a[2], 1, 1000, 'max')
	return events_of(writers(), hash('pos:' .. reader) or {}, '-', max)
end

local reading = {}

-- For people who look on: the position is the caller's, so that any number may watch and nothing is written.
function reading.tail(a)
	need_ready()
	local max, since = arg_int(a[2], 1, 1000, 'max'), text(arg_int(a[3], 0, 99999999999999, 'since'))
	local pos, names, positions = {}, writers(), {}
	for name, id in string.gmatch(a[1], '(%S+) (%S+)') do pos[name] = is_id(id) and id or nil end
	local list = events_of(names, pos, since, max)
	for _, e in ipairs(list) do pos[e[1]] = e[2] end
	for _, name in ipairs(names) do
		if pos[name] then positions[#positions + 1] = name .. ' ' .. pos[name] end
	end
	return { table.concat(positions, ' '), list }
end

-- Streams of which a reader missed something: what it has dealt with last is there no more, and something newer is.
-- What is removed once it was read (gc) leaves the last one that was.
function reading.gaps(a)
	need_ready()
	local pos, list = hash('pos:' .. arg_name(a[1], 'reader')) or {}, {}
	for _, name in ipairs(writers()) do
		if pos[name] and is_id(pos[name]) then
			local r = redis.pcall('XRANGE', 'events:' .. name, '-', '+', 'COUNT', 1)
			local first = not r.err and r[1] and r[1][1]
			if first and id_less(pos[name], first) then list[#list + 1] = { name, pos[name], first } end
		end
	end
	return list
end

function reading.ack(a)
	need_ready()
	local cmd = { 'HSET', 'pos:' .. arg_name(a[1], 'reader') }
	if #a % 2 ~= 1 then fail('BADARG', 'positions come as writer and id') end
	for i = 2, #a, 2 do
		if not is_id(a[i + 1]) then fail('BADARG', 'bad stream id') end
		local old = redis.call('HGET', cmd[2], arg_name(a[i], 'writer'))
		if not (old and is_id(old)) or id_less(old, a[i + 1]) then
			cmd[#cmd + 1] = a[i]
			cmd[#cmd + 1] = a[i + 1]
		end
	end
	if #cmd > 2 then run({ cmd }) end
	return (#cmd - 2) / 2
end

do
	-- What auto_revoke tells of itself, here too for who looks on. It has told the audit trail by then.
	local WORDS = { brake_engaged = true, brake_released = true, brake_cleared = true, source_failed = true,
		source_missing = true, source_silent = true, source_heard = true, source_back = true, apply_failed = true,
		events_lost = true }

	function reading.note(a)
		local who, fields = need_person_or_program(), {}
		need_ready()
		if who.name ~= 'auto_revoke' then fail('DENIED', 'only auto_revoke') end
		if not WORDS[a[1]] then fail('BADARG', 'no such word') end
		if #a % 2 ~= 1 then fail('BADARG', 'fields come as name and value') end
		for i = 2, #a, 2 do
			fields[i - 1], fields[i] = arg_name(a[i], 'field'), arg_text(a[i + 1], 1024, 'value', true)
			if a[i] == 'event' or a[i] == 'time' then fail('BADARG', 'not a field') end
		end
		if not event(who, a[1], unpack(fields)) then fail('NOPERM', 'the event could not be recorded') end
		return { ok = 'OK' }
	end
end

-- Removing what is of no more use ----------------------------------------------------------------

local gc
do

local GC_PAGE = '200'               -- radius waits while one is made
local GC_TICKET = TICKET_MAX + 86400 -- a ticket that was revoked so long ago cannot be used any more
local GC_KEEP_MIN = GC_TICKET        -- whoever asks what tickets were used looks back that far

local function member_zrem(key, limit, dry)
	local old = redis.call('ZRANGE', key, '-inf', '(' .. text(limit), 'BYSCORE', 'LIMIT', 0, 500)
	if #old > 0 and not dry then run({ { 'ZREM', key, unpack(old) } }) end
	return #old
end

local function key_is_used(serial, c)
	for _, e in ipairs(certs_of(c.user, -1)) do
		if e.serial ~= serial and e.c.spki == c.spki then return true end
	end
	return false
end

local GC = {}

-- With its revocation, which no list shows any more.
function GC.cert(n, serial, limit, dry)
	local c = hash('cert:' .. serial)
	local to = c and number(c.not_after)
	if not to or to >= limit then return end
	local plan = { { 'UNLINK', 'cert:' .. serial } }
	if c.user and c.user ~= '' then plan[2] = { 'ZREM', 'ucerts:' .. c.user, serial } end
	if is_revoked(serial) then
		plan[#plan + 1] = { 'HDEL', 'revoked', serial }
		n.revocations = n.revocations + 1
	end
	if c.spki and c.user and redis.call('HGET', 'keyowners', c.spki) == c.user and not key_is_used(serial, c) then
		plan[#plan + 1] = { 'HDEL', 'keyowners', c.spki }
	end
	n.certs = n.certs + 1
	if not dry then run(plan) end
end

-- One that its owner took away, when nothing names it any more.
function GC.device(n, id, limit, dry, t)
	local d = hash('device:' .. id)
	local removed = d and number(d.removed or '')
	if not removed or removed >= limit or not d.owner then return end
	for _, e in ipairs(certs_of(d.owner, -1)) do
		if e.c.device == id then return end
	end
	for _, o in ipairs(redis.call('ZRANGE', 'utickets:' .. d.owner, '(' .. text(t), '+inf', 'BYSCORE')) do
		if string.sub(o, 66) == id then return end
	end
	n.devices = n.devices + 1
	if not dry then run({ { 'UNLINK', 'device:' .. id }, { 'ZREM', 'udevices:' .. d.owner, id } }) end
end

function GC.utickets(n, id, _, dry, t)
	n.entries = n.entries + member_zrem('utickets:' .. id, t - GC_TICKET, dry)
end

function GC.usessions(n, id, _, dry, t)
	n.entries = n.entries + member_zrem('usessions:' .. id, t - SESSION_GRACE, dry)
end

-- A ticket's record and claim go by themselves; that it was revoked stays until neither can come back.
local function gc_revoked(n, id, value, dry, t)
	local at = number(string.match(value, '^(%d+) ') or '')
	if #id ~= 64 or not at or at + GC_TICKET > t then return end
	if redis.call('EXISTS', 'ticket:' .. id) == 1 or redis.call('EXISTS', 'claim:' .. id) == 1 then return end
	n.revocations = n.revocations + 1
	if not dry then run({ { 'HDEL', 'revoked', id } }) end
end

-- How far the readers in a group are: what they have all dealt with, and whether older than `limit` waits. Who keeps
-- sessions from going on (disconnect) may have been down; what it has not read stays, as far as MAXLEN lets it.
local function group_seen(name, limit)
	local r = redis.pcall('XINFO', 'GROUPS', 'events:' .. name)
	if r.err then return string.find(r.err, 'no such key', 1, true) and '+' or nil end
	local least, waiting = '+', false
	for i = 1, #r do
		local g = pairs_to_table(r[i])
		local id = g['last-delivered-id']
		local p = g.pending > 0 and redis.call('XPENDING', 'events:' .. name, g.name)
		if p and p[2] and id_less(p[2], id) then id = p[2] end
		local next = redis.call('XRANGE', 'events:' .. name, (p and p[2] == id) and id or '(' .. id, '+', 'COUNT', 1)[1]
		if next and id_less(next[1], limit) then waiting = next[1] end
		if least == '+' or id_less(id, least) then least = id end
	end
	return least, waiting
end

-- Events that were passed on, and are old. Nodes of the stream at a time, so that it is cheap.
local function gc_events(n, limit, dry, who)
	local pos, names = hash('pos:auto_revoke') or {}, { 'installer' }
	local flat = redis.call('HGETALL', 'actors')
	for i = 1, #flat, 2 do names[#names + 1] = flat[i] end
	for _, name in ipairs(names) do
		local id, ack, group, waiting = text(limit) .. '000-0', pos[name], group_seen(name, text(limit) .. '000-0')
		if ack and is_id(ack) and group and not dry then
			if id_less(ack, id) then id = ack end
			if group ~= '+' and id_less(group, id) then id = group end
			local cmd = { 'XTRIM', 'events:' .. name, 'MINID', '~', id }
			allowed(cmd)
			local r = redis.pcall(unpack(cmd))
			n.events = n.events + (type(r) == 'number' and r or 0)
		end
		if waiting and not dry then
			event(who, 'events_unread', 'reader', 'disconnect', 'writer', name, 'oldest', waiting)
		end
	end
end

function gc(a)
	local who, t, dry = need_person_or_program(), now(), a[3] == 'dry'
	need_ready()
	local step, cursor = string.match(a[1], '^([123]):(%d+)$')
	if not step or #cursor > 20 then fail('BADARG', 'bad cursor') end
	local limit = t - arg_int(a[2], GC_KEEP_MIN, 36500 * 86400, 'keep')
	local n, next = { certs = 0, revocations = 0, devices = 0, entries = 0, events = 0 }, nil
	if step == '1' then
		local r = redis.call('SCAN', cursor, 'COUNT', GC_PAGE)
		for _, key in ipairs(r[2]) do
			local kind, id = string.match(key, '^(%a+):(.+)$')
			if kind and GC[kind] then GC[kind](n, id, limit, dry, t) end
		end
		next = r[1] == '0' and '2:0' or '1:' .. r[1]
	elseif step == '2' then
		local r = redis.call('HSCAN', 'revoked', cursor, 'COUNT', GC_PAGE)
		for i = 1, #r[2], 2 do gc_revoked(n, r[2][i], r[2][i + 1], dry, t) end
		next = r[1] == '0' and '3:0' or '2:' .. r[1]
	else
		gc_events(n, limit, dry, who)
		n.entries = n.entries + member_zrem('enrols', t - ENROL_TTL, dry)
		next = '0'
	end
	if not dry and n.certs + n.revocations + n.devices > 0 then
		event(who, 'records_removed', 'certs', text(n.certs), 'revocations', text(n.revocations), 'devices', text(n.devices))
	end
	return { next, n.certs, n.revocations, n.devices, n.entries, n.events }
end

end

-- What the ca copies into its journal -----------------------------------------------------------

-- Events of these only repeat what the ca knows or what is no fact.
local CHANGED_SKIP = { front = true, ca = true }
local CHANGED_EVENTS = 200

-- The fields in an order of their own, so that the same record always looks the same.
local function fact_row(list, kind, id, extra, key, fields)
	local row, v = { kind, id, extra }, redis.call('HMGET', key, unpack(fields))
	for i = 1, #fields do
		if v[i] then
			row[#row + 1] = fields[i]
			row[#row + 1] = string.sub(v[i], 1, 1024)
		end
	end
	if #row > 3 then list[#list + 1] = row end
end

local function fact_person(list, id)
	local source, login = unpack(redis.call('HMGET', 'user:' .. id, 'source', 'login'))
	local own = source and login and IS_SOURCE[source] and redis.call('HGET', 'login:' .. source, login) == id
	fact_row(list, 'p', id, own and source .. ':' .. string.sub(login, 1, 128) or '', 'user:' .. id, USER_FIELDS)
	for _, device in ipairs(redis.call('ZRANGE', 'udevices:' .. id, 0, DEVICES_MAX)) do
		fact_row(list, 'd', device, '', 'device:' .. device, DEVICE_FIELDS)
	end
end

local function fact_revoked(list, id)
	local v = redis.call('HGET', 'revoked', id)
	if v then list[#list + 1] = { 'r', id, note(v) } end
end

local function facts_of(a)
	need_ready()
	local id, list = a[1], {}
	if #id == 0 or #id > 64 then fail('BADARG', 'user must be 1 to 64 bytes') end
	fact_person(list, id)
	for _, s in ipairs(SOURCES) do
		local v = redis.call('HGET', 'hold:' .. s, id)
		if v then list[#list + 1] = { 'h', id, s, note(v) } end
	end
	for _, serial in ipairs(redis.call('ZRANGE', 'ucerts:' .. id, 0, -1)) do fact_revoked(list, serial) end
	for _, t in ipairs(redis.call('ZRANGE', 'utickets:' .. id, 0, -1)) do fact_revoked(list, string.sub(t, 1, 64)) end
	return list
end

-- Holds first: there are few, and they are what has to be known first.
local FACT_STEPS = {}
for i = 1, #SOURCES do FACT_STEPS[#FACT_STEPS + 1] = { 'hold:' .. SOURCES[i], 'h', SOURCES[i] } end
FACT_STEPS[#FACT_STEPS + 1] = { 'revoked', 'r' }
for i = 1, #SOURCES do FACT_STEPS[#FACT_STEPS + 1] = { 'login:' .. SOURCES[i], 'l' } end

local function facts(a)
	need_ready()
	local step, cursor = string.match(a[1], '^(%d+):(%d+)$')
	step = number(step or '')
	local what = step and #cursor <= 20 and FACT_STEPS[step] or fail('BADARG', 'bad cursor')
	local list, r = {}, redis.call('HSCAN', what[1], cursor, 'COUNT', what[2] == 'l' and 50 or 500)
	for i = 1, #r[2], 2 do
		local name, value = r[2][i], r[2][i + 1]
		if what[2] == 'r' then
			list[#list + 1] = { 'r', string.sub(name, 1, 65), note(value) }
		elseif what[2] == 'h' then
			list[#list + 1] = { 'h', string.sub(name, 1, 65), what[3], note(value) }
		else
			fact_person(list, value)
		end
	end
	if r[1] ~= '0' then return { text(step) .. ':' .. r[1], list } end
	return { FACT_STEPS[step + 1] and (a[2] ~= 'standing' or what[2] == 'h') and text(step + 1) .. ':0' or '0', list }
end

local function unrevoked(a)
	need_ready()
	local v, list = redis.call('HMGET', 'revoked', unpack(a)), {}
	for i = 1, #a do
		if not v[i] then list[#list + 1] = a[i] end
	end
	return list
end

local function inactive(a)
	need_ready()
	local list = {}
	for i = 1, #a do
		if redis.call('HGET', 'cert:' .. a[i], 'state') ~= 'active' then list[#list + 1] = a[i] end
	end
	return list
end

local function changed(a)
	need_ready()
	local from, first, positions, rows = {}, a[1] == '', {}, {}
	for name, id in string.gmatch(a[1], '(%S+) (%S+)') do from[name] = is_id(id) and id or nil end
	local flat = redis.call('HGETALL', 'actors')
	for i = 1, #flat, 2 do
		local name, list = flat[i], {}
		if not CHANGED_SKIP[name] then
			local last = from[name] or '0-0'
			if first then
				local r = redis.pcall('XREVRANGE', 'events:' .. name, '+', '-', 'COUNT', 1)
				last = not r.err and r[1] and r[1][1] or last
			else
				list = stream('XRANGE', name, '(' .. last, '+', CHANGED_EVENTS, EVENTS_BYTES / #flat)
			end
			for _, e in ipairs(list) do
				local f = pairs_to_table(e[2])
				if f.user and #f.user > 0 and #f.user <= 64 then
					rows[#rows + 1] = { f.user, f.event == 'user_restored' and name or '', string.sub(f.hold or '', 1, 32),
						f.event == 'cert_used' and 1 or 0 }
				end
			end
			positions[#positions + 1] = name .. ' ' .. (#list > 0 and list[#list][1] or last)
		end
	end
	return { redis.call('HLEN', 'revoked'), table.concat(positions, ' '), rows }
end

-- Vouchers for guests ----------------------------------------------------------------------------

do
	-- Seconds kept after the end, longest, rows shown at once.
	local vouchers = { past = 30 * 86400, ahead = 732 * 86400, page = 200 }

	function vouchers.id(s)
		if #s ~= 16 or not string.find(s, '^guest%-%x+$') then fail('BADARG', 'a voucher is guest- and 10 hex digits') end
		return s
	end

	function vouchers.row(id, v)
		return { id, v.by or '', v.by_login or '', v.name or '', v.reason or '', v.group or '', text(number(v.from) or 0),
			text(number(v['until']) or 0), text(number(v.devices) or 0), text(number(v.used) or 0),
			text(number(v.revoked) or 0), v.user or '' }
	end

	function vouchers.plan_listed(plan, id, by, score, t)
		for _, key in ipairs({ 'vouchers', 'vouchers:' .. by }) do
			plan[#plan + 1] = { 'ZREMRANGEBYSCORE', key, '-inf', text(t - vouchers.past) }
			plan[#plan + 1] = { 'ZADD', key, text(score), id }
		end
		plan[#plan + 1] = { 'EXPIREAT', 'vouchers:' .. by, text(t + vouchers.ahead + vouchers.past) }
	end

	function vouchers.put(a)
		local who = need_person_or_program()
		need_ready()
		local id, code, by = vouchers.id(a[1]), arg_hash(a[2], 'hash of the code'), arg_id(a[3], 'u', 'who vouches')
		local name, reason = arg_text(a[4], 128, 'name'), arg_reason(a[5])
		local group, t = arg_name(a[6], 'group'), now()
		local ends = arg_int(a[8], t + 1, t + vouchers.ahead, 'until')
		local from = arg_int(a[7], 0, ends - 1, 'from')
		local devices, limit = arg_int(a[9], 1, 100, 'devices'), arg_int(a[10], 1, 10000, 'limit')
		local bad, u = person_bad(by, t)
		if bad then fail('DENIED', '%s', bad) end
		if u.source == 'voucher' then fail('DENIED', 'a guest vouches for nobody') end
		if redis.call('EXISTS', 'voucher:' .. id) == 1 then fail('EXISTS', 'there is such a voucher') end
		if #redis.call('ZRANGE', 'vouchers:' .. by, '(' .. text(t), '+inf', 'BYSCORE') >= limit then
			fail('STATE', 'the limit of %d vouchers is reached', limit)
		end
		local plan = {
			{ 'HSET', 'voucher:' .. id, 'code', code, 'by', by, 'by_login', u.login or '', 'name', name, 'reason', reason,
				'group', group, 'from', text(from), 'until', text(ends), 'devices', text(devices), 'created', text(t) },
			{ 'EXPIREAT', 'voucher:' .. id, text(ends + vouchers.past) },
		}
		vouchers.plan_listed(plan, id, by, ends, t)
		run(plan)
		person_event(who, 'voucher_made', by, u, 'voucher', id, 'name', name, 'reason', reason, 'group', group,
			'from', text(from), 'until', text(ends), 'devices', text(devices))
		return { ok = 'OK' }
	end

	-- The guest becomes a person, whose leaving date ends what the voucher gives. `with`: also with whoever vouched.
	function vouchers.use(a)
		local who = need_person_or_program()
		need_ready()
		local id, code, t = vouchers.id(a[1]), arg_hash(a[2], 'hash of the code'), now()
		local fresh, with = arg_id(a[3], 'u', 'user id'), arg_int(a[4], 0, 1, 'with') == 1
		local v = hash('voucher:' .. id)
		if not v or v.code ~= code then fail('NOTFOUND', 'no such voucher') end
		local ends, from, devices = number(v['until']) or 0, number(v.from), number(v.devices)
		local bad, by = person_bad(v.by or '', t)
		if bad and (with or not v.user) then fail('DENIED', 'who vouched: %s', bad) end
		if with and leave_at(by) > 0 then ends = math.min(ends, leave_at(by)) end
		if v.revoked or ends <= t or not from or not devices then fail('DENIED', 'the voucher is over') end
		if from > t then fail('STATE', 'the voucher does not count yet') end
		local user = v.user or fresh
		local plan = {
			{ 'HSET', 'user:' .. user, 'devices', text(devices) },
			{ 'HSET', 'voucher:' .. id, 'user', user, 'used', v.used or text(t) },
		}
		for _, cmd in ipairs(plan) do allowed(cmd) end
		user = user_put({ 'voucher', id, user, v.name or '', '', v.group or '', text(ends) })
		plan[1][2], plan[2][4] = 'user:' .. user, user
		run(plan)
		v.user = user
		if not v.used then
			person_event(who, 'voucher_used', user, hash('user:' .. user), 'voucher', id, 'by', v.by_login or '')
		end
		return vouchers.row(id, v)
	end

	-- by: only when this person made it; '': whoever did.
	function vouchers.revoke(a)
		local who = need_person_or_program()
		need_ready()
		local id, t, login = vouchers.id(a[1]), now(), arg_login(a[3])
		local by = a[2] ~= '' and arg_id(a[2], 'u', 'who vouches')
		local v = hash('voucher:' .. id)
		if not v or by and v.by ~= by then fail('NOTFOUND', 'no such voucher') end
		local plan, serials, u = {}, {}, v.user and hash('user:' .. v.user)
		if u then
			serials = plan_revoke_all(plan, v.user, nil, stamp(who, string.sub('voucher ended by ' .. login, 1, 140)), t)
			plan[#plan + 1] = { 'HSET', 'user:' .. v.user, 'leave_at', text(t), 'leave_set', text(t), 'updated', text(t) }
		end
		plan[#plan + 1] = { 'HSET', 'voucher:' .. id, 'revoked', v.revoked or text(t) }
		vouchers.plan_listed(plan, id, arg_id(v.by, 'u', 'who vouched'), math.min(t, number(v['until']) or t), t)
		run(plan)
		person_event(who, 'voucher_revoked', v.user or '', u, 'voucher', id, 'by', login, 'serials', first(serials, 64))
		return #serials
	end

	function vouchers.list(a)
		need_ready()
		local key, rows = a[1] == '' and 'vouchers' or 'vouchers:' .. arg_id(a[1], 'u', 'who vouches'), {}
		for _, id in ipairs(redis.call('ZRANGE', key, '+inf', '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, vouchers.page)) do
			local v = hash('voucher:' .. id)
			if v then rows[#rows + 1] = vouchers.row(id, v) end
		end
		return rows
	end

	desk.vouchers = vouchers
end

-- Registration ---------------------------------------------------------------------------------

local function register(name, fn, min, max, ...)
	if session_verbs[name] then session_verbs[name] = { fn, min, max } end
	redis.register_function({
		function_name = name,
		flags = { ... },
		callback = function(keys, args)
			if #keys > 0 then return redis.error_reply('BADARG call with 0 keys') end
			if #args < min or #args > max then
				return redis.error_reply(string.format('BADARG %s takes %d to %d arguments', name, min, max))
			end
			memo = nil
			local ok, r = pcall(fn, args)
			memo = nil
			if ok then return r end
			return redis.error_reply(error_text(r))
		end,
	})
end

register('status', status, 0, 0, 'no-writes')
register('setup', setup, 0, 1)
register('beat', beat, 5, 5, 'allow-oom')
register('suspect', suspect, 1, 1, 'allow-oom')
register('renew', renew, 5, 5, 'allow-oom')
register('actor_put', actor_put, 2, 2)
register('group_put', group_put, 1, 31)
register('group_del', group_del, 1, 1)
register('groups', groups, 0, 0, 'no-writes')
register('policy_new', staged.new, 1, 1)
register('policy_group', staged.group, 2, 32)
register('policy_seal', staged.seal, 2, 2)
register('policy_activate', staged.activate, 1, 1)
register('policy_rollback', staged.rollback, 0, 0)
register('policies', staged.versions, 0, 0, 'no-writes')
register('policy_show', staged.show, 1, 1, 'no-writes')
register('policy_shadow', staged.shadow, 1, 1)
register('shadow_facts', staged.shadow_facts, 1, 1, 'no-writes')
register('shadow_note', staged.shadow_note, 3, 67)
register('shadow_report', staged.shadow_report, 0, 0, 'no-writes')
register('rebuild', from_journal.rebuild, 1, 2)
register('mend', from_journal.mend, 6, 16, 'allow-oom')
register('certs_live', from_journal.certs_live, 1, 1, 'no-writes')
register('rebuild_look', rebuild_look, 0, 0, 'no-writes')
register('key_owners', key_owners, 1, 1)
register('user_put', user_put, 7, 7)
register('user_get', user_get, 1, 1, 'no-writes')
register('user_find', user_find, 1, 1, 'no-writes')
register('device_put', device_put, 4, 4)
register('devices', mine.list, 1, 1, 'no-writes')
register('device_rename', mine.rename, 3, 3)
register('remind_due', mine.remind_due, 2, 2, 'no-writes')
register('remind_claim', mine.remind_claim, 4, 82)
register('remind_undo', mine.remind_undo, 2, 41)
register('remind_set', mine.remind_set, 3, 3)
register('supersede', mine.supersede, 1, 1, 'allow-oom')
register('device_revoke', device_revoke, 3, 3, 'allow-oom')
register('ticket_put', ticket_put, 8, 8)
register('ticket_get', ticket_get, 1, 1, 'no-writes')
register('ticket_claim', ticket_claim, 9, 9)
register('cert_commit', cert_commit, 2, 2, 'allow-oom')
register('cert_abort', cert_abort, 2, 2, 'allow-oom')
register('cert_get', cert_get, 1, 1, 'no-writes')
register('enrol_note', enrol_note, 4, 5)
register('authorize', authorize, 1, 3, 'no-writes')
register('session_open', session_open, 3, 31)
register('session_update', session_update, 2, 30)
register('session_close', session_close, 1, 1)
register('session_refused', session_refused, 4, 5)
register('session_tell', session_tell, 0, 240)
register('sessions', sessions, 1, 1, 'no-writes')
register('sessions_check', sessions_check, 2, 2, 'no-writes')
register('receipts_put', receipts_put, 1, 80, 'allow-oom')
register('receipts', receipts, 1, 1, 'no-writes')
register('cert_status', cert_status, 1, 1, 'no-writes')
register('crl_list', crl_list, 1, 2, 'no-writes')
register('crl_revision', crl_revision, 0, 0, 'no-writes')
register('revoke_cert', revoke_cert, 2, 2, 'allow-oom')
register('revoke_user', revoke_user, 2, 3, 'allow-oom')
register('suspend_user', suspend_user, 2, 3, 'allow-oom')
register('restore_user', restore_user, 1, 2, 'allow-oom')
register('forget_mac', macs.forget, 2, 2, 'allow-oom')
register('why', desk.why, 1, 1, 'no-writes')
register('desk_find', desk.find, 2, 2, 'no-writes')
register('desk_person', desk.person, 1, 1, 'no-writes')
register('desk_story', desk.story, 5, 5, 'no-writes')
register('desk_overview', desk.overview, 1, 1, 'no-writes')
register('desk_note', desk.note, 5, 5)
register('holds', holds, 1, 2, 'no-writes')
register('logins', logins, 1, 2, 'no-writes')
register('events', events, 2, 2, 'no-writes')
register('leavers_note', reading.note, 1, 25, 'allow-oom')
register('events_gaps', reading.gaps, 1, 1, 'no-writes')
register('events_ack', reading.ack, 1, 201, 'allow-oom')
register('events_tail', reading.tail, 3, 3, 'no-writes')
register('gc', gc, 3, 3, 'allow-oom')
register('changed', changed, 1, 1, 'no-writes')
register('facts', facts, 1, 2, 'no-writes')
register('facts_of', facts_of, 1, 1, 'no-writes')
register('unrevoked', unrevoked, 1, 90, 'no-writes')
register('inactive', inactive, 1, 90, 'no-writes')
register('voucher_put', desk.vouchers.put, 10, 10)
register('voucher_use', desk.vouchers.use, 4, 4)
register('voucher_revoke', desk.vouchers.revoke, 3, 3, 'allow-oom')
register('vouchers', desk.vouchers.list, 1, 1, 'no-writes')
