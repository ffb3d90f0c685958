import type { Hono } from "hono";
import { accepts } from "hono/accepts";
import { stream } from "hono/streaming";
import type { AuditEntry, AuditPage } from "#api/audit.ts";
import { AuditQuery } from "#api/audit.ts";
import type { Store } from "../store/store.ts";
import type { HttpDependencies } from "./dependencies.ts";
import { parseQuery } from "./request.ts";

const ndjson = "application/x-ndjson";
const pageSize = 1000;

/** Who did what, for whoever has to account for it: by pages, or all of it as JSON lines. */
export function addAuditRoutes(app: Hono, { clusters: { store, logger }, stopping }: HttpDependencies): void {
  app.get("/v1/audit", async (c) => {
    const { after, limit } = parseQuery(c, AuditQuery);
    c.header("cache-control", "no-store");
    const type = accepts(c, {
      header: "Accept",
      supports: ["application/json", ndjson],
      default: "application/json",
    });
    if (type !== ndjson) return c.json(toPage(await store.audit({ after, limit }), limit));
    c.header("content-type", ndjson);
    return stream(
      c,
      async (output) => {
        for await (const entries of pages(store, after)) {
          if (output.aborted || stopping.aborted) return;
          await output.write(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
        }
      },
      async (error) => logger.error("Audit log could not be sent whole", { error: String(error) }),
    );
  });
}

const toPage = (entries: AuditEntry[], limit: number): AuditPage => ({
  entries,
  next: entries.length < limit ? null : (entries.at(-1)?.sequence ?? null),
});

async function* pages(store: Pick<Store, "audit">, first: number): AsyncGenerator<AuditEntry[]> {
  for (let after = first; ;) {
    const entries = await store.audit({ after, limit: pageSize });
    if (entries.length > 0) yield entries;
    if (entries.length < pageSize) return;
    after = entries.at(-1)?.sequence ?? after;
  }
}
