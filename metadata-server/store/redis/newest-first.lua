-- Sorts positions (`0001700000000000/c-…`) by age, then by id, newest first.
-- Lua would compare strings by the server's locale; Redis compares bytes, and so does this.
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
