import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { createServerTls } from "../../fakes/test-certificates.ts";
import { openSqliteStore } from "../../../metadata-server/store/sqlite/sqlite-store.ts";
import { populate } from "../metadata/population.ts";
import { createPlainSurface, quiet } from "../plain-surface.ts";
import { serveBench, textOf } from "../serve-bench.ts";

// A process of its own: `server.ts bare|sprout MEMBERS FOLDER`.
const [kind = "", count = "", parent = tmpdir()] = process.argv.slice(2);
const folder = await mkdtemp(join(parent, "data-"));
const store = await openSqliteStore({ file: join(folder, "sprout.db"), logger: quiet });
const capabilities = (await populate(store, Number(count))).map(({ capability }) => capability);
// The executables that vendor-data names exist for both architectures; no client fetches them.
for (const arch of ["x64", "arm64"]) {
  await mkdir(join(folder, "bootstrapper", arch), { recursive: true });
  await writeFile(join(folder, "bootstrapper", arch, "sprout-bootstrap"), "not fetched");
}
const { ca } = await createServerTls(join(folder, "tls"));
const sprout = createPlainSurface({ store, imagesDir: folder, bootstrapperDir: join(folder, "bootstrapper"), ca });
const files = ["meta-data", "user-data", "vendor-data"] as const;
const paths = capabilities.flatMap((capability) => files.map((file) => `/nocloud/${capability}/${file}`));
serveBench(kind === "bare" ? await createBareApp() : sprout, { paths, folder });

/** Hono as it comes with the same seeds in a Map: no check, no store. */
async function createBareApp(): Promise<Hono> {
  const seeds = new Map<string, string>();
  // The same for all of them.
  const vendorData = await textOf(sprout, paths.find((path) => path.endsWith("/vendor-data")) ?? "");
  for (const path of paths) seeds.set(path, path.endsWith("/vendor-data") ? vendorData : await textOf(sprout, path));
  return new Hono().get("/nocloud/:capability/:file", (c) => c.text(seeds.get(c.req.path) ?? ""));
}
