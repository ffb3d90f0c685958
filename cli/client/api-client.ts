import { setTimeout as delay } from "node:timers/promises";
import type { AttachMembers } from "#api/attach-members.ts";
import { AuditPage, type AuditEntry } from "#api/audit.ts";
import { Cluster, ClusterList, type ClusterState, type ClusterSummary } from "#api/cluster.ts";
import type { Event } from "#api/event.ts";
import { ClusterId } from "#api/name.ts";
import type { ScaleNodePool } from "#api/node-pool.ts";
import type { UserDataFormat } from "#api/user-data.ts";
import { isSettled, type WaitCondition } from "#api/wait.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import type { Connection } from "./connection.ts";
import { streamEvents } from "./event-stream.ts";
import { createRequester } from "./requester.ts";

/** A typed client of the cluster API. Every method throws CliError with the exit code of the failure. */
export interface ApiClient {
  create(body: unknown, options?: { idempotencyKey?: string | undefined }): Promise<Cluster>;
  list(query?: { state?: ClusterState | undefined; name?: string | undefined }): Promise<ClusterSummary[]>;
  get(id: string): Promise<Cluster>;
  /** Resolves when the condition holds or can no longer hold. Throws with exit code `timeout` after `timeoutMs`. */
  wait(id: string, options: { condition: WaitCondition; timeoutMs: number }): Promise<Cluster>;
  /** Yields the events from the first one: those so far, or with `follow` all until the cluster is deleted. */
  events(id: string, options: { follow: boolean; signal?: AbortSignal }): AsyncGenerator<Event>;
  kubeconfig(id: string, options?: { ttlSeconds?: number | undefined }): Promise<string>;
  /** Issues user-data for a machine that the operator launches. Earlier user-data is no longer valid. */
  userData(id: string, options: { member: string; format: UserDataFormat }): Promise<string>;
  /** Sets the deletion to this time from now. */
  extend(id: string, options: { ttlSeconds: number }): Promise<Cluster>;
  /** Attaches workers to a ready cluster. */
  attach(id: string, body: AttachMembers, options?: { idempotencyKey?: string | undefined }): Promise<Cluster>;
  /** Sets how many workers a node pool of a ready cluster has. */
  scale(id: string, nodePool: string, body: ScaleNodePool): Promise<Cluster>;
  /** Detaches a member of a ready cluster. */
  detach(id: string, member: string, options: { drainTimeoutSeconds: number; force: boolean }): Promise<Cluster>;
  delete(id: string): Promise<Cluster>;
  /** Yields audit entries after a sequence: those so far, or with `follow` also later ones. */
  audit(options: { after: number; follow: boolean }): AsyncGenerator<AuditEntry>;
  /** Returns the id of the live cluster with this name. An id is returned as it is. */
  resolve(idOrName: string): Promise<string>;
}

interface ApiClientOptions {
  signal: AbortSignal;
  now: () => number;
}

const longestPollSeconds = 60;
const auditPollMs = 1000;

const pathOf = (id: string, rest = "") => `/v1/clusters/${encodeURIComponent(id)}${rest}`;

export function createApiClient(connection: Connection, { signal, now }: ApiClientOptions): ApiClient {
  const { send, sendJson, sendPages } = createRequester(connection, signal);

  const client: ApiClient = {
    create: (body, { idempotencyKey } = {}) =>
      sendJson(Cluster, {
        method: "POST",
        path: "/v1/clusters",
        body: JSON.stringify(body),
        headers: idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey },
        // The server plans and mints certificates for thousands of members before it answers.
        idleTimeoutMs: 120_000,
      }),

    async list({ state, name } = {}) {
      const query = Object.entries({ state, name });
      return (await sendPages(ClusterList, "/v1/clusters", query)).flatMap(({ clusters }) => clusters);
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

    attach: (id, body, { idempotencyKey } = {}) =>
      sendJson(Cluster, {
        method: "POST",
        path: pathOf(id, "/members"),
        body: JSON.stringify(body),
        headers: idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey },
        idleTimeoutMs: 120_000,
      }),

    scale: (id, nodePool, body) =>
      sendJson(Cluster, {
        method: "PATCH",
        path: pathOf(id, `/node-pools/${encodeURIComponent(nodePool)}`),
        body: JSON.stringify(body),
        idleTimeoutMs: 120_000,
      }),

    detach: (id, member, { drainTimeoutSeconds, force }) =>
      sendJson(Cluster, {
        method: "DELETE",
        path: pathOf(
          id,
          `/members/${encodeURIComponent(member)}?drainTimeoutSeconds=${drainTimeoutSeconds}&force=${force}`,
        ),
      }),

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
