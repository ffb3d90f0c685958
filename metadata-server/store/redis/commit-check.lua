-- Checks one commit, which is written whole or not at all. Redis rolls no script back, so this file and
-- check-machines.lua check everything before write-machines.lua and commit-write.lua write. All four are one script.
-- ARGV: prefix of every key; the plan (JSON, commit-plan.ts); the sealed bytes of the secrets, in the plan's order.
-- Returns { "done" }, with the sequence up to which audit entries must be written out and dropped, or a refusal: { reason, part of the plan, place in it, detail }.
local plan = cjson.decode(ARGV[2])

local function key(...)
  return ARGV[1] .. table.concat({ ... }, ":")
end

-- The plan was done, but its answer was lost and it was sent again: it must not be done twice.
local marker = key("commit", plan.id)
if redis.call("EXISTS", marker) == 1 then
  -- A write, so that WAIT counts the replicas that have it.
  redis.call("PEXPIRE", marker, plan.rememberedMs)
  return { "done" }
end

if plan.lease and redis.call("GET", key("lease", plan.lease.name)) ~= plan.lease.held then
  return { "lease-lost" }
end

local function decode(json)
  return json and cjson.decode(json) or false
end

local function storedCluster(id)
  return decode(redis.call("HGET", key("clusters"), id))
end

local function storedMember(clusterId, name)
  return decode(redis.call("HGET", key("cluster", clusterId, "members"), name))
end

local function isLive(cluster)
  return cluster and cluster.state ~= "deleted"
end

local function tokensOf(member)
  local hashes = {}
  for _, field in ipairs({ "capabilityHash", "spentCapabilityHash", "reportTokenHash", "addressKey" }) do
    if member and type(member[field]) == "string" then
      hashes[member[field]] = true
    end
  end
  return hashes
end

-- Positions sort by age, then by id; newest first is the reverse order.
local function position(cluster)
  return string.format("%016.0f/%s", cluster.createdAt, cluster.id)
end

local newClusters, newMembers = {}, {}
for place, json in ipairs(plan.clusters) do
  newClusters[place] = cjson.decode(json)
end
for place, json in ipairs(plan.members) do
  newMembers[place] = cjson.decode(json)
end

-- State after the earlier parts of this commit; false if there would be nothing.
local clusters, holders, members, owners = {}, {}, {}, {}

local function recall(known, id, read)
  if known[id] == nil then
    known[id] = read()
  end
  return known[id]
end

local function clusterOf(id)
  return recall(clusters, id, function()
    return storedCluster(id)
  end)
end

local function holderOf(name)
  return recall(holders, name, function()
    return redis.call("HGET", key("names"), name)
  end)
end

local function ownerOf(hash)
  return recall(owners, hash, function()
    return redis.call("HGET", key("tokens"), hash)
  end)
end

-- The key comes first: a repeated request must be refused for its key, not for the name that its first commit took.
if plan.idempotency then
  local known = decode(redis.call("HGET", key("idempotency"), plan.idempotency.key))
  if known and known.expiresAt > plan.now then
    return { "key-used", "idempotency" }
  end
end

for place, cluster in ipairs(newClusters) do
  local known = clusterOf(cluster.id)
  local holder = holderOf(cluster.name)
  if isLive(cluster) and holder and holder ~= cluster.id then
    return { "name-taken", "clusters", place }
  end
  if (known and known.version or 0) + 1 ~= cluster.version then
    return { "stale", "clusters", place }
  end
  if isLive(known) and holderOf(known.name) == cluster.id then
    holders[known.name] = false
  end
  if isLive(cluster) then
    holders[cluster.name] = cluster.id
  end
  clusters[cluster.id] = cluster
end

local function memberOf(clusterId, name)
  return recall(members, clusterId .. "/" .. name, function()
    return storedMember(clusterId, name)
  end)
end

-- Owners after a member has lost the tokens that it had.
local function disown(member, id)
  for hash in pairs(tokensOf(member)) do
    if ownerOf(hash) == id then
      owners[hash] = false
    end
  end
end

-- Removals come first, so that an address can move from one member to another.
for place, removed in ipairs(plan.removedMembers) do
  local known = memberOf(removed.clusterId, removed.name)
  if not known or known.version ~= removed.version then
    return { "stale", "removedMembers", place }
  end
  local id = removed.clusterId .. "/" .. removed.name
  disown(known, id)
  members[id] = false
end

for place, member in ipairs(newMembers) do
  if not clusterOf(member.clusterId) then
    return { "no-cluster", "members", place }
  end
  local id = member.clusterId .. "/" .. member.name
  local known = memberOf(member.clusterId, member.name)
  if (known and known.version or 0) + 1 ~= member.version then
    return { "stale", "members", place }
  end
  disown(known, id)
  for hash in pairs(tokensOf(member)) do
    if ownerOf(hash) then
      return { "token-taken", "members", place, hash }
    end
    owners[hash] = id
  end
  members[id] = member
end

for _, part in ipairs({ "secrets", "events" }) do
  for place, entry in ipairs(plan[part]) do
    if not clusterOf(entry.clusterId) then
      return { "no-cluster", part, place }
    end
  end
end

for place, id in ipairs(plan.purge) do
  local cluster = clusterOf(id)
  if isLive(cluster) then
    return { "not-deleted", "purge", place, cluster.state }
  end
  clusters[id] = false
end

if plan.idempotency and not clusterOf(plan.idempotency.clusterId) then
  return { "no-cluster", "idempotency" }
end
