import type { Hono } from "hono";
import { DomainError } from "../errors.ts";
import type { PlainDependencies } from "./dependencies.ts";
import { sendFile } from "./send-file.ts";

/** Kernel, initrd and root of every baked image, as firmware and initrd ask for them. Nothing in them is secret. */
export function addAssetRoutes(app: Hono, { assets, clusters }: PlainDependencies): void {
  app.get("/assets/:version/:name", async (c) => {
    const { version, name } = c.req.param();
    const file = await assets.open(version, name);
    if (file === undefined)
      throw new DomainError("not-found", `There is no ${name} of ${version}; bake that image for network boot`);
    return sendFile(c, file, { contentType: "application/octet-stream", logger: clusters.logger });
  });
}
