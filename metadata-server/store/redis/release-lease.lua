-- Gives a lease back, if it is still held as it was. ARGV: prefix of every key; name; token and holder.
local lease = ARGV[1] .. "lease:" .. ARGV[2]
if redis.call("GET", lease) == ARGV[3] then
  redis.call("DEL", lease)
end
