-- Returns the member that a token's hash belongs to, read atomically. ARGV: prefix of every key; the hash.
local owner = redis.call("HGET", ARGV[1] .. "tokens", ARGV[2])
if not owner then
  return false
end
local clusterId, name = string.match(owner, "^([^/]*)/(.*)$")
return redis.call("HGET", ARGV[1] .. "cluster:" .. clusterId .. ":members", name)
