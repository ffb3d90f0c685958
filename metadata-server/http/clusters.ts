import { z } from "zod";
import { Cluster, ClusterList, ExtendCluster, KubeconfigQuery, ListClustersQuery } from "#api/cluster.ts";
import { GetClusterQuery } from "#api/get-cluster.ts";
import { DetachMemberQuery } from "#api/detach-member.ts";
import { ClusterId, NodeName } from "#api/name.ts";
import { AttachMembers } from "#api/attach-members.ts";
import { NodePoolName, ScaleNodePool } from "#api/node-pool.ts";
import { attachMembers } from "../clusters/attach-members.ts";
import { createCluster } from "../clusters/create-cluster.ts";
import { deleteCluster } from "../clusters/delete-cluster.ts";
import { detachMember } from "../clusters/detach-member.ts";
import { extendCluster } from "../clusters/extend-cluster.ts";
import { issueKubeconfig } from "../clusters/issue-kubeconfig.ts";
import { findCluster, getCluster, listClusters } from "../clusters/queries.ts";
import { scaleNodePool } from "../clusters/scale-node-pool.ts";
import { toCluster } from "../clusters/view.ts";
import { apiToken } from "./auth.ts";
import { type DefineRoute, NoQuery } from "./define-route.ts";
import { costlyBodies } from "./costly-bodies.ts";
import { json } from "./openapi.ts";
import type { HoldingDependencies } from "./held-requests.ts";

const IdempotencyKey = z
  .string("1 to 255 visible ASCII characters")
  .regex(/^[\x21-\x7e]{1,255}$/)
  .optional()
  .describe("Within a day a repeated request with the same key and body changes nothing and gets the same cluster");

const oneCluster = { path: "/v1/clusters/:id", security: apiToken, params: z.object({ id: ClusterId }) } as const;

