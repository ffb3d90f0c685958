import { z } from "zod";
import { ClusterId, NodeName } from "#api/name.ts";
import { UserDataJson, UserDataQuery } from "#api/user-data.ts";
import { createRender } from "../../templates/create-render.ts";
import { templatesFolder } from "../../templates/folder.ts";
import { renderLaunchUserData } from "../cloud-init/launch-user-data.ts";
import { issueUserData } from "../clusters/issue-user-data.ts";
import { apiToken } from "./auth.ts";
import { type DefineRoute } from "./define-route.ts";
import { json } from "./openapi.ts";
import type { HttpDependencies } from "./dependencies.ts";

/** User-data for machines that the operator launches. POST, because each answer makes the last one invalid. */
export function addUserDataRoutes(defineRoute: DefineRoute, { clusters }: HttpDependencies): void {
  const render = createRender(templatesFolder);
  defineRoute({
    method: "post",
    path: "/v1/clusters/:id/members/:name/user-data",
    summary: "Issue user-data for a machine of provider `external`; each answer makes the last one invalid",
    operationId: "issueUserData",
    security: apiToken,
    params: z.object({ id: ClusterId, name: NodeName }),
    query: UserDataQuery,
    answer: {
      status: 200,
      description: "User-data with a capability that Sprout keeps nowhere: in no store, event or log",
      content: { ...json(UserDataJson), "text/cloud-config": z.string() },
    },
    problems: ["not-found", "wrong-state", "gone", "provider-unusable"],
    async handler(c, { caller: by, query: { format } }) {
      const { id, name } = c.req.param();
      const issued = await issueUserData(clusters, { clusterId: id, name, by });
      const type = format === "cloud-config" ? "text/cloud-config" : "application/json";
      const userData = await renderLaunchUserData(render, { issued, format });
      return c.body(userData, 200, { "content-type": `${type}; charset=utf-8`, "cache-control": "no-store" });
    },
  });
}
