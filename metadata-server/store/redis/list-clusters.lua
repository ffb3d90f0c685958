-- Returns a page of clusters, newest first, read atomically; after newest-first.lua.
-- ARGV: prefix of every key; the query (JSON).
local query = cjson.decode(ARGV[2])
local wanted = {}
for _, state in ipairs(query.states or {}) do
  wanted[state] = true
end

local function key(...)
  return ARGV[1] .. table.concat({ ... }, ":")
end

local below = "+"
if query.after then
  local last = redis.call("HGET", key("clusters"), query.after)
  if not last then
    return {}
  end
  below = string.format("(%016.0f/%s", cjson.decode(last).createdAt, query.after)
end

local function recordOf(position)
  return redis.call("HGET", key("clusters"), string.match(position, "/(.*)$"))
end

local page = {}

-- Few clusters ever have the same name, so their states are checked one by one.
if query.name then
  for _, position in ipairs(redis.call("ZREVRANGEBYLEX", key("clusters", "named", query.name), below, "-")) do
    local record = recordOf(position)
    if #page < query.limit and (not query.states or wanted[cjson.decode(record).state]) then
      page[#page + 1] = record
    end
  end
  return page
end

local lists = {}
for state in pairs(wanted) do
  lists[#lists + 1] = key("clusters", "in", state)
end
if not query.states then
  lists = { key("clusters", "by-age") }
end

local found = {}
for _, name in ipairs(lists) do
  for _, position in ipairs(redis.call("ZREVRANGEBYLEX", name, below, "-", "LIMIT", 0, query.limit)) do
    found[#found + 1] = position
  end
end

sortNewestFirst(found)
for place = 1, math.min(query.limit, #found) do
  page[place] = recordOf(found[place])
end
return page
