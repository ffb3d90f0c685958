import type { Hono } from "hono";
import type { HttpDependencies } from "./dependencies.ts";
import { whyNotReady } from "./why-not-ready.ts";
import { HttpProblem, type ProblemName, problemTypes } from "./problem.ts";

/**
 * Routes for operators and tools, the only ones without a description in the OpenAPI document. Nothing here is secret
 * but the metrics, which need the API token: they count clusters, alerts and routes.
 */
export function addOperationsRoutes(
  app: Hono,
  { clusters, metrics, stopping, clockSkewMs, document }: HttpDependencies & { document: object },
): void {
  app.get("/healthz", (c) => c.text("ok\n"));

  app.get("/readyz", async (c) => {
    const reason = await whyNotReady({ clusters, stopping, clockSkewMs });
    return reason === undefined ? c.text("ok\n") : c.text(`${reason}\n`, 503);
  });

  app.get("/metrics", async (c) =>
    c.body(await metrics.registry.metrics(), 200, { "content-type": metrics.registry.contentType }),
  );

  app.get("/openapi.json", (c) => c.json(document));

  app.get("/problems/:name", (c) => {
    const name = c.req.param("name");
    if (!isProblemName(name)) throw new HttpProblem("no-such-route", `Unknown problem type ${name}`);
    const { title, status, text } = problemTypes[name];
    return c.text(`${title} (status ${status})\n\n${text}\n`);
  });
}

const isProblemName = (name: string): name is ProblemName => Object.hasOwn(problemTypes, name);
