import { describe, expect, it } from "vitest";
import type { Member } from "#api/member.ts";
import { fakeCluster, fakeMember } from "../../test/fakes/fake-api.ts";
import { runSprout } from "../../test/fixtures/run-sprout.ts";

const member = (name: string, more: Partial<Member>) => fakeMember(name, { nodePool: "gpu", ...more });
const [cp, leaving] = [fakeMember("cp01", { state: "ready" }), member("node01", { state: "detaching" })];

/** Runs the command on a fake server that shows one state of the members after another. */
async function scale(argv: string[], shown: Member[][], provider = "nspawn") {
  const asked: [string, unknown][] = [];
  const states = [...shown];
  const ended = await runSprout(["clusters", "scale", "c-abcdefgh234567ab", ...argv], (app) => {
    app.patch("/v1/clusters/:id/node-pools/:name", async (c) => {
      asked.push([c.req.param("name"), await c.req.json()]);
      return c.json(fakeCluster({ state: "ready", provider }), 202);
    });
    app.get("/v1/clusters/:id", (c) => {
      const members = (states.length > 1 ? states.shift() : states[0]) ?? [];
      return c.json(fakeCluster({ state: "ready", provider, members }));
    });
  });
  return { ...ended, asked };
}

describe("sprout clusters scale", () => {
  it("sends each pool's number with the drain's time, and waits until the workers have come and gone", async () => {
    const up = member("node02", { state: "launched", nodePool: "default" });
    const done = member("node02", { state: "ready", nodePool: "default" });
    const argv = ["gpu=0", "default=1", "--drain-timeout", "60s", "--force"];
    const { exitCode, stderr, asked } = await scale(argv, [
      [cp, leaving, up],
      [cp, done],
    ]);
    const drain = { drainTimeoutSeconds: 60, force: true };
    expect(asked).toEqual([
      ["gpu", { workers: 0, ...drain }],
      ["default", { workers: 1, ...drain }],
    ]);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/node02\S* is ready after .*\n.*node01\S* is detached after/);
  });

  it("says what keeps a worker, and fails", async () => {
    const error = "Cannot drain node01 in time: pod default/web-1 (a budget)";
    const kept = member("node01", { state: "ready", detachFailure: { at: "2026-01-01T00:00:00.000Z", error } });
    const { exitCode, stderr } = await scale(
      ["gpu=0"],
      [
        [cp, leaving],
        [cp, kept],
      ],
    );
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(error)]);
  });

  it("does not wait with --no-wait, nor for machines that the operator launches", async () => {
    expect(await scale(["gpu=0", "--no-wait"], [[cp, leaving]])).toMatchObject({ exitCode: 0, stderr: "" });
    const { exitCode, stderr } = await scale(["gpu=2"], [[cp, member("node02", {})]], "external");
    expect([exitCode, stderr]).toEqual([0, "User-data for each: sprout clusters user-data build126 MEMBER\n"]);
  });

  it.each([["gpu"], ["gpu=many"], ["=1"]])("refuses %s, and asks the server for nothing", async (size) => {
    const { exitCode, stderr, asked } = await scale([size], [[cp]]);
    expect([exitCode, asked]).toEqual([2, []]);
    expect(stderr).toContain("Expected POOL=N, such as gpu=4");
  });

  it("refuses two numbers for one pool", async () => {
    const { exitCode, stderr } = await scale(["gpu=1", "gpu=2"], [[cp]]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("Expected one number for gpu, got several")]);
  });
});
