-- The revision of the newest entry committed before ARGV[1] (microseconds), '0' when there is none: by bisection, for
-- revisions have no gaps and follow the clock.
if not gen then return '0' end
local low, high = unpack(redis.call('HMGET', space, 'compact_revision', 'revision'))
low, high = tonumber(low), tonumber(high)
local found, before = 0, tonumber(ARGV[1])
while low < high do
  local middle = math.floor((low + high + 1) / 2)
  local entry = redis.call('XRANGE', key('log'), whole(middle), whole(middle), 'COUNT', 1)[1]
  if not entry or tonumber(entry[2][6]) < before then
    low = middle
    if entry then found = middle end
  else
    high = middle - 1
  end
end
return whole(found)
