import { describe, expect, it } from "vitest";
import type { Phase } from "#api/phase.ts";
import { runAsUnit } from "../../test/fakes/simulated-machine.ts";
import { files, nodeFiles, readyWorker, setReady } from "../../test/fixtures/simulated-nodes.ts";

describe("sprout-bootstrap reset during a bring-up (simulated machine)", () => {
  it.each<Phase>(["metadata", "claim", "render", "confirm", "register", "verify"])(
    "stops the unit in step %s, and leaves the machine as it was imaged",
    async (phase) => {
      const machine = await readyWorker();
      setReady(machine, false);
      const unit = await runAsUnit(machine);
      await expect
        .poll(() => machine.server.reports.some((report) => report.phase === phase), { timeout: 20_000 })
        .toBe(true);
      expect(await machine.run("reset")).toMatchObject({ exitCode: 0, error: "" });
      expect((await unit.ended).exitCode).not.toBe(0);
      expect(await nodeFiles(machine)).toEqual([]);
      expect(await files(machine.root, "var/lib/kubelet")).toEqual([]);
      expect(await files(machine.root, "run/fake-units")).toEqual(["containerd.service"]);
    },
  );

  it("lets a second reset wait for the first, or say which process it is", async () => {
    const machine = await readyWorker();
    expect(await machine.run()).toMatchObject({ exitCode: 0 });
    const both = await Promise.all([machine.run("reset"), machine.run("reset")]);
    expect(both.map(({ exitCode }) => exitCode)).toContain(0);
    const refused = /^(Cannot reset: another sprout-bootstrap \(process \d+\) is running on this machine; .*)?$/;
    for (const { error } of both) expect(error).toMatch(refused);
    expect(await nodeFiles(machine)).toEqual([]);
    expect(await machine.run("reset")).toMatchObject({ exitCode: 0, error: "" });
  });
});
