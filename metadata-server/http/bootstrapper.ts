import type { Hono } from "hono";
import { DomainError } from "../errors.ts";
import type { PlainDependencies } from "./dependencies.ts";
import { sendFile } from "./send-file.ts";

/** `sprout-bootstrap` for an image that lacks it. Whoever fetches it knows its SHA-256 beforehand, from vendor-data. */
export function addBootstrapperRoutes(app: Hono, { executables, clusters }: PlainDependencies): void {
  app.get("/assets/bootstrapper/:arch", async (c) => {
    const file = await executables.open(c.req.param("arch"));
    if (file === undefined) throw new DomainError("not-found", "There is no sprout-bootstrap for that architecture");
    return sendFile(c, file, { contentType: "application/octet-stream", logger: clusters.logger });
  });
}
