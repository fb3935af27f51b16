-- Remove outcomes settled before a time. ARGV: microseconds, limit. {how many were looked at, how many were there}
if not gen then return {0, 0} end
local found = redis.call('ZRANGEBYSCORE', key('settled'), '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
local removed = 0
for _, op in ipairs(found) do
  removed = removed + redis.call('DEL', key('op:' .. op))
  redis.call('ZREM', key('settled'), op)
  redis.call('ZREM', key('changed'), 'o:' .. op)
end
return {#found, removed}
