-- Raise the floor of the log on condition of the old one. ARGV: old, new.
if not gen or redis.call('HGET', space, 'compact_revision') ~= ARGV[1] then return 0 end
redis.call('HSET', space, 'compact_revision', ARGV[2])
return 1
