-- Positions sort by age, then by id: `0001700000000000/c-…`, newest first.
-- Lua compares strings by the server's locale, Redis compares bytes.
local function isAfter(one, other)
  for place = 1, math.min(#one, #other) do
    local left, right = string.byte(one, place), string.byte(other, place)
    if left ~= right then
      return left > right
    end
  end
  return #one > #other
end

local function sortNewestFirst(positions)
  table.sort(positions, isAfter)
end
