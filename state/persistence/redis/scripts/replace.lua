-- Replace packed parts where they still are what they were. ARGV: name of a hash, field, old, new, … How many were.
local replaced = 0
for i = 1, gen and #ARGV or 0, 4 do
  local hash = key(ARGV[i])
  if redis.call('HGET', hash, ARGV[i + 1]) == ARGV[i + 2] then
    redis.call('HSET', hash, ARGV[i + 1], ARGV[i + 3])
    replaced = replaced + 1
  end
end
return replaced
