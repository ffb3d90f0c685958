import { setTimeout as delay } from "node:timers/promises";
import type { z } from "zod";
import { AuditPage, type AuditEntry } from "#api/audit.ts";
import { Cluster, ClusterList, type ClusterState, type ClusterSummary } from "#api/cluster.ts";
import type { Event } from "#api/event.ts";
import { ClusterId } from "#api/name.ts";
import type { UserDataFormat } from "#api/user-data.ts";
import { isSettled, type WaitCondition } from "#api/wait.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import type { Connection } from "./connection.ts";
import { streamEvents } from "./event-stream.ts";
import { createRequester } from "./requester.ts";

/** The cluster API, typed. Every method throws CliError with the exit code that the failure stands for. */
export interface ApiClient {
  create(body: unknown, options?: { idempotencyKey?: string | undefined }): Promise<Cluster>;
  list(query?: { state?: ClusterState | undefined; name?: string | undefined }): Promise<ClusterSummary[]>;
  get(id: string): Promise<Cluster>;
  /** Resolves when the condition holds or can no longer do so; exit code `timeout` after `timeoutMs`. */
  wait(id: string, options: { condition: WaitCondition; timeoutMs: number }): Promise<Cluster>;
  /** From the first event on: those so far, or with `follow` all until the cluster is deleted. */
  events(id: string, options: { follow: boolean; signal?: AbortSignal }): AsyncGenerator<Event>;
  kubeconfig(id: string, options?: { ttlSeconds?: number | undefined }): Promise<string>;
  /** For a machine that somebody else launches; what was given before is void. */
  userData(id: string, options: { member: string; format: UserDataFormat }): Promise<string>;
  /** The cluster is deleted that long from now. */
  extend(id: string, options: { ttlSeconds: number }): Promise<Cluster>;
  delete(id: string): Promise<Cluster>;
  /** Entries of the audit log after a sequence: those so far, or with `follow` all that come. */
  audit(options: { after: number; follow: boolean }): AsyncGenerator<AuditEntry>;
  /** An id as it is; a name → the id of the live cluster of that name. */
  resolve(idOrName: string): Promise<string>;
}

export interface ApiClientOptions {
  signal: AbortSignal;
  now: () => number;
}

const pageSize = 500;
const longestPollSeconds = 60;
const auditPollMs = 1000;

const pathOf = (id: string, rest = "") => `/v1/clusters/${encodeURIComponent(id)}${rest}`;

export function createApiClient(connection: Connection, { signal, now }: ApiClientOptions): ApiClient {
  const { send, sendJson } = createRequester(connection, signal);

  const client: ApiClient = {
    create: (body, { idempotencyKey } = {}) =>
      sendJson(Cluster, {
        method: "POST",
        path: "/v1/clusters",
        body: JSON.stringify(body),
        headers: idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey },
        // Planning and minting for thousands of members comes before the answer.
        idleTimeoutMs: 120_000,
      }),

    async list({ state, name } = {}) {
      const clusters: ClusterSummary[] = [];
      let after: string | null = null;
      do {
        const query = new URLSearchParams({
          limit: String(pageSize),
          ...(state === undefined ? {} : { state }),
          ...(name === undefined ? {} : { name }),
          ...(after === null ? {} : { after }),
        });
        const page: z.infer<typeof ClusterList> = await sendJson(ClusterList, {
          method: "GET",
          path: `/v1/clusters?${query.toString()}`,
        });
        clusters.push(...page.clusters);
        after = page.next;
      } while (after !== null);
      return clusters;
    },

    get: (id) => sendJson(Cluster, { method: "GET", path: pathOf(id) }),

    async wait(id, { condition, timeoutMs }) {
      const end = now() + timeoutMs;
      for (;;) {
        const seconds = Math.max(1, Math.min(longestPollSeconds, Math.ceil((end - now()) / 1000)));
        const cluster = await sendJson(Cluster, {
          method: "GET",
          path: pathOf(id, `?wait=${condition}&timeout=${seconds}`),
          idleTimeoutMs: (seconds + 15) * 1000,
        });
        if (isSettled(cluster, condition)) return cluster;
        if (now() >= end)
          throw new CliError(
            exitCodes.timeout,
            `Cluster ${cluster.name} is not ${condition} after ${timeoutMs / 1000} seconds: it is ${cluster.state}`,
          );
        await delay(100, undefined, { signal });
      }
    },

    events: (id, options) =>
      streamEvents(connection, {
        path: pathOf(id, "/events"),
        follow: options.follow,
        signal: options.signal ?? signal,
      }),

    async kubeconfig(id, { ttlSeconds } = {}) {
      const query = ttlSeconds === undefined ? "" : `?ttlSeconds=${ttlSeconds}`;
      return (await send({ method: "GET", path: pathOf(id, `/kubeconfig${query}`) })).body;
    },

    async userData(id, { member, format }) {
      const path = pathOf(id, `/members/${encodeURIComponent(member)}/user-data?format=${format}`);
      return (await send({ method: "POST", path })).body;
    },

    extend: (id, { ttlSeconds }) =>
      sendJson(Cluster, { method: "PATCH", path: pathOf(id), body: JSON.stringify({ ttlSeconds }) }),

    delete: (id) => sendJson(Cluster, { method: "DELETE", path: pathOf(id) }),

    async *audit({ after, follow }) {
      for (let last = after; ;) {
        const { entries, next } = await sendJson(AuditPage, { method: "GET", path: `/v1/audit?after=${last}` });
        yield* entries;
        last = entries.at(-1)?.sequence ?? last;
        if (next === null && !follow) return;
        if (next === null) await delay(auditPollMs, undefined, { signal });
      }
    },

    async resolve(idOrName) {
      if (ClusterId.safeParse(idOrName).success) return idOrName;
      const named = await client.list({ name: idOrName });
      const live = named.find((cluster) => cluster.state !== "deleted");
      if (!live)
        throw new CliError(exitCodes.notFound, `No cluster is named "${idOrName}"; see "sprout clusters list"`);
      return live.id;
    },
  };
  return client;
}
