-- A page of states in the order of their ids, at one revision. ARGV[1] (msgpack): deleted, prefix, after, limit, data,
-- and the filters type, owners, tags, words, since, status. {revision, rows, id to continue after or ''}
if not gen then return {'0', {}, ''} end
local ask = cmsgpack.unpack(ARGV[1])
local CHUNK = 200

local function shares(wanted, has)
  for _, each in ipairs(wanted) do
    for _, other in ipairs(has) do
      if each == other then return true end
    end
  end
  return #wanted == 0
end

local function status(id)
  if redis.call('HEXISTS', key('conflicted'), id) == 1 then return 'conflict' end
  if redis.call('HEXISTS', key('failing'), id) == 1 then return 'error' end
  if redis.call('EXISTS', key('queue:' .. id)) == 1 then return 'pending' end
  return 'synced'
end

local function says(text)
  for _, word in ipairs(ask.words) do
    if not string.find(text, word, 1, true) then return false end
  end
  return true
end

local function wanted(id, packed)
  local facts = cmsgpack.unpack(packed)
  return (not ask.type or facts.type == ask.type)
    and (not ask.since or facts.at >= ask.since)
    and shares(ask.owners, facts.owners)
    and shares(ask.tags, facts.tags)
    and says(facts.text or '')
    and (not ask.status or status(id) == ask.status)
end

local function row(id)
  local s = redis.call('HMGET', key('s:' .. id), 'v', 'u', 'r', 'c', 'm')
  s[6] = ask.data and redis.call('HGET', key('s:' .. id), 'b') or ''
  local ops = {}
  for i, op in ipairs(redis.call('ZRANGE', key('queue:' .. id), 0, 99)) do
    ops[i] = {op, redis.call('HMGET', key('op:' .. op), unpack(OP))}
  end
  return {s, status(id), ops}
end

local index = key(ask.deleted and 'gone' or 'live')
local from = ask.after >= ask.prefix and ask.after ~= '' and '(' .. ask.after or '[' .. ask.prefix
local rows, last = {}, nil
local function page()
  local ids = redis.call('ZRANGEBYLEX', index, from, '+', 'LIMIT', 0, CHUNK)
  local facts = #ids > 0 and redis.call('HMGET', key('facts'), unpack(ids)) or {}
  for i, id in ipairs(ids) do
    if id:sub(1, #ask.prefix) ~= ask.prefix then return '' end
    if wanted(id, facts[i]) then
      if #rows == ask.limit then return last end
      rows[#rows + 1] = row(id)
      last = id
    end
  end
  if #ids < CHUNK then return '' end
  from = '(' .. ids[#ids]
end
local continue
repeat continue = page() until continue
return {redis.call('HGET', space, 'revision'), rows, continue}
