-- Audit records. ARGV: after, limit.
local found = {}
if not gen then return found end
local first, last = tonumber(ARGV[1]) + 1, tonumber(redis.call('HGET', space, 'audit'))
for n = first, math.min(last, first + tonumber(ARGV[2]) - 1) do
  local number = whole(n)
  local blob = redis.call('HGET', key('audit'), number)
  if blob then found[#found + 1] = {number, blob} end
end
return found
