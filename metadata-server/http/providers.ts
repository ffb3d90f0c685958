import { z } from "zod";
import { ProviderMachines } from "#api/provider-machine.ts";
import { listProviderMachines } from "../clusters/provider-machines.ts";
import { apiToken } from "./auth.ts";
import { type DefineRoute } from "./define-route.ts";
import { json } from "./openapi.ts";
import type { HttpDependencies } from "./dependencies.ts";

/** Every machine that runs, including forgotten ones that still cost money. */
export function addProviderRoutes(defineRoute: DefineRoute, { clusters }: HttpDependencies): void {
  defineRoute({
    method: "get",
    path: "/v1/providers/:name/machines",
    summary: "List the machines that run at a provider, oldest first",
    operationId: "listProviderMachines",
    security: apiToken,
    params: z.object({ name: z.string().describe("Provider that lists its machines: `ec2` or `nspawn`") }),
    answer: {
      status: 200,
      description: "Its machines, including those that have just terminated",
      content: json(ProviderMachines),
    },
    problems: ["not-found", "provider-unusable"],
    handler: async (c) => c.json({ machines: await listProviderMachines(clusters, c.req.param("name")) }),
  });
}
