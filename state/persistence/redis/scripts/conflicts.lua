-- Parked conflicts, newest first: the one of an id, or those that fit. ARGV: id, status, state id
-- (each '' for any, or behind '='), limit.
local found = {}
if not gen then return found end
local one, status, state = ARGV[1], ARGV[2]:sub(2), ARGV[3]:sub(2)
local function take(id)
  local c = redis.call('HMGET', key('c:' .. id), 't', 's', 'b')
  if c[1] and (ARGV[2] == '' or c[1] == status) and (ARGV[3] == '' or c[2] == state) then
    found[#found + 1] = {id, c[3]}
  end
end
if one ~= '' then
  take(one:sub(2))
  return found
end
local index, limit, CHUNK, start = key(status == 'open' and 'open' or 'conflicts'), tonumber(ARGV[4]), 200, 0
repeat
  local ids = redis.call('ZREVRANGE', index, start, start + CHUNK - 1)
  for _, id in ipairs(ids) do
    if #found < limit then take(id) end
  end
  start = start + CHUNK
until #ids < CHUNK or #found >= limit
return found
