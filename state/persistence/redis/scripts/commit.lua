-- Commit a batch (ARGV[1], msgpack; numbers as strings, packed parts opaque), each transaction whole or not at all.
-- Redis takes nothing back after an error, so each is judged wholly before its first write.
if not gen then return {'absent'} end
local batch = cmsgpack.unpack(ARGV[1])
local snapshot_every, snapshot_bytes, keep_ops = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

-- What was judged under a lock may build upon earlier transactions of the batch. Where that lock has expired and
-- somebody else wrote, all that the batch has for the state is refused: a later version that it expects may be there,
-- with the other's data.
local seen, overtaken = {}, {}
for _, t in ipairs(batch.transactions) do
  for _, w in ipairs(t.writes) do
    local holder, mine = redis.call('GET', key('lock:' .. w.id)), batch.locks[w.id]
    if holder and holder ~= mine then return {'held', w.id} end
    if mine and not holder and not seen[w.id] then
      overtaken[w.id] = (redis.call('HGET', key('s:' .. w.id), 'v') or '0') ~= w.expect
    end
    seen[w.id] = true
  end
end

local function known(op)
  local found = redis.call('HMGET', key('op:' .. op.key), unpack(OP))
  if found[1] and found[1] ~= 'queued' and found[1] ~= 'applying' then return found end
end

local function mismatches(t)
  local found, drafted = {}, {}
  for _, w in ipairs(t.writes) do
    local version = drafted[w.id] or redis.call('HGET', key('s:' .. w.id), 'v') or '0'
    if version ~= w.expect or overtaken[w.id] then
      found[#found + 1] = w.id
      found[#found + 1] = version
    end
    drafted[w.id] = w.version
  end
  for _, check in ipairs(t.checks) do
    local now = redis.call('HMGET', key('s:' .. check[1]), 'v', 'd')
    local version = (now[1] and now[2] ~= '1') and now[1] or '0'
    if version ~= check[2] then
      found[#found + 1] = check[1]
      found[#found + 1] = version
    end
  end
  return found
end

local function write(w, position, moved)
  local state = key('s:' .. w.id)
  local was = redis.call('HMGET', state, 'd', 'sv', 'g', 'c')
  redis.call('XADD', key('log'), position, 'i', w.id, 'v', w.version, 't', w.at)
  redis.call('HSET', key('e:' .. w.id), w.version, position .. ' ' .. w.uid .. '\0' .. w.entry)
  -- A snapshot at every so many versions, and where what would be replayed outgrows the document.
  local since, grown = was[2] or w.expect, (tonumber(was[3]) or 0) + #w.entry
  if w.version - since >= snapshot_every or grown > math.max(2 * #w.data, snapshot_bytes) then
    keep_snapshot(w.id, w.version, w.uid, w.data)
    since, grown = w.version, 0
  end
  redis.call('HSET', state, 'v', w.version, 'u', w.uid, 'r', position:match('^%d+'), 'd', w.deleted,
             'm', w.state, 'b', w.data, 'sv', since, 'g', grown, 'c', was[4] or '1')
  if was[1] ~= w.deleted then
    local into, from = 'live', 'gone'
    if w.deleted == '1' then into, from = from, into end
    redis.call('ZADD', key(into), 0, w.id)
    redis.call('ZREM', key(from), w.id)
  end
  redis.call('HSET', key('facts'), w.id, w.facts)
  moved[#moved + 1] = 's:' .. w.id
  return was[4] or '1'
end

local function settle(op, moved)
  local record = key('op:' .. op.key)
  local was = redis.call('HMGET', record, 't', 's', 'x')
  if was[1] then
    redis.call('ZREM', key('queue'), op.key)
    redis.call('ZREM', key('queue:' .. was[2]), op.key)
    if was[3] then count('failing', was[2], -1) end
    redis.call('HDEL', record, 'r', 'x')
  end
  redis.call('HSET', record, 't', op.status, 's', op.state, 'b', op.blob)
  redis.call('EXPIRE', record, keep_ops)
  redis.call('ZADD', key('settled'), op.done, op.key)
  moved[#moved + 1] = 'o:' .. op.key
end

local function park(conflict, moved)
  local record = key('c:' .. conflict.id)
  local was = redis.call('HGET', record, 't')
  redis.call('HSET', record, 't', conflict.status, 's', conflict.state, 'b', conflict.blob)
  redis.call('ZADD', key('conflicts'), conflict.at, conflict.id)
  if conflict.status == 'open' then
    redis.call('ZADD', key('open'), conflict.at, conflict.id)
    if was ~= 'open' then count('conflicted', conflict.state, 1) end
  elseif was == 'open' then
    redis.call('ZREM', key('open'), conflict.id)
    count('conflicted', conflict.state, -1)
  end
  moved[#moved + 1] = 'c:' .. conflict.id
end

local function apply(t)
  local revision, moved, compacted = '0', {}, {}
  if #t.writes > 0 then
    redis.call('HINCRBY', space, 'revision', 1)
    revision = redis.call('HGET', space, 'revision')
  end
  for i, w in ipairs(t.writes) do
    compacted[i] = write(w, revision .. '-' .. (i - 1), moved)
  end
  if t.op then settle(t.op, moved) end
  for _, conflict in ipairs(t.conflicts) do park(conflict, moved) end
  local number = '0'
  for _, blob in ipairs(t.audit) do
    redis.call('HINCRBY', space, 'audit', 1)
    number = redis.call('HGET', space, 'audit')
    redis.call('HSET', key('audit'), number, blob)
  end
  if #moved > 0 then changed(moved) end
  return {'done', revision, number, compacted}
end

local results = {}
for i, t in ipairs(batch.transactions) do
  local replayed = t.op and known(t.op)
  if replayed then
    results[i] = {'replayed', replayed}
  else
    local found = mismatches(t)
    results[i] = #found > 0 and {'mismatch', found} or apply(t)
  end
end
return {'judged', results}
