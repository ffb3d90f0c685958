import type { Hono } from "hono";
import { expect, it } from "vitest";
import { runSprout } from "../test/fixtures/run-sprout.ts";

const auditEntry = {
  sequence: 7,
  at: "2026-01-01T00:00:00.000Z",
  action: "refuse",
  outcome: "refused",
  actor: "unknown",
  from: "203.0.113.9",
  clusterId: null,
  member: null,
  detail: "unauthorized:\u001b[31m token",
};

const serve = (app: Hono) =>
  app.get("/v1/audit", (c) =>
    c.json(
      c.req.query("after") === "7"
        ? { entries: [{ ...auditEntry, sequence: 8, action: "claim", outcome: "allowed" }], next: null }
        : { entries: [auditEntry], next: 7 },
    ),
  );

it("the audit log is read page by page, and printed without control characters or as JSON lines", async () => {
  const { stdout } = await runSprout(["audit"], serve);
  expect(stdout.split("\n")).toEqual([
    "2026-01-01T00:00:00.000Z  refused           unknown (203.0.113.9)  unauthorized: token",
    expect.stringContaining("  claim "),
    "",
  ]);
  const json = (await runSprout(["audit", "--after", "6", "--json"], serve)).stdout.trimEnd().split("\n");
  expect(json.map((line) => (JSON.parse(line) as { sequence: number }).sequence)).toEqual([7, 8]);
});
