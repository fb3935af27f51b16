-- Mutable things in the order of their last change, with the space at this moment. ARGV: after, limit, bytes.
-- {info, tick to continue after, whether there may be more, {{member, fields, snapshots}, …}, latest tick}
if not gen then return {} end
local members = redis.call('ZRANGEBYSCORE', key('changed'), '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local room, last, found, more = tonumber(ARGV[3]), ARGV[1], {}, #members == 2 * ARGV[2]
for i = 1, #members, 2 do
  if room < 0 then
    more = true
    break
  end
  local kind, name = members[i]:match('^(.):(.*)$')
  local fields, snapshots
  if kind == 's' then
    fields, snapshots = redis.call('HGETALL', key('s:' .. name)), redis.call('HGETALL', key('snap:' .. name))
  else
    fields, snapshots = redis.call('HGETALL', key((kind == 'o' and 'op:' or 'c:') .. name)), {}
  end
  for _, each in ipairs(fields) do room = room - #each end
  for _, each in ipairs(snapshots) do room = room - #each end
  found[#found + 1] = {members[i], fields, snapshots}
  last = members[i + 1]
end
return {info(), last, more and 1 or 0, found, redis.call('HGET', space, 'tick') or '0'}
