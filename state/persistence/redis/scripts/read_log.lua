-- Whole revisions of the log, at one moment with the space. ARGV: after, limit. {} when there is no space.
-- {info, {{state id, version, entry}, …}, last revision of these}
if not gen then return {} end
local now = info()
if tonumber(ARGV[1]) < tonumber(now[4]) then return {now, {}, ARGV[1]} end
local log, limit, entries, last = key('log'), tonumber(ARGV[2]), {}, ARGV[1]
local items = redis.call('XRANGE', log, '(' .. ARGV[1] .. '-18446744073709551615', '+', 'COUNT', limit + 1)
local function revision(item) return item[1]:match('^%d+') end
if #items > limit then
  local cut = revision(items[limit + 1])
  while #items > 0 and revision(items[#items]) == cut do table.remove(items) end
  if #items == 0 then items = redis.call('XRANGE', log, cut, cut) end
end
for i, item in ipairs(items) do
  local id, version = item[2][2], item[2][4]
  entries[i] = {id, version, redis.call('HGET', key('e:' .. id), version) or ''}
  last = revision(item)
end
return {now, entries, last}
