import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import type {
  MachineProvider,
  MachineSpec,
  RunningMachine,
  Segment,
} from "../../metadata-server/providers/provider.ts";

export interface FakeProvider extends MachineProvider {
  /** The arguments of `launch`, seeds included, by node name. */
  launched: Map<string, MachineSpec>;
  /** Machines that exist, by allocation. */
  running: Map<string, RunningMachine>;
  segments: Set<string>;
  /** Called before each operation; throws to inject a fault. */
  fault: (operation: "reserve" | "launch" | "terminate" | "release", name: string) => void | Promise<void>;
  /** Names of further images of every version. */
  images: string[];
  /** What node pools may name; none by default. */
  nodePoolInstanceTypes?: readonly string[];
  /** Whether addresses are planned; otherwise the server learns them from the machines. */
  plansAddresses: boolean;
}

/** Fake machines: entries in a map, without a process or a network. */
export function createFakeProvider(name = "fake"): FakeProvider {
  const provider: FakeProvider = {
    name,
    provisionAllowanceMs: 30_000,
    launched: new Map(),
    running: new Map(),
    segments: new Set(),
    fault: () => undefined,
    images: [],
    imageNames: async () => provider.images,
    plansAddresses: true,
    kubernetesVersions: async () => [defaultKubernetesVersion, "v1.19.0"],
    async reserve({ clusterId, members, present = [] }): Promise<Segment> {
      await provider.fault("reserve", clusterId);
      provider.segments.add(clusterId);
      const machines = members.map(({ name: node, role }, index) => ({
        name: node,
        role,
        address: provider.plansAddresses ? fakeAddress(present.length + index) : null,
        mac: provider.plansAddresses ? fakeMac(present.length + index) : null,
      }));
      return { machines, serverUrl: "https://10.77.255.254:8443", providerData: { segment: clusterId } };
    },
    async launch(machine) {
      await provider.fault("launch", machine.name);
      provider.launched.set(machine.name, machine);
      provider.running.set(machine.allocation, { clusterId: machine.clusterId, allocation: machine.allocation });
    },
    async terminate({ allocation }) {
      await provider.fault("terminate", allocation);
      provider.running.delete(allocation);
    },
    async release(clusterId) {
      await provider.fault("release", clusterId);
      provider.segments.delete(clusterId);
    },
    async list() {
      return [
        ...provider.running.values(),
        ...Array.from(provider.segments, (clusterId) => ({ clusterId, allocation: "" })),
      ];
    },
  };
  return provider;
}

export const fakeAddress = (index: number) => `10.77.${Math.floor(index / 240)}.${(index % 240) + 11}`;
export const fakeMac = (index: number) => `52:54:00:00:${hex(Math.floor(index / 256))}:${hex(index % 256)}`;
const hex = (value: number) => value.toString(16).padStart(2, "0");
