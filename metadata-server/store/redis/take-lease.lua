-- Takes a lease, or prolongs it for its holder. Redis removes it when its time is over, by its own clock.
-- ARGV: prefix of every key; name; holder; milliseconds. Returns the token; nothing while another has it.
local lease = ARGV[1] .. "lease:" .. ARGV[2]
local held = redis.call("GET", lease)
if not held then
  local token = redis.call("INCR", ARGV[1] .. "lease-tokens")
  redis.call("SET", lease, string.format("%.0f %s", token, ARGV[3]), "PX", ARGV[4])
  return token
end
local token, holder = string.match(held, "^(%d+) (.*)$")
if holder ~= ARGV[3] then
  return false
end
redis.call("PEXPIRE", lease, ARGV[4])
return tonumber(token)
