import { type Context, Hono } from "hono";
import { routePath } from "hono/route";
import { recordRefusal } from "../clusters/refusals.ts";
import { StoreUnavailable } from "../store/store.ts";
import type { HttpDependencies } from "./dependencies.ts";
import { toRefusal } from "./origin.ts";
import { HttpProblem, toProblem } from "./problem.ts";

/** An app with these surfaces: every request is counted, and what is thrown anywhere becomes a problem document here. */
export function createBaseApp(
  deps: Pick<HttpDependencies, "clusters" | "metrics">,
  addSurfaces: (app: Hono) => void,
): Hono {
  const app = new Hono();
  const { logger } = deps.clusters;
  app.use(async (c, next) => {
    await next();
    deps.metrics.request({ method: c.req.method, route: routeOf(c), status: c.res.status });
  });
  addSurfaces(app);

  const allowed = createMethodTable(app);
  app.notFound((c) => {
    const methods = allowed(c.req.path);
    const problem =
      methods.length > 0
        ? new HttpProblem("method-not-allowed", `${c.req.method} is not possible here`, { allow: methods.join(", ") })
        : new HttpProblem("no-such-route", `Nothing is served at ${c.req.path}`);
    return respond(c, problem);
  });
  app.onError(async (error, c) => {
    const refusal = toRefusal(error, c);
    if (refusal !== undefined) await recordRefusal(deps.clusters, refusal);
    const response = respond(c, error);
    if (response.status === 500 || error instanceof StoreUnavailable)
      logger.error("Request failed", { method: c.req.method, route: routeOf(c), error: error.stack ?? error.message });
    return response;
  });
  return app;
}

function respond(c: Context, error: unknown): Response {
  const { body, headers } = toProblem(error, c.req.path);
  return new Response(JSON.stringify(body), { status: body.status, headers });
}

/** The pattern, not the path: metrics must not grow with the clusters. */
const routeOf = (c: Context) => {
  const route = routePath(c, -1);
  return route.endsWith("*") ? "(none)" : route;
};

/** Which methods a path knows, for `405` and its Allow header. */
function createMethodTable(app: Hono): (path: string) => string[] {
  const routes = app.routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => ({ method, pattern: new RegExp(`^${path.replaceAll(/:[^/]+/g, "[^/]+")}$`) }));
  return (path) => [...new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))];
}
