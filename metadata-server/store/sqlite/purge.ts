import { notDeleted } from "../refusals.ts";
import type { Prepare } from "./database.ts";

/** Forgets a deleted cluster in the open transaction; SQLite reuses its pages. Throws StoreConflict in other states. */
export function purgeCluster(prepare: Prepare, id: string): void {
  const state = prepare("SELECT state FROM clusters WHERE id = ?").get(id)?.["state"];
  if (state === undefined) return;
  if (state !== "deleted") throw notDeleted(id, String(state));
  for (const table of ["idempotency", "events", "secrets", "tokens", "members"])
    prepare(`DELETE FROM ${table} WHERE cluster_id = ?`).run(id);
  prepare("DELETE FROM clusters WHERE id = ?").run(id);
}
