import { appendFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { killAt } from "../fakes/kill-points.ts";
import type { SimulatedMachine } from "../fakes/simulated-machine.ts";
import { rebootSimulatedRoot } from "../fakes/simulated-root.ts";
import {
  counts,
  expectDoneWorker,
  expectWholeReports,
  files,
  readyWorker,
  setReady,
} from "../fixtures/simulated-nodes.ts";
import { workerMetadata } from "../fixtures/node-documents.ts";
import { patience } from "../fixtures/patience.ts";

const { allocation } = workerMetadata;
const node = "var/lib/sprout/node";
const toReset = "run sprout-bootstrap reset to give this machine back as it was imaged";
const duringProof = { at: "line", phase: "verify", state: "started" } as const;
const reboot = ({ root }: SimulatedMachine) => rebootSimulatedRoot(root, "boot-2");

/** Sorted, because between rules of different chains the order does not matter. */
const packetFilter = async ({ root }: SimulatedMachine) =>
  (await readFile(join(root, "iptables.rules"), "utf8")).split("\n").toSorted();

async function killedDuringProof(options = {}): Promise<SimulatedMachine> {
  const machine = await readyWorker(options);
  setReady(machine, false);
  expect(await killAt(machine, duringProof)).toMatchObject({ killed: true });
  setReady(machine, true);
  return machine;
}

describe("bringUp on a simulated worker that reboots", () => {
  it("resumes with what is left of the deadline by the wall clock", async () => {
    const machine = await killedDuringProof();
    await reboot(machine);
    const { exitCode, stdout } = await machine.run();
    expect(exitCode).toBe(0);
    const text = await readFile(join(machine.root, node, "allocation.json"), "utf8");
    const { metadata } = JSON.parse(text) as { metadata: { deadlineSeconds: number } };
    const [, left] =
      new RegExp(`resuming ${allocation} after a reboot: ([\\d.]+) s of its deadline are left by the wall clock`).exec(
        stdout,
      ) ?? [];
    expect(Number(left)).toBeGreaterThan(0);
    expect(Number(left)).toBeLessThan(metadata.deadlineSeconds);
    await expectDoneWorker(machine);
  });

  it("reports a deadline that has passed, to the server too, and changes nothing", async () => {
    const machine = await killedDuringProof();
    await reboot(machine);
    const path = join(machine.root, node, "allocation.json");
    await writeFile(path, (await readFile(path, "utf8")).replace(/"time": ".*"/, '"time": "2020-01-01T00:00:00.000Z"'));
    const error =
      `Cannot resume ${allocation}: its deadline passed before this run (wall clock); ` +
      `delete the cluster, or ${toReset}`;
    expect(await machine.run()).toMatchObject({ exitCode: 4, error });
    expect(machine.server.reports.at(-1)).toMatchObject({ phase: "resume", state: "failed", error, exitCode: 4 });
    expect(await files(machine.root, "run/fake-units")).toEqual([]);
  });

  it("sets the packet filter and then starts what a done node runs, without proof, claim or deadline", async () => {
    const machine = await readyWorker();
    expect(await machine.run()).toMatchObject({ exitCode: 0 });
    const rules = await packetFilter(machine);
    const asked = counts(machine);
    await reboot(machine);
    setReady(machine, false);
    const { exitCode, stdout } = await machine.run();
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`${allocation} is done: starting what it runs after a reboot`);
    expect(counts(machine)).toEqual(asked);
    expect(await packetFilter(machine)).toEqual(rules);
    expect(await files(machine.root, "run/fake-units")).toEqual(["kubelet.service", "sprout-network-agent.service"]);
    expectWholeReports(machine);
    expect(machine.server.reports.slice(-8).map(({ phase, state }) => `${phase} ${state}`)).toEqual([
      "discover started",
      "discover done",
      "resume started",
      "resume done",
      "network started",
      "network done",
      "kubelet started",
      "kubelet done",
    ]);
  });

  it("comes back without its seed and its server", async () => {
    const machine = await readyWorker();
    expect(await machine.run()).toMatchObject({ exitCode: 0 });
    await reboot(machine);
    await rm(join(machine.root, "etc/sprout/seed.json"));
    const away = Array.from({ length: 3 }, () => ({ kind: "drop" }) as const);
    machine.server.faults.set("/node/v1/reports", away);
    expect(await machine.run()).toMatchObject({ exitCode: 0 });
    expect(await files(machine.root, "run/fake-units")).toEqual(["kubelet.service", "sprout-network-agent.service"]);
    expectWholeReports(machine);
  });
});

