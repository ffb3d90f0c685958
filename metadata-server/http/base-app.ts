import { type Context, type Env, Hono, type MiddlewareHandler } from "hono";
import type { HonoOptions } from "hono/hono-base";
import { routePath } from "hono/route";
import { recordRefusal } from "../clusters/refusals.ts";
import { StoreUnavailable } from "../store/store.ts";
import type { HttpDependencies } from "./dependencies.ts";
import { toRefusal } from "./caller.ts";
import { limitRequests } from "./limit-requests.ts";
import { refuseTwoHosts, refuseUnusableHost } from "./own-hosts.ts";
import { HttpProblem, toProblem } from "./problem.ts";

/** Creates an app with these surfaces. It counts every request and turns every error into a problem document. */
export function createBaseApp(
  deps: Pick<HttpDependencies, "clusters" | "metrics" | "limits">,
  addSurfaces: (app: Hono) => void,
  options: Pick<HonoOptions<Env>, "getPath"> = {},
): Hono {
  const app = new Hono(options);
  const { logger } = deps.clusters;
  app.use(async (c, next) => {
    await next();
    deps.metrics.request({ method: c.req.method, route: routeOf(c), status: c.res.status });
  });
  app.use(limitRequests(deps.limits, deps.clusters.clock));
  app.use(refuseUnusableHost, refuseTwoHosts);
  addSurfaces(app);

  const allowed = createMethodTable(app);
  app.notFound((c) => {
    const methods = allowed(c.req.path);
    const problem =
      methods.length > 0
        ? methodNotAllowed(c, methods)
        : new HttpProblem("no-such-route", `The server has no route at ${c.req.path}`);
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

/** The route's pattern, not the path: metrics must not grow with the number of clusters. */
const routeOf = (c: Context) => {
  const route = routePath(c, -1);
  return route.endsWith("*") ? "(none)" : route;
};

/**
 * Refuses other methods of a path that a route names. Without it `PATCH /v1/machines/rules` would be a change of a
 * machine called `rules`.
 */
export function refuseOtherMethods(app: Hono): MiddlewareHandler {
  let byPath: Map<string, string[]> | undefined;
  return async (c, next) => {
    // At the first request, because the routes follow.
    byPath ??= namedPaths(app);
    const methods = byPath.get(c.req.path);
    const method = c.req.method === "HEAD" ? "GET" : c.req.method;
    if (methods !== undefined && !methods.includes(method)) throw methodNotAllowed(c, methods);
    await next();
  };
}

function namedPaths(app: Hono): Map<string, string[]> {
  const named = routesOf(app).filter(({ path }) => !path.includes(":"));
  return new Map(
    Array.from(
      Map.groupBy(named, ({ path }) => path),
      ([path, routes]) => [path, routes.map(({ method }) => method)],
    ),
  );
}

const methodNotAllowed = (c: Context, methods: readonly string[]) =>
  new HttpProblem("method-not-allowed", `This path does not support ${c.req.method}`, { allow: methods.join(", ") });

const routesOf = (app: Hono) => app.routes.filter(({ method }) => method !== "ALL");

/** Parameters, such as `:id` or `:path{.*}`. */
const toPattern = (path: string) =>
  new RegExp(`^${path.replaceAll(/:\w+(?:\{(.+?)\})?/g, (_, pattern: string | undefined) => pattern ?? "[^/]+")}$`);

/** Returns the methods of a path, for `405` and its Allow header. */
function createMethodTable(app: Hono): (path: string) => string[] {
  const routes = routesOf(app).map(({ method, path }) => ({ method, pattern: toPattern(path) }));
  return (path) => [...new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))];
}
