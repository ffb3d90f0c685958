import { randomUUID } from "node:crypto";
import type { AuditEntry } from "#api/audit.ts";
import type { Event } from "#api/event.ts";
import { createJsonLogger, type Logger } from "../../logger.ts";
import { parseLimits, type StoreLimits } from "../limits.ts";
import type { ClusterRecord, MemberRecord } from "../records.ts";
import type { IdempotencyRecord, Store } from "../store.ts";
import { createAuditArchive, writeOutToLog, type WriteOut } from "../audit-archive.ts";
import { createWatchers } from "../watchers.ts";
import { planCommit } from "./commit-plan.ts";
import { createCommit } from "./commit.ts";
import { createConnection } from "./connection.ts";
import { createDropAudit } from "./drop-audit.ts";
import { claimKeyspace, eraseKeyspace } from "./keyspace.ts";
import { createLeases } from "./leases.ts";
import { createMachineReaders } from "./read-machines.ts";
import type { RedisTarget } from "./redis-url.ts";
import { createWriteReplicated } from "./replication.ts";
import { toEntry } from "./stream-entry.ts";
import { evaluate, loadScripts } from "./scripts.ts";
import { checkSettings, readSettings } from "./server-settings.ts";
import { subscribe } from "./subscription.ts";

export interface RedisStoreOptions extends Partial<StoreLimits> {
  target: RedisTarget;
  /** The keys are erased when the server stops, so keys that must be kept are refused. */
  ephemeral?: boolean;
  /** Milliseconds since the epoch; decides when an idempotency key has expired. */
  now?: () => number;
  /** A read or a commit ends within this time, if need be with an error. */
  timeoutMs?: number;
  logger?: Logger;
  /** Gets audit entries before they are dropped; to the log by default. */
  writeOutAudit?: WriteOut;
}

const toRecord = (json: string | null | undefined): unknown =>
  json === null || json === undefined ? undefined : JSON.parse(json);

/** Opens three connections: a commit may wait for replicas, a listener waits for ever, and neither may delay reads. */
function connect({ target, timeoutMs = 5000 }: RedisStoreOptions, logger: Logger) {
  const open = (role: string) => createConnection({ target, role, timeoutMs, logger });
  const connections = { reader: open("reader"), writer: open("writer"), listener: open("listener") };
  const close = () => {
    for (const connection of Object.values(connections)) connection.close();
  };
  return { ...connections, timeoutMs, close };
}

