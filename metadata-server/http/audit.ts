import { accepts } from "hono/accepts";
import { stream } from "hono/streaming";
import { AuditEntry, AuditPage, AuditQuery } from "#api/audit.ts";
import { pages } from "../store/pages.ts";
import type { Store } from "../store/store.ts";
import { apiToken } from "./auth.ts";
import { type DefineRoute } from "./define-route.ts";
import { json } from "./openapi.ts";
import type { HttpDependencies } from "./dependencies.ts";

const ndjson = "application/x-ndjson";
const pageSize = 1000;

/** The audit log: by pages, or whole as JSON lines. */
export function addAuditRoutes(
  defineRoute: DefineRoute,
  { clusters: { store, logger }, stopping }: HttpDependencies,
): void {
  defineRoute({
    method: "get",
    path: "/v1/audit",
    summary: "Read the audit log, oldest entry first: who did what, to what, from where",
    operationId: "audit",
    security: apiToken,
    query: AuditQuery,
    answer: {
      status: 200,
      description: "One page; as application/x-ndjson every entry, one a line",
      content: { ...json(AuditPage), [ndjson]: AuditEntry },
    },
    async handler(c, { query: { after, limit } }) {
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
          for await (const entries of auditPages(store, after)) {
            if (output.aborted || stopping.aborted) return;
            await output.write(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
          }
        },
        async (error) => logger.error("Cannot send the whole audit log", { error: String(error) }),
      );
    },
  });
}

const toPage = (entries: AuditEntry[], limit: number): AuditPage => ({
  entries,
  next: entries.length < limit ? null : (entries.at(-1)?.sequence ?? null),
});

function auditPages(store: Pick<Store, "audit">, first: number): AsyncGenerator<AuditEntry[]> {
  const read = (after = first) => store.audit({ after, limit: pageSize });
  return pages({ read, pageSize, cursorOf: ({ sequence }) => sequence });
}
