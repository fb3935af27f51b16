-- Keep snapshots of these versions. ARGV: id, version, uid, data, … With data '' it is copied from the state when that
-- still has the version; those that are neither kept nor copied are answered: {id, version, …}
local missing, moved = {}, {}
for i = 1, #ARGV, 4 do
  local id, version, uid, data = unpack(ARGV, i, i + 3)
  if redis.call('ZCOUNT', key('snaps:' .. id), version, version) == 0 then
    local s = redis.call('HMGET', key('s:' .. id), 'v', 'u', 'b')
    if data == '' and s[1] == version then uid, data = s[2], s[3] end
    if data ~= '' then
      keep_snapshot(id, version, uid, data)
      moved[#moved + 1] = 's:' .. id
    else
      missing[#missing + 1] = id
      missing[#missing + 1] = version
    end
  end
end
if #moved > 0 then changed(moved) end
return missing
