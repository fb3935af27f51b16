-- Count a transient failure of a queued operation. ARGV: op key, packed error or ''.
local record = gen and key('op:' .. ARGV[1])
local was = record and redis.call('HMGET', record, 't', 's', 'x')
if not was or (was[1] ~= 'queued' and was[1] ~= 'applying') then return 0 end
redis.call('HINCRBY', record, 'r', 1)
if ARGV[2] ~= '' then
  redis.call('HSET', record, 'x', ARGV[2])
  if not was[3] then count('failing', was[2], 1) end
elseif was[3] then
  redis.call('HDEL', record, 'x')
  count('failing', was[2], -1)
end
changed({'o:' .. ARGV[1]})
return 1
