import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { startRedisServer } from "../fixtures/redis-server.ts";
import { hostState, leftBehind, nothingLeft } from "../lab/host-state.ts";
import { prepareImage, whyNoMachines } from "../lab/lab.ts";

const reason = whyNoMachines();
const sprout = join(import.meta.dirname, "../../cli/sprout");

describe.skipIf(reason !== null)(`sprout demo on a Redis${reason ? ` (skipped: ${reason})` : ""}`, () => {
  beforeAll(async () => {
    await prepareImage();
  });

  it("becomes Ready although Redis is killed halfway, and leaves nothing on the host and no key", async () => {
    const before = await hostState();
    const redis = await startRedisServer();
    onTestFinished(() => redis.destroy());
    const client = redis.client();
    const flags = ["--nodes", "2", "--json", "--store", redis.url];
    const demo = execa(sprout, ["demo", ...flags], { reject: false, timeout: 250_000 });
    // Between the launch of the machines and their proof.
    await vi.waitFor(async () => expect(await client.zcard("sprout:clusters:in:bootstrapping")).toBe(1), {
      timeout: 120_000,
    });
    const keysBefore = await client.dbsize();
    await redis.kill("SIGKILL");
    await redis.start();
    expect(await client.dbsize()).toBeGreaterThanOrEqual(keysBefore - 1);
    const { stdout, stderr, exitCode } = await demo;
    expect(stderr).toMatch(/Ready .*control-plane/);
    expect(JSON.parse(stdout.split("\n").at(-1) ?? "")).toMatchObject({ ready: true, nodes: 2, workload: { pods: 2 } });
    expect(exitCode).toBe(0);
    expect(await client.keys("*")).toEqual([]);
    client.disconnect();
    expect(await leftBehind(before)).toEqual(nothingLeft);
  });
});
