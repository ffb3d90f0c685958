import type { Hono } from "hono";
import { UserDataQuery } from "#api/user-data.ts";
import { createRender } from "../cloud-init/documents.ts";
import { renderLaunchUserData } from "../cloud-init/launch-user-data.ts";
import { issueUserData } from "../clusters/issue-user-data.ts";
import type { HttpDependencies } from "./dependencies.ts";
import { byApi } from "./origin.ts";
import { parseQuery } from "./request.ts";

/** What whoever launches machines himself starts them with. POST, because each answer voids the last one. */
export function addUserDataRoutes(app: Hono, { clusters }: HttpDependencies): void {
  const render = createRender();
  app.post("/v1/clusters/:id/members/:name/user-data", async (c) => {
    const { format } = parseQuery(c, UserDataQuery);
    const { id, name } = c.req.param();
    const issued = await issueUserData(clusters, { clusterId: id, name, by: byApi(c) });
    const type = format === "cloud-config" ? "text/cloud-config" : "application/json";
    const userData = await renderLaunchUserData(render, { issued, format });
    return c.body(userData, 200, { "content-type": `${type}; charset=utf-8`, "cache-control": "no-store" });
  });
}
