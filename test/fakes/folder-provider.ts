import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import type { MachineProvider, MachineSpec } from "../../metadata-server/providers/provider.ts";
import { fakeAddress, fakeMac } from "./fake-provider.ts";

/** Fake machines that outlive the server's process: one file each, with the machine's launch request. */
export function createFolderProvider(folder: string): MachineProvider {
  const machines = join(folder, "machines");
  const segments = join(folder, "segments");
  for (const each of [machines, segments]) mkdirSync(each, { recursive: true });
  const machineFile = (allocation: string) => join(machines, `${allocation}.json`);
  return {
    name: "fake",
    provisionAllowanceMs: 30_000,
    kubernetesVersions: async () => [defaultKubernetesVersion],
    async reserve({ clusterId, members }) {
      writeFileSync(join(segments, clusterId), "");
      return {
        machines: members.map((member, index) => ({ ...member, address: fakeAddress(index), mac: fakeMac(index) })),
        serverUrl: "https://127.0.0.1",
        providerData: {},
      };
    },
    async launch(machine) {
      if (existsSync(machineFile(machine.allocation))) writeFileSync(join(folder, "doubled"), machine.name);
      const temporary = join(folder, machine.allocation);
      writeFileSync(temporary, JSON.stringify(machine));
      renameSync(temporary, machineFile(machine.allocation));
    },
    terminate: async ({ allocation }) => rmSync(machineFile(allocation), { force: true }),
    release: async (clusterId) => rmSync(join(segments, clusterId), { force: true }),
    async list() {
      return [...readMachines(folder), ...readdirSync(segments).map((clusterId) => ({ clusterId, allocation: "" }))];
    },
  };
}

/** Every running fake machine with its launch request. */
export function readMachines(folder: string): MachineSpec[] {
  const machines = join(folder, "machines");
  return readdirSync(machines).map((file) => JSON.parse(readFileSync(join(machines, file), "utf8")) as MachineSpec);
}

export const readSegments = (folder: string): string[] => readdirSync(join(folder, "segments"));
/** The name of a machine that was launched while it ran, if there ever was one. */
export const readDoubled = (folder: string): string | undefined =>
  existsSync(join(folder, "doubled")) ? readFileSync(join(folder, "doubled"), "utf8") : undefined;
