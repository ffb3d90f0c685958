import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Credentials } from "#api/credentials.ts";
import { mint, type SimulatedMachine, simulateMachine } from "../test/fakes/simulated-machine.ts";
import { workerMetadata } from "./fixtures.ts";

const { allocation, self } = workerMetadata;
const own = mint("worker", { allocation, name: self.name });
const neighbour = mint("worker", { allocation, name: "node04.build126.test" });
const dayMs = 86_400_000;

/** Nothing of a node is on this machine, and the server still holds its only copy of the credentials. */
async function expectUntouched({ root, server }: SimulatedMachine) {
  await expect(stat(join(root, "etc/kubernetes"))).rejects.toThrow("ENOENT");
  await expect(stat(join(root, "var/lib/kubelet"))).rejects.toThrow("ENOENT");
  expect(await readdir(root)).not.toContain("systemctl.log");
  expect(server.requests.map(({ path }) => path)).not.toContain("/node/v1/claim/confirm");
}

describe("A server that gives the wrong credentials ends the bring-up with exit code 2, nothing written:", () => {
  it.each<[string, Credentials, string]>([
    [
      "another node's",
      neighbour,
      "/kubelet/client: is not for node03.build126.test; /kubelet/serving: is not for node03.build126.test",
    ],
    [
      "a key of another certificate",
      { ...own, routeAgent: { ...own.routeAgent!, key: own.kubelet.serving.key } },
      "/routeAgent: its key is another certificate's",
    ],
    [
      "another allocation's",
      { ...own, allocation: "a-zzzzzzzzzzzzzzzz" },
      `they are for a-zzzzzzzzzzzzzzzz, this is ${allocation}`,
    ],
  ])("%s", async (_, credentials, problem) => {
    const machine = await simulateMachine(workerMetadata);
    machine.server.faults.set("/node/v1/claim", [{ kind: "body", body: JSON.stringify(credentials) }]);
    expect(await machine.run()).toMatchObject({ exitCode: 2, error: `Cannot use credentials: ${problem}` });
    expect(machine.server.reports.at(-1)).toMatchObject({ phase: "claim", state: "failed", exitCode: 2 });
    await expectUntouched(machine);
  });
});

describe("A clock that is a day off is reported as the clock, exit code 3, nothing confirmed:", () => {
  it.each([
    ["behind", dayMs],
    ["ahead of", -dayMs],
    // The server's certificate is not valid yet, as this clock has it.
    ["behind", 60 * dayMs],
  ])("%s the metadata server by %d ms", async (direction, clockOffsetMs) => {
    const machine = await simulateMachine(workerMetadata, 20, { clockOffsetMs });
    const { exitCode, error } = await machine.run();
    expect(exitCode).toBe(3);
    expect(error).toMatch(new RegExp(`^Cannot pass preflight: clock: \\d+ s ${direction} the metadata server; set it`));
    const seconds = Number(/\d+/.exec(error)?.[0]);
    expect(Math.abs(seconds - Math.abs(clockOffsetMs) / 1000)).toBeLessThan(10);
    expect(machine.server.requests.map(({ path }) => path)).not.toContain("/node/v1/claim/confirm");
  });
});

describe("A deadline", () => {
  it.each([1.001, 1.003])("of %d s, which are no whole milliseconds, is kept like any other", async (seconds) => {
    const machine = await simulateMachine(workerMetadata, seconds);
    const { exitCode, error } = await machine.run();
    expect({ exitCode, error }).toEqual({
      exitCode: 4,
      error: expect.stringMatching(/deadline|time is up/) as string,
    });
  });

  it("ends a bring-up whose server falls silent after the metadata, with exit code 5", async () => {
    const machine = await simulateMachine(workerMetadata, 2);
    machine.server.faults.set("/node/v1/claim", [{ kind: "raw", answer: (response) => response.flushHeaders() }]);
    const { exitCode, error } = await machine.run();
    expect(exitCode).toBe(5);
    expect(error).toMatch(/^Cannot get credentials from 127\.0\.0\.1:\d+: /);
    await expectUntouched(machine);
  });
});

describe("What is put in the bootstrapper's way on the machine", () => {
  it.each<[string, string, (machine: SimulatedMachine) => Promise<void>, number, RegExp]>([
    [
      "a seed that is cut",
      "etc/sprout/seed.json",
      async ({ root }) => writeFile(join(root, "etc/sprout/seed.json"), '{"server"'),
      2,
      /^Cannot use seed \/etc\/sprout\/seed\.json: it is cut short or not JSON \(line 1 column 10\)$/,
    ],
    [
      "an empty seed",
      "etc/sprout/seed.json",
      async ({ root }) => writeFile(join(root, "etc/sprout/seed.json"), ""),
      2,
      /: it is empty$/,
    ],
    [
      "an image's pin that is none",
      "etc/sprout/ca.crt",
      async ({ root }) => writeFile(join(root, "etc/sprout/ca.crt"), "pin\n"),
      2,
      /^Cannot use the pinned authority: it is not a certificate in PEM$/,
    ],
    [
      "no network interface",
      "sys",
      async ({ root }) => writeFile(join(root, "sys/class/net/eth0/address"), "00:00:00:00:00:00\n"),
      2,
      /^Cannot identify this machine: no network interface has a MAC address$/,
    ],
  ])("%s: a named error, nothing asked", async (_name, _path, prepare, exitCode, error) => {
    const machine = await simulateMachine(workerMetadata);
    await prepare(machine);
    expect(await machine.run()).toMatchObject({ exitCode, error: expect.stringMatching(error) as string });
    expect(machine.server.requests).toEqual([]);
    await expectUntouched(machine);
  });
});
