-- States as they stand. ARGV: ids.
local found = {}
if not gen then return found end
for _, id in ipairs(ARGV) do
  local s = redis.call('HMGET', key('s:' .. id), 'v', 'u', 'r', 'c', 'm', 'b')
  if s[1] then found[#found + 1] = s end
end
return found
