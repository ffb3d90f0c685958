-- Writes a commit after the checks, in the same order. From here on nothing may fail.
local function unlist(cluster)
  redis.call("ZREM", key("clusters", "by-age"), position(cluster))
  redis.call("ZREM", key("clusters", "in", cluster.state), position(cluster))
  redis.call("ZREM", key("clusters", "named", cluster.name), position(cluster))
  redis.call("ZREM", key("clusters", "deletions"), cluster.id)
  if redis.call("HGET", key("names"), cluster.name) == cluster.id then
    redis.call("HDEL", key("names"), cluster.name)
  end
end

local function list(cluster)
  redis.call("ZADD", key("clusters", "by-age"), 0, position(cluster))
  redis.call("ZADD", key("clusters", "in", cluster.state), 0, position(cluster))
  redis.call("ZADD", key("clusters", "named", cluster.name), 0, position(cluster))
  if isLive(cluster) then
    redis.call("HSET", key("names"), cluster.name, cluster.id)
  elseif type(cluster.deletedAt) == "number" then
    redis.call("ZADD", key("clusters", "deletions"), cluster.deletedAt, cluster.id)
  end
end

local function isListedAlike(one, other)
  return one.state == other.state and one.name == other.name and one.createdAt == other.createdAt and one.deletedAt == other.deletedAt
end

for place, cluster in ipairs(newClusters) do
  local known = storedCluster(cluster.id)
  redis.call("HSET", key("clusters"), cluster.id, plan.clusters[place])
  if not (known and isListedAlike(known, cluster)) then
    if known then
      unlist(known)
    end
    list(cluster)
  end
end

local workersAfter = 2 ^ 40

local function freeTokens(member)
  local id = member.clusterId .. "/" .. member.name
  for hash in pairs(tokensOf(member)) do
    if redis.call("HGET", key("tokens"), hash) == id then
      redis.call("HDEL", key("tokens"), hash)
    end
  end
end

for _, removed in ipairs(plan.removedMembers) do
  freeTokens(storedMember(removed.clusterId, removed.name))
  redis.call("HDEL", key("cluster", removed.clusterId, "members"), removed.name)
  redis.call("ZREM", key("cluster", removed.clusterId, "order"), removed.name)
  redis.call("HDEL", key("cluster", removed.clusterId, "secrets"), removed.name)
end

-- Behind the last of its role: some before it may have been removed.
local function nextPlace(order, role)
  local first = role == "worker" and workersAfter or 0
  local last = redis.call("ZREVRANGEBYSCORE", order, first + workersAfter - 1, first, "WITHSCORES", "LIMIT", 0, 1)
  return last[2] and tonumber(last[2]) + 1 or first
end

for place, member in ipairs(newMembers) do
  local records, order = key("cluster", member.clusterId, "members"), key("cluster", member.clusterId, "order")
  local known = storedMember(member.clusterId, member.name)
  if known then
    freeTokens(known)
  else
    redis.call("ZADD", order, nextPlace(order, member.role), member.name)
  end
  for hash in pairs(tokensOf(member)) do
    redis.call("HSET", key("tokens"), hash, member.clusterId .. "/" .. member.name)
  end
  redis.call("HSET", records, member.name, plan.members[place])
end

local sealedPlace = 3
for _, secret in ipairs(plan.secrets) do
  local secrets = key("cluster", secret.clusterId, "secrets")
  if secret.destroyed then
    redis.call("HDEL", secrets, secret.member)
  else
    redis.call("HSET", secrets, secret.member, ARGV[sealedPlace])
    sealedPlace = sealedPlace + 1
  end
end

-- An entry's id is its sequence: https://redis.io/docs/latest/develop/data-types/streams/#entry-ids
local function append(stream, json)
  local last = redis.call("XREVRANGE", stream, "+", "-", "COUNT", 1)[1]
  local sequence = last and tonumber(string.match(last[1], "^%d+")) or 0
  redis.call("XADD", stream, string.format("%.0f-0", sequence + 1), "json", json)
  return sequence + 1
end

for _, event in ipairs(plan.events) do
  local stream = key("cluster", event.clusterId, "events")
  append(stream, event.json)
  redis.call("XTRIM", stream, "MAXLEN", "=", plan.maxEventsPerCluster)
end

-- The server must write an entry out before it is dropped. What is due and not written out is its answer.
local dueSequence = 0
for _, json in ipairs(plan.audit) do
  dueSequence = append(key("audit"), json) - plan.maxAuditEntries
end
local dropped = math.min(dueSequence, plan.auditWrittenOut)
if dropped > 0 then
  redis.call("XTRIM", key("audit"), "MINID", "=", string.format("%.0f-0", dropped + 1))
end

if plan.idempotency then
  local expiry = key("idempotency", "expiry")
  for _, expired in ipairs(redis.call("ZRANGEBYSCORE", expiry, "-inf", string.format("%.0f", plan.now))) do
    redis.call("HDEL", key("idempotency"), expired)
    redis.call("ZREM", expiry, expired)
  end
  redis.call("HSET", key("idempotency"), plan.idempotency.key, plan.idempotency.json)
  redis.call("ZADD", expiry, string.format("%.0f", cjson.decode(plan.idempotency.json).expiresAt), plan.idempotency.key)
  redis.call("SADD", key("cluster", plan.idempotency.clusterId, "idempotency"), plan.idempotency.key)
end

for _, id in ipairs(plan.purge) do
  local cluster = storedCluster(id)
  if cluster then
    unlist(cluster)
    for _, json in ipairs(redis.call("HVALS", key("cluster", id, "members"))) do
      freeTokens(cjson.decode(json))
    end
    for _, name in ipairs(redis.call("SMEMBERS", key("cluster", id, "idempotency"))) do
      local known = decode(redis.call("HGET", key("idempotency"), name))
      if known and known.clusterId == id then
        redis.call("HDEL", key("idempotency"), name)
        redis.call("ZREM", key("idempotency", "expiry"), name)
      end
    end
    for _, part in ipairs({ "members", "order", "secrets", "events", "idempotency" }) do
      redis.call("UNLINK", key("cluster", id, part))
    end
    redis.call("HDEL", key("clusters"), id)
  end
end

redis.call("SET", marker, "", "PX", plan.rememberedMs)
redis.call("PUBLISH", key("changes"), plan.touched)
return dueSequence > math.max(dropped, 0) and { "done", "audit", dueSequence } or { "done" }
