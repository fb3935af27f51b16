-- Put staged spaces in the place of the present ones, all or none. KEYS: set of spaces, garbage, then live and staged
-- hash of each. ARGV: '1' to replace what has states, now (s). Answers the live keys that have states: nothing was done.
local taken = {}
for i = 3, #KEYS, 2 do
  local gen = redis.call('HGET', KEYS[i], 'gen')
  if gen and ARGV[1] ~= '1' then
    local base = KEYS[i] .. ':' .. gen .. ':'
    if redis.call('EXISTS', base .. 'live', base .. 'gone') > 0 then taken[#taken + 1] = KEYS[i] end
  end
end
if #taken > 0 then return taken end
for i = 3, #KEYS, 2 do
  local gen = redis.call('HGET', KEYS[i], 'gen')
  if gen then redis.call('ZADD', KEYS[2], ARGV[2], KEYS[i] .. ':' .. gen .. ':') end
  redis.call('RENAME', KEYS[i + 1], KEYS[i])
  redis.call('ZREM', KEYS[2], KEYS[i] .. ':' .. redis.call('HGET', KEYS[i], 'gen') .. ':')
  redis.call('SADD', KEYS[1], KEYS[i])
end
return {}
