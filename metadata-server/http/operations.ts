import type { Hono } from "hono";
import type { HttpDependencies } from "./dependencies.ts";
import { createOpenApiDocument } from "./openapi.ts";
import { HttpProblem, type ProblemName, problemTypes } from "./problem.ts";

/** What operators and tools ask; nothing here is secret. */
export function addOperationsRoutes(app: Hono, { clusters, metrics }: HttpDependencies): void {
  const document = createOpenApiDocument();

  app.get("/healthz", (c) => c.text("ok\n"));

  app.get("/readyz", async (c) => {
    try {
      await clusters.store.check();
      return c.text("ok\n");
    } catch (error) {
      clusters.logger.error("Store cannot serve", { error: String(error) });
      return c.text("the store cannot serve\n", 503);
    }
  });

  app.get("/metrics", async (c) =>
    c.body(await metrics.registry.metrics(), 200, { "content-type": metrics.registry.contentType }),
  );

  app.get("/openapi.json", (c) => c.json(document));

  app.get("/problems/:name", (c) => {
    const name = c.req.param("name");
    if (!isProblemName(name)) throw new HttpProblem("no-such-route", `There is no problem type ${name}`);
    const { title, status, text } = problemTypes[name];
    return c.text(`${title} (status ${status})\n\n${text}\n`);
  });
}

const isProblemName = (name: string): name is ProblemName => Object.hasOwn(problemTypes, name);
