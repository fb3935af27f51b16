-- Lock all these states or none. ARGV: token, milliseconds, ids. Answers 1; 0 when somebody has one of them; -1 without space.
if not gen then return -1 end
for i = 3, #ARGV do
  if redis.call('EXISTS', key('lock:' .. ARGV[i])) == 1 then return 0 end
end
for i = 3, #ARGV do
  redis.call('SET', key('lock:' .. ARGV[i]), ARGV[1], 'NX', 'PX', ARGV[2])
end
return 1
