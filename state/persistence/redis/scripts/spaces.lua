-- All spaces. KEYS[1]: their set.
local found = {}
for i, space in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  found[i] = redis.call('HMGET', space, 'id', 'epoch', 'revision', 'compact_revision', 'audit')
end
return found
