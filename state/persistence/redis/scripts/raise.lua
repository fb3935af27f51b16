-- Say of states what their oldest version is now, and give up older snapshots. ARGV: id, version, …
if not gen then return 0 end
local moved = {}
for i = 1, #ARGV, 2 do
  local id, version = ARGV[i], ARGV[i + 1]
  local was = redis.call('HGET', key('s:' .. id), 'c')
  if was and tonumber(was) < tonumber(version) then
    redis.call('HSET', key('s:' .. id), 'c', version)
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', key('snaps:' .. id), '-inf', '(' .. version)) do
      redis.call('ZREM', key('snaps:' .. id), member)
      redis.call('HDEL', key('snap:' .. id), member)
    end
    moved[#moved + 1] = 's:' .. id
  end
end
if #moved > 0 then changed(moved) end
return 1
