import type { Context, Hono } from "hono";
import { z } from "zod";
import { CreateCluster, ExtendCluster, GetClusterQuery, KubeconfigQuery, ListClustersQuery } from "#api/cluster.ts";
import { createCluster } from "../clusters/create-cluster.ts";
import { deleteCluster } from "../clusters/delete-cluster.ts";
import { extendCluster } from "../clusters/extend-cluster.ts";
import { issueKubeconfig } from "../clusters/kubeconfig.ts";
import { findCluster, getCluster, listClusters } from "../clusters/queries.ts";
import { toCluster } from "../clusters/view.ts";
import type { HttpDependencies } from "./dependencies.ts";
import { byApi } from "./origin.ts";
import { limitBody, parse, parseBody, parseQuery } from "./request.ts";

const maxBodyBytes = 256 * 1024;

export const IdempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, "must be 1 to 255 visible ASCII characters")
  .optional();
const CreateHeaders = z.object({ "Idempotency-Key": IdempotencyKey });
const NoQuery = z.strictObject({});

/** What a platform asks of the server. Every answer about a cluster is the whole cluster. */
export function addClusterRoutes(app: Hono, { clusters, metrics, stopping }: HttpDependencies): void {
  app.post("/v1/clusters", limitBody(maxBodyBytes), async (c) => {
    parseQuery(c, NoQuery);
    const headers = parse(CreateHeaders, { "Idempotency-Key": c.req.header("idempotency-key") });
    const request = await parseBody(c, CreateCluster);
    const created = await createCluster(clusters, request, {
      by: byApi(c),
      idempotencyKey: headers["Idempotency-Key"],
    });
    c.header("location", `/v1/clusters/${created.cluster.id}`);
    return c.json(toCluster(created.cluster, created.members), 202);
  });

  app.get("/v1/clusters", async (c) => c.json(await listClusters(clusters, parseQuery(c, ListClustersQuery))));

  app.get("/v1/clusters/:id", async (c) => {
    const query = parseQuery(c, GetClusterQuery);
    const signal = AbortSignal.any([c.req.raw.signal, stopping]);
    const cluster = getCluster(clusters, clusterId(c), { ...query, signal });
    return c.json(await (query.wait === undefined ? cluster : metrics.whileHeld(cluster)));
  });

  app.patch("/v1/clusters/:id", limitBody(maxBodyBytes), async (c) => {
    parseQuery(c, NoQuery);
    const { ttlSeconds } = await parseBody(c, ExtendCluster);
    const cluster = await extendCluster(clusters, { clusterId: clusterId(c), ttlSeconds, by: byApi(c) });
    return c.json(toCluster(cluster, await clusters.store.members(cluster.id)));
  });

  app.delete("/v1/clusters/:id", async (c) => {
    parseQuery(c, NoQuery);
    const cluster = await deleteCluster(clusters, { clusterId: clusterId(c), by: byApi(c) });
    return c.json(toCluster(cluster, await clusters.store.members(cluster.id)), 202);
  });

  app.get("/v1/clusters/:id/kubeconfig", async (c) => {
    const { ttlSeconds } = parseQuery(c, KubeconfigQuery);
    const { id } = await findCluster(clusters, clusterId(c));
    const kubeconfig = await issueKubeconfig(clusters, { clusterId: id, ttlSeconds, by: byApi(c) });
    return c.body(kubeconfig, 200, { "content-type": "application/yaml", "cache-control": "no-store" });
  });
}

const clusterId = (c: Context) => c.req.param("id") ?? "";
