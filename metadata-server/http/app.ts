import type { Hono } from "hono";
import { addAuditRoutes } from "./audit.ts";
import { requireApiToken } from "./auth.ts";
import { createBaseApp } from "./base-app.ts";
import { addClusterRoutes } from "./clusters.ts";
import type { HttpDependencies } from "./dependencies.ts";
import { addEventRoutes } from "./events.ts";
import { addMachineRoutes } from "./machines.ts";
import { addNodeRoutes } from "./node.ts";
import { addOperationsRoutes } from "./operations.ts";
import { addProviderRoutes } from "./providers.ts";
import { addUserDataRoutes } from "./user-data.ts";

/** What people, platforms and the nodes' own program ask; for TLS only. */
export function createApp(deps: HttpDependencies): Hono {
  return createBaseApp(deps, (app) => {
    app.use("/v1/*", requireApiToken(deps.apiToken));
    addClusterRoutes(app, deps);
    addUserDataRoutes(app, deps);
    addEventRoutes(app, deps);
    addAuditRoutes(app, deps);
    addMachineRoutes(app, deps);
    addProviderRoutes(app, deps);
    addNodeRoutes(app, deps);
    addOperationsRoutes(app, deps);
  });
}
