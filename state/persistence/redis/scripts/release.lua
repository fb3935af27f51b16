-- Let go of locks that are still one's own. ARGV: token, ids.
if not gen then return 0 end
for i = 2, #ARGV do
  local lock = key('lock:' .. ARGV[i])
  if redis.call('GET', lock) == ARGV[1] then redis.call('DEL', lock) end
end
return 1
