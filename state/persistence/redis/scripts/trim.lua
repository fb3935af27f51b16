-- Give up entries at or below the floor, oldest first. ARGV: limit. Answers how many went.
if not gen then return 0 end
local floor = redis.call('HGET', space, 'compact_revision')
local items = redis.call('XRANGE', key('log'), '-', floor, 'COUNT', ARGV[1])
for _, item in ipairs(items) do
  redis.call('HDEL', key('e:' .. item[2][2]), item[2][4])
end
if #items > 0 then
  local revision, seq = items[#items][1]:match('^(%d+)-(%d+)$')
  redis.call('XTRIM', key('log'), 'MINID', '=', revision .. '-' .. whole(seq + 1))
end
return #items
