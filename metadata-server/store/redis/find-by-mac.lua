-- Returns the machine that a MAC belongs to, read atomically. ARGV: prefix of every key; the MAC.
local id = redis.call("HGET", ARGV[1] .. "machines:macs", ARGV[2])
return id and redis.call("HGET", ARGV[1] .. "machines", id)