/** The cluster API, for platforms and the command. Every answer about a cluster is the whole cluster. */
export function addClusterRoutes(defineRoute: DefineRoute, { clusters, held, stopping }: HoldingDependencies): void {
  defineRoute({
    method: "post",
    path: "/v1/clusters",
    summary: "Create a cluster",
    operationId: "createCluster",
    security: apiToken,
    query: NoQuery,
    headers: z.object({ "Idempotency-Key": IdempotencyKey }),
    body: costlyBodies.CreateCluster,
    costly: "CreateCluster",
    answer: {
      status: 202,
      description: "Planned and stored; the provider starts its machines",
      content: json(Cluster),
    },
    problems: ["name-taken", "idempotency-key-reused", "no-image", "no-capacity", "provider-unusable"],
    async handler(c, { caller: by, headers, body }) {
      const created = await createCluster(clusters, body, { by, idempotencyKey: headers["Idempotency-Key"] });
      c.header("location", `/v1/clusters/${created.cluster.id}`);
      return c.json(toCluster(created.cluster, created.members), 202);
    },
  });

  defineRoute({
    method: "get",
    path: "/v1/clusters",
    summary: "List clusters, newest first; deleted ones only with `state=deleted`",
    operationId: "listClusters",
    security: apiToken,
    query: ListClustersQuery,
    answer: { status: 200, description: "One page", content: json(ClusterList) },
    handler: async (c, { query }) => c.json(await listClusters(clusters, query)),
  });

  defineRoute({
    ...oneCluster,
    method: "get",
    summary: "Get a cluster with its members; `wait` holds the request until the cluster is in that state",
    operationId: "getCluster",
    query: GetClusterQuery,
    answer: { status: 200, description: "The cluster, whatever its state", content: json(Cluster) },
    problems: ["not-found"],
    async handler(c, { query }) {
      const signal = AbortSignal.any([c.req.raw.signal, stopping]);
      const get = () => getCluster(clusters, c.req.param("id"), { ...query, signal });
      return c.json(await (query.wait === undefined ? get() : held.while(c, get)));
    },
  });

  defineRoute({
    ...oneCluster,
    method: "patch",
    summary: "Change the cluster's time to live, counted from now",
    operationId: "extendCluster",
    query: NoQuery,
    body: json(ExtendCluster),
    answer: { status: 200, description: "Stored", content: json(Cluster) },
    problems: ["not-found", "wrong-state"],
    async handler(c, { caller: by, body: { ttlSeconds } }) {
      const cluster = await extendCluster(clusters, { clusterId: c.req.param("id"), ttlSeconds, by });
      return c.json(toCluster(cluster, await clusters.store.members(cluster.id)));
    },
  });

  defineRoute({
    ...oneCluster,
    method: "post",
    path: "/v1/clusters/:id/members",
    summary: "Attach members to a ready cluster",
    operationId: "attachMembers",
    query: NoQuery,
    headers: z.object({ "Idempotency-Key": IdempotencyKey }),
    body: json(AttachMembers),
    answer: {
      status: 202,
      description: "Planned and stored; the provider starts the machines",
      content: json(Cluster),
    },
    problems: ["not-found", "not-ready", "wrong-state", "idempotency-key-reused", "no-capacity", "provider-unusable"],
    async handler(c, { caller: by, headers, body }) {
      const options = { clusterId: c.req.param("id"), by, idempotencyKey: headers["Idempotency-Key"] };
      const { cluster, members } = await attachMembers(clusters, body, options);
      return c.json(toCluster(cluster, members), 202);
    },
  });

  defineRoute({
    method: "patch",
    path: "/v1/clusters/:id/node-pools/:name",
    summary: "Attach or detach workers until a node pool of a ready cluster has that many",
    operationId: "scaleNodePool",
    security: apiToken,
    params: z.object({ id: ClusterId, name: NodePoolName }),
    query: NoQuery,
    body: json(ScaleNodePool),
    answer: { status: 202, description: "Stored; workers come up or are drained", content: json(Cluster) },
    problems: ["not-found", "not-ready", "wrong-state", "no-capacity", "provider-unusable"],
    async handler(c, { caller: by, body }) {
      const options = { clusterId: c.req.param("id"), name: c.req.param("name"), by, ...body };
      const { cluster, members } = await scaleNodePool(clusters, options);
      return c.json(toCluster(cluster, members), 202);
    },
  });

  defineRoute({
    method: "delete",
    path: "/v1/clusters/:id/members/:name",
    summary: "Drain a node of a ready cluster, terminate its machine and remove it",
    operationId: "detachMember",
    security: apiToken,
    params: z.object({ id: ClusterId, name: NodeName }),
    query: DetachMemberQuery,
    answer: { status: 202, description: "The drain has started", content: json(Cluster) },
    problems: ["not-found", "not-ready", "wrong-state"],
    async handler(c, { caller: by, query }) {
      const options = { clusterId: c.req.param("id"), name: c.req.param("name"), by, ...query };
      const { cluster, members } = await detachMember(clusters, options);
      return c.json(toCluster(cluster, members), 202);
    },
  });

  defineRoute({
    ...oneCluster,
    method: "delete",
    summary: "Wipe the cluster's secrets and terminate its machines",
    operationId: "deleteCluster",
    query: NoQuery,
    answer: { status: 202, description: "Deletion has started", content: json(Cluster) },
    problems: ["not-found"],
    async handler(c, { caller: by }) {
      const cluster = await deleteCluster(clusters, { clusterId: c.req.param("id"), by });
      return c.json(toCluster(cluster, await clusters.store.members(cluster.id)), 202);
    },
  });

  defineRoute({
    ...oneCluster,
    method: "get",
    path: "/v1/clusters/:id/kubeconfig",
    summary: "Issue a short-lived kubeconfig",
    operationId: "issueKubeconfig",
    query: KubeconfigQuery,
    answer: {
      status: 200,
      description: "A kubeconfig with its own client certificate",
      content: { "application/yaml": z.string() },
    },
    problems: ["not-found", "not-ready"],
    async handler(c, { caller: by, query: { ttlSeconds } }) {
      const { id: clusterId } = await findCluster(clusters, c.req.param("id"));
      const kubeconfig = await issueKubeconfig(clusters, { clusterId, ttlSeconds, by });
      return c.body(kubeconfig, 200, { "content-type": "application/yaml", "cache-control": "no-store" });
    },
  });
}
