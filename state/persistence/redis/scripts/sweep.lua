-- Remove part of a generation that nobody reads any more. KEYS[1]: garbage. ARGV: its base, limit. 0 when all is gone.
local base = ARGV[1]
local members = redis.call('ZRANGE', base .. 'changed', 0, ARGV[2] - 1)
for _, member in ipairs(members) do
  local kind, name = member:match('^(.):(.*)$')
  if kind == 's' then
    redis.call('UNLINK', base .. 's:' .. name, base .. 'e:' .. name, base .. 'snap:' .. name,
               base .. 'snaps:' .. name, base .. 'lock:' .. name, base .. 'queue:' .. name)
  elseif kind == 'o' then
    local state = redis.call('HGET', base .. 'op:' .. name, 's')
    redis.call('UNLINK', base .. 'op:' .. name)
    if state then redis.call('UNLINK', base .. 'queue:' .. state) end
  else
    redis.call('UNLINK', base .. 'c:' .. name)
  end
end
if #members > 0 then
  redis.call('ZREM', base .. 'changed', unpack(members))
  return #members
end
local rest = {}
for i, name in ipairs({'live', 'gone', 'facts', 'log', 'audit', 'queue', 'settled', 'open', 'conflicts',
                       'conflicted', 'failing', 'space'}) do
  rest[i] = base .. name
end
redis.call('UNLINK', unpack(rest))
redis.call('ZREM', KEYS[1], base)
return 0
