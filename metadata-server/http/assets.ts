import type { Hono } from "hono";
import { DomainError } from "../errors.ts";
import type { PlainDependencies } from "./dependencies.ts";
import { sendFile } from "./send-file.ts";

/** Files that firmware, initrd and cloud-init fetch. Nothing in them is secret. */
export function addAssetRoutes(app: Hono, { assets, executables, clusters: { logger } }: PlainDependencies): void {
  const options = { contentType: "application/octet-stream", logger };

  // `sprout-bootstrap` for an image without it. The machine knows its SHA-256 from vendor-data.
  app.get("/assets/bootstrapper/:arch", async (c) => {
    const file = await executables.open(c.req.param("arch"));
    if (file === undefined) throw new DomainError("not-found", "Sprout has no sprout-bootstrap for this architecture");
    return sendFile(c, file, options);
  });

  // Kernel, initrd and root of a baked image.
  app.get("/assets/:image/:name", async (c) => {
    const { image, name } = c.req.param();
    const file = await assets.open(image, name);
    if (file === undefined)
      throw new DomainError("not-found", `The server has no ${name} of ${image}; bake that image with --network-boot`);
    return sendFile(c, file, options);
  });
}
