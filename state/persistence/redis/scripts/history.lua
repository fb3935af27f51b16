-- Entries of a state. ARGV: id, first version, last version ('' = the newest), limit, 'up' or 'down'.
local found = {}
local s = gen and redis.call('HMGET', key('s:' .. ARGV[1]), 'v', 'c')
if not s or not s[1] then return found end
local first = math.max(tonumber(ARGV[2]), tonumber(s[2]))
local last = math.min(tonumber(ARGV[3]) or math.huge, tonumber(s[1]))
local limit, step = tonumber(ARGV[4]), 1
if ARGV[5] == 'down' then first, last, step = last, first, -1 end
for v = first, last, step do
  if #found >= limit then break end
  local version = whole(v)
  local entry = redis.call('HGET', key('e:' .. ARGV[1]), version)
  if entry then found[#found + 1] = {ARGV[1], version, entry} end
end
return found
