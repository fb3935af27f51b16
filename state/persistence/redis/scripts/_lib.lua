-- Before every script of a space. KEYS[1] is the space's hash; all else lies under its present generation, so that a
-- restore can put another content in place by changing one hash. Those keys share the hash tag of KEYS[1].
local space = KEYS[1]
local gen = redis.call('HGET', space, 'gen')

local function key(name)
  return space .. ':' .. gen .. ':' .. name
end

local function info()
  return redis.call('HMGET', space, 'id', 'epoch', 'revision', 'compact_revision', 'audit')
end

-- Versions are strings on the wire; as numbers they are exact up to 2^53.
local function whole(number)
  return string.format('%.0f', number)
end

-- Number the changes of mutable things, each once and the last time, so that a dump can follow them.
local function changed(members)
  local tick = redis.call('HINCRBY', space, 'tick', #members) - #members
  local args = {}
  for i, member in ipairs(members) do
    args[#args + 1] = whole(tick + i)
    args[#args + 1] = member
  end
  redis.call('ZADD', key('changed'), unpack(args))
end

local function count(name, field, by)
  if redis.call('HINCRBY', key(name), field, by) <= 0 then
    redis.call('HDEL', key(name), field)
  end
end

local function keep_snapshot(id, version, uid, data)
  local member = version .. ' ' .. uid
  redis.call('ZADD', key('snaps:' .. id), version, member)
  redis.call('HSET', key('snap:' .. id), member, data)
end

local OP = {'t', 'n', 'b', 'r', 'x'}
