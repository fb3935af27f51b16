-- Note which server this is; when what it holds may have gone back in time, give every space a new epoch.
-- KEYS: hash of the server, set of spaces. ARGV: replication id, the one before it, run id, durability, random seed.
local was = redis.call('HMGET', KEYS[1], 'replid', 'run_id', 'durability')
local other_replid, other_run = was[1] ~= ARGV[1], was[2] ~= ARGV[3]
if not other_replid and not other_run and was[3] == ARGV[4] then return 0 end
redis.call('HSET', KEYS[1], 'replid', ARGV[1], 'run_id', ARGV[3], 'durability', ARGV[4])
if not was[1] or not (other_replid or other_run) then return 0 end
-- A server that syncs every write and was never a replica comes back from a restart with all it acknowledged.
if was[3] == 'safe' and ARGV[4] == 'safe' and other_run and ARGV[2]:match('^0*$') then return 0 end
local spaces = redis.call('SMEMBERS', KEYS[2])
for _, space in ipairs(spaces) do
  redis.call('HSET', space, 'epoch', redis.sha1hex(ARGV[5] .. space))
end
return #spaces
