-- Part of a hash of the space. ARGV: its name, cursor, count. {cursor, {field, value, …}}
if not gen then return {'0', {}} end
return redis.call('HSCAN', key(ARGV[1]), ARGV[2], 'COUNT', ARGV[3])
