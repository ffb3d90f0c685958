import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listen } from "../../../metadata-server/listen.ts";
import { openSqliteStore } from "../../../metadata-server/store/sqlite/sqlite-store.ts";
import { createPlainSurface, quiet } from "../plain-surface.ts";
import { wideLimits } from "../../fixtures/wide-limits.ts";

// A process of its own: `server.ts IMAGES_DIR ADDRESS PORT FOLDER`; ends with its standard input.
const [imagesDir = "", address = "", port = "", parent = tmpdir()] = process.argv.slice(2);
const folder = await mkdtemp(join(parent, "data-"));
const store = await openSqliteStore({ file: join(folder, "sprout.db"), logger: quiet });
const app = createPlainSurface({ store, imagesDir, bootstrapperDir: folder });
await listen({ address, port: Number(port) }, { fetch: app.fetch, limits: wideLimits });
process.stdin.resume().once("end", () => process.exit(0));
