-- Operations of the journal: the one under a key, or those that wait. ARGV: op key or '', '' or
-- '=' and a state id, limit.
local found = {}
if not gen then return found end
local keys = {ARGV[1]}
if ARGV[1] == '' then
  local queue = ARGV[2] == '' and key('queue') or key('queue:' .. ARGV[2]:sub(2))
  keys = redis.call('ZRANGE', queue, 0, ARGV[3] - 1)
end
for _, op in ipairs(keys) do
  local record = redis.call('HMGET', key('op:' .. op), unpack(OP))
  if record[1] then found[#found + 1] = {op, record} end
end
return found