/** Opens the store that several servers can share. Rejects with what is wrong with that Redis and how to fix it. */
export async function openRedisStore(options: RedisStoreOptions): Promise<Store> {
  const { target, ephemeral = false, now = Date.now } = options;
  const { name, prefix } = target;
  const logger = options.logger ?? createJsonLogger((line) => process.stderr.write(line));
  const limits = parseLimits(options, name);
  const scripts = loadScripts();
  const watchers = createWatchers(logger);
  const { reader, writer, listener, timeoutMs, close } = connect(options, logger);
  const key = (...parts: string[]) => prefix + parts.join(":");

  async function open() {
    const guarantees = checkSettings(await reader.run(readSettings), target);
    logger.info("Store opened", { store: name, ...guarantees });
    if (!guarantees.onDisk && guarantees.replicas === 0)
      logger.warn("Store may lose acknowledged commits in a crash of Redis", { store: name });
    await writer.run((redis) => claimKeyspace(redis, { target, ephemeral }));
    const callbacks = { onTouched: watchers.call, onMissed: watchers.callAll };
    const subscription = await subscribe(listener, { channel: key("changes"), ...callbacks, logger });
    return { subscription, ...guarantees };
  }
  const { replicas, subscription } = await open().catch((error: unknown) => {
    close();
    throw error;
  });

  const archive = createAuditArchive({
    writeOut: options.writeOutAudit ?? writeOutToLog(logger),
    maxEntries: limits.maxAuditEntries,
  });
  const dropAudit = createDropAudit({ writer, target, archive, logger });
  const writeReplicated = createWriteReplicated({ writer, target, replicas, timeoutMs });
  const commit = createCommit({ writeReplicated, dropAudit, script: scripts.commit, target });
  const underWay = new Set<Promise<void>>();
  let closed = false;
  function requireOpen(): void {
    if (closed) throw new Error(`Cannot use store ${name}: it is closed`);
  }
  const read: typeof reader.run = async (call) => {
    requireOpen();
    return reader.run(call);
  };
  async function readStream(stream: string, { after, limit }: { after: number; limit: number }): Promise<unknown[]> {
    const entries = await read((redis) => redis.xrange(stream, `(${after}-0`, "+", "COUNT", limit));
    return entries.map(toEntry);
  }

  const store: Store = {
    async cluster(id) {
      return toRecord(await read((redis) => redis.hget(key("clusters"), id))) as ClusterRecord | undefined;
    },
    async clusters(query) {
      const page = await read((redis) => evaluate(redis, scripts.listClusters, [prefix, JSON.stringify(query)]));
      return (page as string[]).map(toRecord) as ClusterRecord[];
    },
    async member(clusterId, member) {
      const json = await read((redis) => redis.hget(key("cluster", clusterId, "members"), member));
      return toRecord(json) as MemberRecord | undefined;
    },
    async members(clusterId) {
      const [names, records] = await read((redis) =>
        Promise.all([
          redis.zrange(key("cluster", clusterId, "order"), 0, "-1"),
          redis.hgetall(key("cluster", clusterId, "members")),
        ]),
      );
      return names.flatMap((member) => toRecord(records[member]) ?? []) as MemberRecord[];
    },
    memberNames: (clusterId) => read((redis) => redis.zrange(key("cluster", clusterId, "order"), 0, "-1")),
    async memberByKey(hash) {
      const json = await read((redis) => evaluate(redis, scripts.findByToken, [prefix, hash]));
      return toRecord(json as string | null) as MemberRecord | undefined;
    },
    async secret({ clusterId, member }) {
      const sealed = await read((redis) => redis.hgetBuffer(key("cluster", clusterId, "secrets"), member ?? ""));
      return sealed ?? undefined;
    },
    async idempotency(used) {
      const json = await read((redis) => redis.hget(key("idempotency"), used));
      const record = toRecord(json) as IdempotencyRecord | undefined;
      return record !== undefined && record.expiresAt > now() ? record : undefined;
    },
    events: async (clusterId, after, limit) =>
      (await readStream(key("cluster", clusterId, "events"), { after, limit })) as Event[],
    deletedBefore: (time, limit) =>
      read((redis) => redis.zrangebyscore(key("clusters", "deletions"), "-inf", `(${time}`, "LIMIT", 0, limit)),
    audit: async (query) => (await readStream(key("audit"), query)) as AuditEntry[],
    ...createMachineReaders({ read, scripts, prefix }),
    async claimKeyId(keyId) {
      requireOpen();
      await writer.run((redis) => redis.hsetnx(key("documents"), "server-key", keyId));
      return (await read((redis) => redis.hget(key("documents"), "server-key"))) ?? keyId;
    },
    async commit(changes) {
      requireOpen();
      const plan = planCommit(changes, {
        id: randomUUID(),
        now: now(),
        limits,
        auditWrittenOut: archive.through,
      });
      const done = commit(changes, plan).finally(() => underWay.delete(done));
      underWay.add(done);
      return done;
    },
    isShared: true,
    ...createLeases({ writer, scripts, target, writeReplicated }),
    async time() {
      const [seconds = 0, microseconds = 0] = (await read((redis) => redis.time())).map(Number);
      return seconds * 1000 + microseconds / 1000;
    },
    watch: (clusterId, call) => watchers.add(clusterId, call),
    async check() {
      await read((redis) => redis.ping());
      await writer.run((redis) => redis.ping());
      subscription.check();
    },
    async close() {
      closed = true;
      await Promise.allSettled(underWay);
      subscription.close();
      close();
    },
    async erase() {
      closed = true;
      await Promise.allSettled(underWay);
      await writer.run((redis) => eraseKeyspace(redis, prefix));
      await store.close();
    },
  };
  return store;
}
