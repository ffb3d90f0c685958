import { access } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";
import { hostState, leftBehind, nothingLeft } from "../lab/host-state.ts";
import { prepareImage, whyNoMachines } from "../lab/lab.ts";

const reason = whyNoMachines();
const sprout = join(import.meta.dirname, "../../cli/sprout");

describe.skipIf(reason !== null)(`sprout demo${reason ? ` (skipped: ${reason})` : ""}`, () => {
  beforeAll(async () => {
    await prepareImage();
  });

  it("brings up a cluster, uses it, says how long it took, and leaves nothing", async () => {
    const before = await hostState();
    const demo = await execa(sprout, ["demo", "--nodes", "2", "--json"], { reject: false, timeout: 250_000 });
    expect(demo.stderr).toMatch(/Ready .*control-plane/);
    expect(demo.stderr).toMatch(/from POST to all 2 nodes Ready, .+ until usable: DNS answers on every node/);
    const report = JSON.parse(demo.stdout.split("\n").at(-1) ?? "") as Record<string, unknown>;
    expect(report).toMatchObject({
      ready: true,
      nodes: 2,
      workload: { pods: 2, crossNode: 2, serviceBackends: 2, serviceNames: 2, nodePorts: 2 },
    });
    expect(report["seconds"]).toBeGreaterThan(1);
    expect(report["availableSeconds"]).toBeGreaterThanOrEqual(report["seconds"] as number);
    expect(demo.exitCode).toBe(0);
    expect(await leftBehind(before)).toEqual(nothingLeft);
    await expect(access("/var/lib/sprout/demo")).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("refuses an impossible number of nodes before it starts anything", async () => {
    const demo = await execa(sprout, ["demo", "--nodes", "0"], { reject: false });
    expect(demo.exitCode).toBe(2);
    expect(demo.stderr).toContain("--nodes");
  });

  it("names what a folder of Kubernetes binaries lacks, without a stack trace", async () => {
    const folder = await temporaryFolder("empty");
    const bake = await execa(sprout, ["image", "bake", "--kubernetes-binaries", folder], { reject: false });
    expect(bake.exitCode).toBe(1);
    expect(bake.stderr).toMatch(/^Error: Cannot use programs in .+: coredns is missing; .+; pause is missing$/m);
    expect(bake.stderr).not.toMatch(/^\s+at /m);
  });
});
