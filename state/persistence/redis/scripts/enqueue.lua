-- Keep a queued operation, once. ARGV: op key, status, state id, packed record.
-- {'known', record} | {'queued', number} | {'absent'}
if not gen then return {'absent'} end
local record = key('op:' .. ARGV[1])
local known = redis.call('HMGET', record, unpack(OP))
if known[1] then return {'known', known} end
redis.call('HINCRBY', space, 'journal', 1)
local number = redis.call('HGET', space, 'journal')
redis.call('HSET', record, 't', ARGV[2], 's', ARGV[3], 'b', ARGV[4], 'n', number)
redis.call('ZADD', key('queue'), number, ARGV[1])
redis.call('ZADD', key('queue:' .. ARGV[3]), number, ARGV[1])
changed({'o:' .. ARGV[1]})
return {'queued', number}
