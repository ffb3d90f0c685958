-- Writes the inventory's part of a commit, after check-machines.lua. From here on nothing may fail.
local function forgetMachine(id)
  for _, mac in ipairs(storedMacs(id)) do
    if redis.call("HGET", key("machines", "macs"), mac) == id then
      redis.call("HDEL", key("machines", "macs"), mac)
    end
  end
  local listed = decode(redis.call("HGET", key("machines", "lists"), id))
  for _, name in ipairs(listed and listed.names or {}) do
    redis.call("ZREM", key("machines", name), listed.position)
  end
  redis.call("ZREM", key("machines", "unapproved"), id)
  redis.call("HDEL", key("machines", "lists"), id)
  redis.call("HDEL", key("machines"), id)
end

for _, removed in ipairs(plan.removedMachines) do
  forgetMachine(removed.id)
end

for _, machine in ipairs(plan.machines) do
  forgetMachine(machine.id)
  for _, mac in ipairs(machine.macs) do
    redis.call("HSET", key("machines", "macs"), mac, machine.id)
  end
  for _, name in ipairs(machine.lists.names) do
    redis.call("ZADD", key("machines", name), 0, machine.lists.position)
  end
  if type(machine.unapprovedSince) == "number" then
    redis.call("ZADD", key("machines", "unapproved"), string.format("%.0f", machine.unapprovedSince), machine.id)
  end
  redis.call("HSET", key("machines", "lists"), machine.id, cjson.encode(machine.lists))
  redis.call("HSET", key("machines"), machine.id, machine.json)
end

if plan.approvalRules then
  redis.call("HSET", key("documents"), "approval-rules", plan.approvalRules.json)
end
