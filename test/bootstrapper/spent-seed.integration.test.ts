import { chmod, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { killAt, type KillPoint } from "../fakes/kill-points.ts";
import type { SimulatedMachine } from "../fakes/simulated-machine.ts";
import { rebootSimulatedRoot } from "../fakes/simulated-root.ts";
import { counts, expectDoneWorker, readyWorker } from "../fixtures/simulated-nodes.ts";

const seedOf = ({ root }: SimulatedMachine) => join(root, "etc/sprout/seed.json");
const readSeed = async (machine: SimulatedMachine) => JSON.parse(await readFile(seedOf(machine), "utf8")) as object;
const noCapability =
  /^Cannot contact https:\/\/\S+: the seed holds no capability, which is removed once it is spent; issue user-data again$/;

describe("sprout-bootstrap and its seed (simulated machine)", () => {
  it("makes the seed private, and removes the capability once it is confirmed; a reboot continues", async () => {
    const machine = await readyWorker();
    await chmod(seedOf(machine), 0o644);
    const { stdout } = await machine.run();
    expect(stdout).toMatch(
      /"level":"warn","message":"Other users could read the capability in \/etc\/sprout\/seed.json"/,
    );
    expect((await stat(seedOf(machine))).mode & 0o777).toBe(0o600);
    expect(Object.keys(await readSeed(machine))).toEqual(["server", "ca"]);
    const asked = counts(machine);
    await rebootSimulatedRoot(machine.root, "boot-2");
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    expect(counts(machine)).toEqual(asked);
  });

  it.each<[string, KillPoint]>([
    ["as the server confirms", { at: "request", path: "/node/v1/claim/confirm", stage: "handled" }],
    ["before the seed is replaced", { at: "write", path: "etc/sprout/seed.json", stage: "whole" }],
  ])("removes the capability in the run after a crash %s", async (_, point) => {
    const machine = await readyWorker();
    expect(await killAt(machine, point)).toMatchObject({ killed: true });
    expect(await readSeed(machine)).toHaveProperty("capability");
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    expect(await readSeed(machine)).not.toHaveProperty("capability");
    await expectDoneWorker(machine);
  });

  it("exits 2 after a reset, and says what is missing", async () => {
    const machine = await readyWorker();
    await machine.run();
    expect(await machine.run("reset")).toMatchObject({ exitCode: 0 });
    expect(await machine.run()).toMatchObject({ exitCode: 2, error: expect.stringMatching(noCapability) as string });
  });
});
