import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { patience } from "../../../test/fixtures/patience.ts";
import { createThawing, findFrozen } from "./frozen-cgroups.ts";
import { killCgroups } from "./kill-cgroups.ts";

const hierarchy = "/sys/fs/cgroup/freezer";
const canFreeze = process.getuid?.() === 0 && existsSync(join(hierarchy, "cgroup.procs"));
const reason = canFreeze ? "" : " (skipped: needs root, and the freezer of cgroup version 1)";

/** A container that runc was about to change when it was killed. */
async function startFrozen() {
  const machine = join(hierarchy, `sprout-test-${process.pid}-${Math.random().toString(36).slice(2)}`);
  const container = join(machine, "container");
  await mkdir(container, { recursive: true });
  const program = spawn("sleep", ["600"], { stdio: "ignore" });
  const ended = once(program, "exit");
  onTestFinished(async () => {
    program.kill("SIGKILL");
    await writeFile(join(container, "freezer.state"), "THAWED");
    await ended;
    await expect
      .poll(
        async () =>
          rmdir(container).then(
            () => true,
            () => false,
          ),
        patience,
      )
      .toBe(true);
    await rmdir(machine);
  });
  await writeFile(join(container, "cgroup.procs"), String(program.pid));
  await writeFile(join(container, "freezer.state"), "FROZEN");
  const state = async () => (await readFile(join(container, "freezer.state"), "utf8")).trim();
  await expect.poll(state, patience).toBe("FROZEN");
  return { machine, container, ended, state };
}

describe.skipIf(!canFreeze)(`a machine with a frozen container${reason}`, () => {
  it("ends when it is killed", async () => {
    const { machine, ended } = await startFrozen();
    await killCgroups([machine], 10_000);
    expect(await ended).toEqual([null, "SIGKILL"]);
  });

  it("thaws once the container is frozen in two surveys, so that it can reboot", async () => {
    const { machine, container, state } = await startFrozen();
    const thawStuck = createThawing();
    await thawStuck([machine]);
    expect(await findFrozen([machine])).toEqual([container]);
    await thawStuck([machine]);
    expect(await state()).toBe("THAWED");
    expect(await findFrozen([machine])).toEqual([]);
  });
});
