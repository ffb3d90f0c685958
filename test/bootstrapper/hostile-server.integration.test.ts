import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Credentials } from "#api/credentials.ts";
import { mint, type SimulatedMachine, simulateMachine } from "../fakes/simulated-machine.ts";
import { workerMetadata } from "../fixtures/node-documents.ts";

const { allocation, self } = workerMetadata;
const own = mint("worker", { allocation, name: self.name });
const neighbour = mint("worker", { allocation, name: "node04.build126.test" });
const dayMs = 86_400_000;

/** This machine has nothing of a node, and the server still holds the only copy of the credentials. */
async function expectUntouched({ root, server }: SimulatedMachine) {
  await expect(stat(join(root, "etc/kubernetes"))).rejects.toThrow("ENOENT");
  await expect(stat(join(root, "var/lib/kubelet"))).rejects.toThrow("ENOENT");
  expect(await readdir(root)).not.toContain("systemctl.log");
  expect(server.requests.map(({ path }) => path)).not.toContain("/node/v1/claim/confirm");
}

describe("sprout-bootstrap run with wrong credentials from the server", () => {
  it.each<[string, Credentials, string]>([
    [
      "another node's credentials",
      neighbour,
      "/kubelet/client: is not for node03.build126.test; /kubelet/serving: is not for node03.build126.test",
    ],
    [
      "a key that belongs to another certificate",
      { ...own, networkAgent: { ...own.networkAgent!, key: own.kubelet.serving.key } },
      "/networkAgent: its key belongs to another certificate",
    ],
    [
      "another allocation's credentials",
      { ...own, allocation: "a-zzzzzzzzzzzzzzzz" },
      `they are for a-zzzzzzzzzzzzzzzz, this is ${allocation}`,
    ],
  ])("exits 2 on %s, and writes nothing", async (_, credentials, problem) => {
    const machine = await simulateMachine(workerMetadata);
    machine.server.faults.set("/node/v1/claim", [{ kind: "body", body: JSON.stringify(credentials) }]);
    expect(await machine.run()).toMatchObject({ exitCode: 2, error: `Cannot use credentials: ${problem}` });
    expect(machine.server.reports.at(-1)).toMatchObject({ phase: "claim", state: "failed", exitCode: 2 });
    await expectUntouched(machine);
  });
});

describe("sprout-bootstrap run with a wrong clock", () => {
  it.each([
    ["behind", dayMs],
    ["ahead of", -dayMs],
    // By this clock the server's certificate is not valid yet.
    ["behind", 60 * dayMs],
  ])(
    "exits 3 with the clock %s the metadata server by %d ms, and confirms nothing",
    async (direction, clockOffsetMs) => {
      const machine = await simulateMachine(workerMetadata, 20, { clockOffsetMs });
      const { exitCode, error } = await machine.run();
      expect(exitCode).toBe(3);
      expect(error).toMatch(
        new RegExp(`^Cannot pass preflight: clock: \\d+ s ${direction} the metadata server; set it`),
      );
      const seconds = Number(/\d+/.exec(error)?.[0]);
      expect(Math.abs(seconds - Math.abs(clockOffsetMs) / 1000)).toBeLessThan(10);
      expect(machine.server.requests.map(({ path }) => path)).not.toContain("/node/v1/claim/confirm");
    },
  );
});

describe("sprout-bootstrap run with a deadline", () => {
  it.each([1.001, 1.003])("keeps a deadline of %d s, which is no whole number of milliseconds", async (seconds) => {
    const machine = await simulateMachine(workerMetadata, seconds);
    const { exitCode, error } = await machine.run();
    expect({ exitCode, error }).toEqual({
      exitCode: 4,
      error: expect.stringMatching(/deadline|time is up/) as string,
    });
  });

  it("exits 5 if the server falls silent after the metadata", async () => {
    const machine = await simulateMachine(workerMetadata, 2);
    machine.server.faults.set("/node/v1/claim", [{ kind: "raw", answer: (response) => response.flushHeaders() }]);
    const { exitCode, error } = await machine.run();
    expect(exitCode).toBe(5);
    expect(error).toMatch(/^Cannot get credentials from 127\.0\.0\.1:\d+: /);
    await expectUntouched(machine);
  });
});

describe("sprout-bootstrap run on a machine with wrong files", () => {
  it.each<[string, string, (machine: SimulatedMachine) => Promise<void>, number, RegExp]>([
    [
      "a truncated seed",
      "etc/sprout/seed.json",
      async ({ root }) => writeFile(join(root, "etc/sprout/seed.json"), '{"server"'),
      2,
      /^Cannot use seed \/etc\/sprout\/seed\.json: it is truncated or not JSON \(line 1 column 10\)$/,
    ],
    [
      "an empty seed",
      "etc/sprout/seed.json",
      async ({ root }) => writeFile(join(root, "etc/sprout/seed.json"), ""),
      2,
      /: it is empty$/,
    ],
    [
      "an invalid pin in the image",
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
      /^Cannot identify this machine: no network interface has an Ethernet MAC address$/,
    ],
  ])("names the error and asks nothing for %s", async (_name, _path, prepare, exitCode, error) => {
    const machine = await simulateMachine(workerMetadata);
    await prepare(machine);
    expect(await machine.run()).toMatchObject({ exitCode, error: expect.stringMatching(error) as string });
    expect(machine.server.requests).toEqual([]);
    await expectUntouched(machine);
  });
});
