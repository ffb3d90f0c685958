import type { Hono } from "hono";
import type { ZodOpenApiPathsObject } from "zod-openapi";
import { addAuditRoutes } from "./audit.ts";
import { requireApiToken } from "./auth.ts";
import { createBaseApp, refuseOtherMethods } from "./base-app.ts";
import { addClusterRoutes } from "./clusters.ts";
import { createDefineRoute } from "./define-route.ts";
import type { HttpDependencies } from "./dependencies.ts";
import { addEventRoutes } from "./events.ts";
import { createHeldRequests } from "./held-requests.ts";
import { addMachineRoutes } from "./machines.ts";
import { addNodeRoutes } from "./node.ts";
import { createOpenApiDocument } from "./openapi.ts";
import { addOperationsRoutes } from "./operations.ts";
import { addProviderRoutes } from "./providers.ts";
import { addUserDataRoutes } from "./user-data.ts";

/** The API for users, platforms and `sprout-bootstrap`; for TLS only. */
export function createApp(deps: HttpDependencies): Hono {
  return createBaseApp(deps, (app) => {
    const requireToken = requireApiToken(deps.apiToken);
    for (const path of ["/v1/*", "/metrics"]) app.use(path, requireToken);
    app.use(refuseOtherMethods(app));
    const paths: ZodOpenApiPathsObject = {};
    const defineRoute = createDefineRoute(app, paths);
    const held = createHeldRequests(deps);
    addClusterRoutes(defineRoute, { ...deps, held });
    addUserDataRoutes(defineRoute, deps);
    addEventRoutes(defineRoute, { ...deps, held });
    addAuditRoutes(defineRoute, deps);
    addMachineRoutes(defineRoute, deps);
    addProviderRoutes(defineRoute, deps);
    addNodeRoutes(defineRoute, { ...deps, held });
    addOperationsRoutes(app, { ...deps, document: createOpenApiDocument(paths, [...deps.clusters.providers.keys()]) });
  });
}
