-- What a version's data are made of. ARGV: id, version.
-- {'none'} | {'compacted', oldest} | {'data', version and uid of the start, packed start, following entries}
local s = gen and redis.call('HMGET', key('s:' .. ARGV[1]), 'v', 'u', 'c', 'b')
local version = tonumber(ARGV[2])
if not s or not s[1] or version < 1 or version > tonumber(s[1]) then return {'none'} end
if version < tonumber(s[3]) then return {'compacted', s[3]} end
if ARGV[2] == s[1] then return {'data', s[1], s[2], s[4], {}} end
local start, uid, packed = '0', '', ''
local nearest = redis.call('ZREVRANGEBYSCORE', key('snaps:' .. ARGV[1]), ARGV[2], '-inf', 'LIMIT', 0, 1)[1]
if nearest then
  start, uid = nearest:match('^(%d+) (.*)$')
  packed = redis.call('HGET', key('snap:' .. ARGV[1]), nearest)
end
local entries = {}
for v = tonumber(start) + 1, version do
  entries[#entries + 1] = redis.call('HGET', key('e:' .. ARGV[1]), whole(v)) or ''
end
return {'data', start, uid, packed, entries}
