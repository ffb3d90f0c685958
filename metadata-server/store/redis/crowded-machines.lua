-- Returns the unapproved machines of the address that has most of them, the one unseen for the longest time first.
-- ARGV: prefix of every key; the most to return. Of two addresses with as many, the one unseen for longer comes first.
local prefix, limit = ARGV[1], tonumber(ARGV[2])
local ids = redis.call("ZRANGE", prefix .. "machines:unapproved", 0, -1)
local fromTerm = 'with:["from",'

local function addressOf(id)
  local listed = redis.call("HGET", prefix .. "machines:lists", id)
  for _, name in ipairs(listed and cjson.decode(listed).names or {}) do
    if string.sub(name, 1, #fromTerm) == fromTerm then
      return name
    end
  end
  return ""
end

local groups, addresses = {}, {}
for _, id in ipairs(ids) do
  local address = addressOf(id)
  if not groups[address] then
    groups[address] = {}
    table.insert(addresses, address)
  end
  table.insert(groups[address], id)
end
local crowded = {}
for _, address in ipairs(addresses) do
  if #groups[address] > #crowded then
    crowded = groups[address]
  end
end

local records = {}
for place = 1, math.min(limit, #crowded) do
  records[place] = redis.call("HGET", prefix .. "machines", crowded[place])
end
return records
