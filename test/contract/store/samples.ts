import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import type { NewEvent } from "#api/event.ts";
import type { MachineRecord } from "../../../metadata-server/store/machine-record.ts";
import type { ClusterRecord, MemberRecord } from "../../../metadata-server/store/records.ts";

/** Returns a plausible cluster that is not yet stored. */
export function createClusterRecord(overrides: Partial<ClusterRecord> & { id: string }): ClusterRecord {
  return {
    name: `cluster-${overrides.id}`,
    state: "pending",
    failure: null,
    kubernetesVersion: defaultKubernetesVersion,
    provider: "nspawn",
    join: "certificate",
    endpoint: "api.build126.sprout.internal:6443",
    network: { plugin: "routes", podSubnet: "10.244.0.0/16", serviceSubnet: "10.96.0.0/12" },
    labels: { team: "checkout", branch: "größer/ünïcode ☸" },
    controlPlanes: [{ name: "cp01.build126.sprout.internal", address: "10.77.0.11" }],
    nodes: 4,
    deadlineSeconds: 180,
    failedTtlSeconds: 900,
    createdAt: 1_700_000_000_000,
    provisionDeadlineAt: 1_700_000_030_000,
    deadlineAt: null,
    readyAt: null,
    availableAt: null,
    failedAt: null,
    deletedAt: null,
    expiresAt: 1_700_086_400_000,
    sealedDataKey: "c2VhbGVkIGRhdGEga2V5IG9mIHRoZSBjbHVzdGVy",
    providerData: { bridge: "sprout0" },
    version: 0,
    ...overrides,
  };
}

/** Returns a plausible worker that is not yet stored, with a live capability. */
export function createMemberRecord(
  overrides: Partial<MemberRecord> & { clusterId: string; name: string },
): MemberRecord {
  return {
    role: "worker",
    first: false,
    allocation: "a-4xk2abcdefghijkl",
    address: "10.77.0.12",
    mac: "52:54:00:12:34:56",
    podCidr: "10.244.1.0/24",
    state: "pending",
    capabilityHash: `capability-hash-of-${overrides.clusterId}-${overrides.name}`,
    spentCapabilityHash: null,
    reportTokenHash: null,
    reportTokenUsedAt: null,
    bound: null,
    claims: 0,
    confirmedAt: null,
    frozen: false,
    phase: null,
    phases: [{ phase: "discover", state: "done", at: "2026-01-02T03:04:05.678Z", durationMs: 12.5 }],
    lastSequence: 0,
    launchedAt: null,
    firstContactAt: null,
    lastReportAt: null,
    failure: null,
    version: 0,
    ...overrides,
  };
}

/** Returns a plausible inventory machine that is not yet stored. */
export function createMachineRecord(overrides: Partial<MachineRecord> & { id: string }): MachineRecord {
  const [mac = "52:54:00:aa:00:01"] = overrides.macs ?? [];
  return {
    state: "free",
    macs: [mac],
    uuid: "4c4c4544-0051-3010-8053-b6c04f4a4732",
    serial: "Größe & %0a",
    manufacturer: "Lab",
    hardware: { cpus: 8, memoryMiB: 16_384, disks: [{ name: "sda", sizeGiB: 447.1 }], nics: [{ name: "eno1", mac }] },
    labels: { rack: "r1" },
    provisioningMac: mac,
    clusterMac: mac,
    power: { driver: "manual" },
    assignment: null,
    bootWindow: null,
    createdAt: 1_700_000_000_000,
    firstSeenAt: 1_700_000_000_000,
    lastSeenAt: 1_700_000_000_000,
    lastSeenFrom: "10.99.0.50",
    events: [{ at: "2026-01-02T03:04:05.678Z", type: "state", message: "Seen for the first time" }],
    version: 0,
    ...overrides,
  };
}

export const clusterEvent = (message: string): NewEvent => ({
  type: "cluster",
  at: "2026-01-02T03:04:05.678Z",
  state: "pending",
  message,
});
