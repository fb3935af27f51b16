-- The space, made when there is none. KEYS[2]: the set of spaces. ARGV: id, generation, epoch.
if not gen then
  redis.call('HSET', space, 'id', ARGV[1], 'gen', ARGV[2], 'epoch', ARGV[3],
             'revision', '0', 'compact_revision', '0', 'audit', '0')
  redis.call('SADD', KEYS[2], space)
end
return info()