describe("bringUp on what an earlier run left (simulated)", () => {
  it("refuses another allocation's state: names both, reports to the server, touches nothing", async () => {
    const machine = await readyWorker();
    const other = await readyWorker();
    expect(await machine.run()).toMatchObject({ exitCode: 0 });
    const record = join(machine.root, node, "allocation.json");
    const theirs = (await readFile(record, "utf8"))
      .replace(/"capabilitySha256": ".*"/, '"capabilitySha256": "theirs"')
      .replace(allocation, "a-zzzzzzzzzzzzzzzz");
    await writeFile(record, theirs);
    const seed = await readFile(join(other.root, "etc/sprout/seed.json"), "utf8");
    await writeFile(join(machine.root, "etc/sprout/seed.json"), seed);
    const journal = await readFile(join(machine.root, node, "journal.jsonl"), "utf8");
    const error =
      `Cannot become node03.build126.test (${allocation}): this machine is node03.build126.test ` +
      `(a-zzzzzzzzzzzzzzzz); ${toReset}`;
    expect(await machine.run()).toMatchObject({ exitCode: 3, error });
    expect(counts(other)).toEqual({ metadata: 1, claims: 0, confirms: 0 });
    expect(other.server.reports.at(-1)).toMatchObject({ phase: "preflight", state: "failed", error, exitCode: 3 });
    expect(await readFile(record, "utf8")).toBe(theirs);
    expect(await readFile(join(machine.root, node, "journal.jsonl"), "utf8")).toBe(journal);
  });

  it("refuses state of another tool together with all other problems, and leaves it in place", async () => {
    const machine = await readyWorker();
    await writeFile(join(machine.root, "proc/swaps"), "Filename\n/dev/sda2 partition\n");
    await mkdir(join(machine.root, "etc/kubernetes/pki"), { recursive: true });
    await writeFile(join(machine.root, "etc/kubernetes/pki/ca.crt"), "theirs");
    const { exitCode, error } = await machine.run();
    expect(exitCode).toBe(3);
    expect(error).toContain("/etc/kubernetes/pki");
    expect(await readFile(join(machine.root, "etc/kubernetes/pki/ca.crt"), "utf8")).toBe("theirs");
    expect(await files(machine.root, node)).toEqual([]);
  });

  it("reads a journal with a line that a crash truncated, and continues after the whole lines", async () => {
    const machine = await killedDuringProof();
    await appendFile(join(machine.root, node, "journal.jsonl"), '{"allocation":"a-bbb');
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    await expectDoneWorker(machine);
    const lines = (await readFile(join(machine.root, node, "journal.jsonl"), "utf8")).trim().split("\n");
    expect(() => lines.map((line) => JSON.parse(line) as unknown)).not.toThrow();
  });

  it.each([
    ["a line that is not JSON", "nonsense\n", "it is not JSON"],
    [
      "a line with an unknown field",
      '{"allocation":"a-bbbbbbbbbbbbbbbb","sentUpTo":1,"x":1}\n',
      "/bootId: Expected text",
    ],
  ])("refuses a journal with %s", async (_, line, why) => {
    const machine = await killedDuringProof();
    const path = join(machine.root, node, "journal.jsonl");
    await writeFile(path, line + (await readFile(path, "utf8")));
    const { exitCode, error } = await machine.run();
    expect(exitCode).toBe(3);
    expect(error).toContain(`Cannot resume: /${node}/journal.jsonl line 1 is unreadable: ${why}`);
    expect(error).toContain(toReset);
  });

  it("sends unsent reports in the next run, once and in order", async () => {
    const machine = await readyWorker();
    setReady(machine, false);
    const away = Array.from({ length: 200 }, () => ({ kind: "status", status: 503 }) as const);
    machine.server.faults.set("/node/v1/reports", away);
    expect(await killAt(machine, duringProof)).toMatchObject({ killed: true });
    expect(machine.server.reports).toEqual([]);
    machine.server.faults.clear();
    setReady(machine, true);
    expect(await machine.run()).toMatchObject({ exitCode: 0 });
    await expectDoneWorker(machine);
  });

  it("continues without reports if the token was lost and the server gives no other", async () => {
    const machine = await readyWorker({ confirmsAgain: false });
    const point = { at: "request", path: "/node/v1/claim/confirm", stage: "handled" } as const;
    expect(await killAt(machine, point)).toMatchObject({ killed: true });
    const { exitCode, stdout } = await machine.run();
    expect(exitCode).toBe(0);
    expect(stdout).toContain("Reports are no longer sent");
    expect(await files(machine.root, "run/fake-units")).toEqual(["kubelet.service", "sprout-network-agent.service"]);
    expect(await files(machine.root, node)).toEqual(["allocation.json", "journal.jsonl"]);
  });
});

describe("sprout-bootstrap run (simulated)", () => {
  it("gives no verdict when it is interrupted, as by a reboot, and the next run continues", async () => {
    const machine = await readyWorker();
    setReady(machine, false);
    expect(await killAt(machine, { ...duringProof, signal: "SIGTERM" })).toMatchObject({
      killed: false,
      exitCode: 143,
    });
    expect(machine.server.reports.filter(({ state }) => state === "failed")).toEqual([]);
    setReady(machine, true);
    expect(await machine.run()).toMatchObject({ exitCode: 0 });
    await expectDoneWorker(machine);
  });

  it("refuses a second bootstrapper on the machine", async () => {
    const machine = await readyWorker();
    setReady(machine, false);
    const first = machine.run();
    await expect.poll(() => machine.server.reports.length, patience).toBeGreaterThan(0);
    expect(await machine.run()).toMatchObject({
      exitCode: 3,
      error: expect.stringMatching(
        /^Cannot run: another sprout-bootstrap \(process \d+\) is running on this machine; wait until it ends, or stop it$/,
      ) as string,
    });
    setReady(machine, true);
    expect(await first).toMatchObject({ exitCode: 0 });
  });
});
