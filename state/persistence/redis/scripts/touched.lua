-- What the log up to a floor tells of, in batches. ARGV: id to continue after or '-', floor, limit.
-- {id to continue after or '', {state id, version, …}}
if not gen then return {'', {}} end
local found, last = {}, ''
local items = redis.call('XRANGE', key('log'), ARGV[1], ARGV[2], 'COUNT', ARGV[3])
for _, item in ipairs(items) do
  found[#found + 1] = item[2][2]
  found[#found + 1] = item[2][4]
end
if #items == tonumber(ARGV[3]) then last = '(' .. items[#items][1] end
return {last, found}
