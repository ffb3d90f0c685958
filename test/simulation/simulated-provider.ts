import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { DomainError } from "../../metadata-server/errors.ts";
import type { MachineProvider, MachineSpec } from "../../metadata-server/providers/provider.ts";

export interface SimulatedProviderOptions {
  /** Contains `machines/` and `segments/`, which outlive the server like real machines. */
  folder: string;
  /** First two octets of loopback addresses, such as `127.77`. */
  prefix: string;
  serverUrl: string;
  /** 30 s by default. */
  provisionAllowanceMs?: number | undefined;
}

const segments = 250;

/** Simulated machines: a folder each with the machine's seed, for which the scenario runs a bootstrapper. */
export function createSimulatedProvider(options: SimulatedProviderOptions): MachineProvider {
  const { folder, prefix, serverUrl, provisionAllowanceMs = 30_000 } = options;
  const machinesDir = join(folder, "machines");
  const segmentsDir = join(folder, "segments");

  return {
    name: "simulated",
    provisionAllowanceMs,
    kubernetesVersions: async () => [defaultKubernetesVersion],
    async reserve({ clusterId, members }) {
      await mkdir(segmentsDir, { recursive: true });
      const index = await reserveSegment(segmentsDir, clusterId);
      const machines = members.map((member, position) => ({
        ...member,
        address: `${prefix}.${index}.${position + 11}`,
        mac: `52:54:00:${hex(index)}:00:${hex(position)}`,
      }));
      return { machines, serverUrl, providerData: { segment: String(index) } };
    },
    async launch(machine) {
      await mkdir(machinesDir, { recursive: true });
      const aside = join(folder, `launch-${randomBytes(6).toString("hex")}`);
      await mkdir(aside);
      await writeFile(join(aside, "spec.json"), JSON.stringify(machine));
      // Keeps an existing machine: a second launch must not create a second machine.
      await rename(aside, join(machinesDir, machine.allocation)).catch(() => rm(aside, { recursive: true }));
    },
    async terminate({ allocation }) {
      // The machine's bootstrapper may still write.
      await rm(join(machinesDir, allocation), { recursive: true, force: true, maxRetries: 10 });
    },
    async release(clusterId) {
      for (const [index, owner] of await readSegments(segmentsDir))
        if (owner === clusterId) await rm(join(segmentsDir, index), { force: true });
    },
    async list() {
      const owners = await readSegments(segmentsDir);
      const machines = await listSimulatedMachines(folder);
      return [
        ...machines.map(({ clusterId, allocation }) => ({ clusterId, allocation })),
        ...owners.map(([, clusterId]) => ({ clusterId, allocation: "" })),
      ];
    },
  };
}

/** Machines that were launched and not yet terminated. */
export async function listSimulatedMachines(folder: string): Promise<MachineSpec[]> {
  const names = await readdir(join(folder, "machines")).catch(() => [] as string[]);
  const specs = await Promise.all(
    names.map(async (name) => readFile(join(folder, "machines", name, "spec.json"), "utf8").catch(() => undefined)),
  );
  return specs.flatMap((text) => (text === undefined ? [] : [JSON.parse(text) as MachineSpec]));
}

async function reserveSegment(segmentsDir: string, clusterId: string): Promise<number> {
  const existing = (await readSegments(segmentsDir)).find(([, owner]) => owner === clusterId);
  if (existing !== undefined) return Number(existing[0]);
  for (let index = 0; index < segments; index++) {
    try {
      await writeFile(join(segmentsDir, String(index)), clusterId, { flag: "wx" });
      return index;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  throw new DomainError("no-capacity", "Every simulated segment is taken");
}

async function readSegments(segmentsDir: string): Promise<[index: string, clusterId: string][]> {
  const names = await readdir(segmentsDir).catch(() => [] as string[]);
  return Promise.all(names.map(async (name) => [name, await readFile(join(segmentsDir, name), "utf8")]));
}

const hex = (value: number) => value.toString(16).padStart(2, "0");
