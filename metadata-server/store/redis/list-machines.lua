-- Returns a page of machines, newest first, read atomically; after newest-first.lua.
-- ARGV: prefix of every key; the query (JSON). Machines must have all its terms and one of its states.
local query = cjson.decode(ARGV[2])

local function key(...)
  return ARGV[1] .. table.concat({ ... }, ":")
end

local below = "+"
if query.after then
  local listed = redis.call("HGET", key("machines", "lists"), query.after)
  if not listed then
    return {}
  end
  below = "(" .. cjson.decode(listed).position
end

local inStates = {}
for place, state in ipairs(query.states or {}) do
  inStates[place] = key("machines", "in", state)
end
local having = {}
for place, term in ipairs(query.terms) do
  having[place] = key("machines", "with", term)
end

-- The shortest list that holds every match; for several states there are several lists.
local primaries = query.states and inStates or { key("machines", "by-age") }
for _, list in ipairs(having) do
  if primaries == inStates or redis.call("ZCARD", list) < redis.call("ZCARD", primaries[1]) then
    primaries = { list }
  end
end

local function isListed(lists, position)
  for _, list in ipairs(lists) do
    if redis.call("ZSCORE", list, position) then
      return true
    end
  end
  return false
end

local function matches(position)
  if query.states and not isListed(inStates, position) then
    return false
  end
  for _, list in ipairs(having) do
    if not redis.call("ZSCORE", list, position) then
      return false
    end
  end
  return true
end

local chunk = 500
local found = {}
for _, list in ipairs(primaries) do
  local from, count = below, 0
  repeat
    local positions = redis.call("ZREVRANGEBYLEX", list, from, "-", "LIMIT", 0, chunk)
    for _, position in ipairs(positions) do
      if count < query.limit and matches(position) then
        found[#found + 1] = position
        count = count + 1
      end
      from = "(" .. position
    end
  until #positions < chunk or count >= query.limit
end

sortNewestFirst(found)
local page = {}
for place = 1, math.min(query.limit, #found) do
  page[place] = redis.call("HGET", key("machines"), string.match(found[place], "/(.*)$"))
end
return page
