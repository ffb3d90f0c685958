import type { Hono } from "hono";
import { describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import type { PhaseRecord } from "#api/member.ts";
import { fakeCluster, fakeEvents, fakeMember, toServerSent } from "../../test/fakes/fake-api.ts";
import { runSprout } from "../../test/fixtures/run-sprout.ts";

const at = (ms: number) => new Date(Date.parse("2026-01-01T00:00:00.000Z") + ms).toISOString();
const cp = "cp01.build126.sprout.internal";
const ready = fakeCluster({ state: "ready", readyAt: at(5290) });
const available = { ...ready, availableAt: at(7820) };

const withProof = (proof: Omit<PhaseRecord, "phase" | "at">): Cluster => ({
  ...ready,
  members: [fakeMember("cp01", { phases: [{ phase: "available", at: at(7820), ...proof }] }), fakeMember("node01")],
});

const proofEvents = (state: "done" | "failed", error?: string) =>
  fakeEvents(
    { ms: 5290, type: "cluster", state: "ready" },
    { ms: 5300, type: "phase", member: cp, phase: "available", state: "started" },
    { ms: 7820, type: "phase", member: cp, phase: "available", state, durationMs: 2520, ...(error && { error }) },
  );

/** A fake server on which a cluster is ready at once, and `proven` is what comes of it. */
function serve({
  proven,
  events,
  asked,
}: {
  proven: Cluster;
  events: ReturnType<typeof proofEvents>;
  asked: string[];
}) {
  return (app: Hono) => {
    app.post("/v1/clusters", (c) => c.json(fakeCluster({ provider: proven.provider }), 202));
    app.get("/v1/clusters/:id/events", (c) =>
      c.body(events.map(toServerSent).join(""), 200, { "content-type": "text/event-stream" }),
    );
    app.get("/v1/clusters/:id", (c) => {
      const wait = c.req.query("wait") ?? "";
      asked.push(wait);
      return c.json(wait === "ready" ? ready : proven);
    });
  };
}

async function create(flags: string[], proven: Cluster = available, events = proofEvents("done")) {
  const asked: string[] = [];
  const ended = await runSprout(
    ["clusters", "create", "build126", "--nodes", "2", ...flags],
    serve({ proven, events, asked }),
  );
  return { ...ended, asked };
}

describe("sprout clusters create", () => {
  it("waits until the cluster is available, and prints both times and how to use it", async () => {
    const { exitCode, stdout, stderr, asked } = await create([]);
    expect([exitCode, stdout, asked]).toEqual([0, "", ["ready", "available"]]);
    expect(stderr.split("\n").slice(-5)).toEqual([
      "build126 is ready after 5.29 s",
      "Available after 7.82 s",
      "",
      "Use it: sprout clusters kubeconfig build126 -o kubeconfig",
      "",
    ]);
  });

  it("waits only for ready with --wait ready", async () => {
    const { exitCode, stderr, asked } = await create(["--wait", "ready"]);
    expect([exitCode, asked]).toEqual([0, ["ready"]]);
    expect(stderr).not.toContain("Available after");
  });

  it("returns at once with --no-wait, and prints how to wait", async () => {
    const { exitCode, stderr, asked } = await create(["--no-wait"]);
    expect([exitCode, asked]).toEqual([0, []]);
    expect(stderr).toBe("\nWatch it: sprout clusters wait build126\n");
  });

  it("returns at once if the operator must still launch the machines", async () => {
    const external = { ...available, provider: "external" };
    expect((await create(["--provider", "external"], external)).asked).toEqual([]);
    expect((await create(["--provider", "external", "--wait", "ready"], external)).asked).toEqual(["ready"]);
  });

  it("ends with exit code 1 and the reason if the cluster is ready and its proof fails", async () => {
    const error = "Cannot get cluster DNS: no replica of coredns is available";
    const { exitCode, stderr, asked } = await create(
      [],
      withProof({ state: "failed", error }),
      proofEvents("failed", error),
    );
    expect([exitCode, asked]).toEqual([1, ["ready", "available"]]);
    expect(stderr.split("\n").slice(-3)).toEqual([
      "build126 is ready, not available",
      `Not available: ${cp}: ${error}`,
      "",
    ]);
  });
});
