import type { Hono } from "hono";
import { listProviderMachines } from "../clusters/provider-machines.ts";
import type { HttpDependencies } from "./dependencies.ts";

/** What runs, and costs, whoever has forgotten it. */
export function addProviderRoutes(app: Hono, { clusters }: HttpDependencies): void {
  app.get("/v1/providers/:name/machines", async (c) =>
    c.json({ machines: await listProviderMachines(clusters, c.req.param("name")) }),
  );
}
