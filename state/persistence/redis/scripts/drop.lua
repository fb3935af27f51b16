-- Remove a space; its content becomes garbage. KEYS[2]: set of spaces, KEYS[3]: garbage. ARGV: now (s).
if not gen then return 0 end
redis.call('ZADD', KEYS[3], ARGV[1], space .. ':' .. gen .. ':')
redis.call('SREM', KEYS[2], space)
redis.call('DEL', space)
return 1
