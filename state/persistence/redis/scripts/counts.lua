-- Gauges of a space: living states, tombstones, queued operations, open conflicts.
if not gen then return {0, 0, 0, 0} end
return {redis.call('ZCARD', key('live')), redis.call('ZCARD', key('gone')),
        redis.call('ZCARD', key('queue')), redis.call('ZCARD', key('open'))}
