-- What the checker reads of Redis, as lines of fields: cert, revoked, hold, claim.
local digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
local function base64(s)
	local out = {}
	for i = 1, #s, 3 do
		local a, b, c = string.byte(s, i, i + 2)
		local n = a * 65536 + (b or 0) * 256 + (c or 0)
		for k = 0, 3 do
			local d = math.floor(n / 64 ^ (3 - k)) % 64
			out[#out + 1] = (k == 3 and not c or k == 2 and not b) and '=' or string.sub(digits, d + 1, d + 1)
		end
	end
	return table.concat(out)
end
local lines = {}
local function line(...) lines[#lines + 1] = table.concat({ ... }, '\t') end
local function each(pattern, fn)
	for _, key in ipairs(redis.call('KEYS', pattern)) do
		fn(string.sub(key, #pattern), function(f) return redis.call('HGET', key, f) or '-' end)
	end
end
each('cert:*', function(id, get) line('cert', id, get('state'), get('spki'), get('ticket'), get('user'), get('issuer')) end)
each('claim:*', function(id, get)
	local der = get('der')
	line('claim', id, get('state'), get('spki'), get('serial'), der == '-' and '-' or base64(der))
end)
for _, id in ipairs(redis.call('HKEYS', 'revoked')) do line('revoked', id) end
each('hold:*', function(source) for _, id in ipairs(redis.call('HKEYS', 'hold:' .. source)) do line('hold', id) end end)
line('end')
return lines
