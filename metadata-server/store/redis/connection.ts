import { setTimeout as delay } from "node:timers/promises";
import { Redis, ReplyError } from "ioredis";
import type { Logger } from "../../logger.ts";
import { StoreUnavailable } from "../store.ts";
import type { RedisTarget } from "./redis-url.ts";

/** Transient errors: another server, or the same one a moment later, would not return them. */
const transient = /^(LOADING|READONLY|MASTERDOWN|UNBLOCKED)\b/;
const longestRetryMs = 500;
const restMs = 10;

/** The connection was lost and is another one now: the call must be repeated. */
export class ConnectionChanged extends Error {
  override name = "ConnectionChanged";
}

/** One connection that reconnects automatically. It queues nothing: a call that cannot be sent at once fails. */
export interface RedisConnection {
  readonly redis: Redis;
  /** Runs the call, repeatedly if the connection is lost before the answer, until the time is up. It must bear that. */
  run: <T>(call: (redis: Redis) => Promise<T>) => Promise<T>;
  /** Changes with each connection. */
  generation: () => number;
  close: () => void;
}

export interface ConnectionOptions {
  target: RedisTarget;
  /** What the connection is for; `CLIENT LIST` shows it. */
  role: string;
  /** A call ends within this time; a connection that is silent for so long is given up. */
  timeoutMs: number;
  logger: Logger;
}

export function createConnection({ target, role, timeoutMs, logger }: ConnectionOptions): RedisConnection {
  let lastProblem = "no connection yet";
  let lost = false;
  let generation = 0;
  const redis = new Redis({
    ...target.connection,
    connectionName: `sprout-${role}`,
    connectTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    retryStrategy: (times) => Math.min(25 * 2 ** times, longestRetryMs),
    // After a failover the old address may be a replica; the next connection finds the new master behind the name.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
    // Leaves a master that Sentinel has replaced, even if it still answers.
    failoverDetector: target.connection.sentinels !== undefined,
    sentinelCommandTimeout: timeoutMs,
  });
  let ready = Promise.withResolvers<void>();
  redis.on("error", (error) => {
    lastProblem = describe(error);
  });
  redis.on("close", () => {
    if (!lost) logger.warn("Store connection lost", { store: target.name, role, reason: lastProblem });
    lost = true;
    ready.resolve();
    ready = Promise.withResolvers();
  });
  redis.on("ready", () => {
    generation += 1;
    if (lost) logger.info("Store connection is back", { store: target.name, role });
    lost = false;
    lastProblem = "connection closed";
    ready.resolve();
  });

  return {
    redis,
    async run(call) {
      const end = Date.now() + timeoutMs;
      for (;;) {
        try {
          if (redis.status === "ready") return await call(redis);
        } catch (error) {
          if (!isTransient(error)) throw toStoreError(error, target);
        }
        if (redis.status === "end") throw new Error(`Cannot use store ${target.name}: it is closed`);
        if (Date.now() >= end)
          throw new StoreUnavailable(
            `Cannot use store ${target.name}: no answer within ${timeoutMs / 1000} s (${lastProblem}); check that Redis runs and can be reached`,
          );
        await delay(restMs);
        if (redis.status !== "ready") await Promise.race([ready.promise, delay(Math.max(0, end - Date.now()))]);
      }
    },
    generation: () => generation,
    close() {
      lost = true;
      redis.disconnect();
    },
  };
}

const isReply = (error: unknown): error is Error => error instanceof ReplyError;

/** An error of Redis has a code; one of the connection is known by its name or text. */
const isTransient = (error: unknown) => (isReply(error) ? transient.test(error.message) : isConnectionError(error));

const isConnectionError = (error: unknown) =>
  error instanceof ConnectionChanged ||
  (error instanceof Error &&
    (error.name === "MaxRetriesPerRequestError" ||
      error.name === "AbortError" ||
      /^(Stream isn't writeable|Connection is closed)/.test(error.message)));

/** Fixes for errors of https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors that an operator can act on. */
const remedies: Record<string, string> = {
  OOM: "raise maxmemory",
  MISCONF: "Redis cannot write to its disk; see its log",
  NOREPLICAS: "too few replicas are connected (min-replicas-to-write)",
  NOPERM: "the user may not do this; Sprout needs every command on its keys and its channel",
};

/** Keeps only the text of Redis's error, which carries the command's arguments: secrets that must reach no log. */
function toStoreError(error: unknown, target: RedisTarget): unknown {
  if (!isReply(error)) return error;
  const code = error.message.split(" ", 1)[0] ?? "";
  const remedy = remedies[code];
  const text = `Cannot use store ${target.name}: ${error.message}${remedy === undefined ? "" : `; ${remedy}`}`;
  return remedy === undefined ? new Error(text) : new StoreUnavailable(text, { wasRefused: true });
}

const describe = (error: Error) => {
  const { code } = error as NodeJS.ErrnoException;
  return error.message || code || error.name;
};
