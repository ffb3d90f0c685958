-- Checks the inventory's part of a commit, after commit-check.lua. Removals come first, so that a MAC can move.
local machineVersions, macHolders = {}, {}

local function machineVersionOf(id)
  return recall(machineVersions, id, function()
    local machine = decode(redis.call("HGET", key("machines"), id))
    return machine and machine.version or 0
  end)
end

local function macHolderOf(mac)
  return recall(macHolders, mac, function()
    return redis.call("HGET", key("machines", "macs"), mac)
  end)
end

local function storedMacs(id)
  local machine = decode(redis.call("HGET", key("machines"), id))
  return machine and machine.macs or {}
end

local function freeMacs(id)
  for _, mac in ipairs(storedMacs(id)) do
    if macHolderOf(mac) == id then
      macHolders[mac] = false
    end
  end
end

for place, removed in ipairs(plan.removedMachines) do
  if machineVersionOf(removed.id) ~= removed.version or removed.version == 0 then
    return { "stale", "removedMachines", place }
  end
  freeMacs(removed.id)
  machineVersions[removed.id] = 0
end

for place, machine in ipairs(plan.machines) do
  if machineVersionOf(machine.id) + 1 ~= machine.version then
    return { "stale", "machines", place }
  end
  freeMacs(machine.id)
  for _, mac in ipairs(machine.macs) do
    if macHolderOf(mac) then
      return { "mac-taken", "machines", place, mac }
    end
    macHolders[mac] = machine.id
  end
  machineVersions[machine.id] = machine.version
end

if plan.approvalRules then
  local known = decode(redis.call("HGET", key("documents"), "approval-rules"))
  if (known and known.version or 0) + 1 ~= plan.approvalRules.version then
    return { "stale", "approvalRules" }
  end
end
