import type { ClusterMachines } from "#api/cluster-machines.ts";
import type { Role } from "#api/name.ts";
import type { Seed } from "#api/seed.ts";

export interface PlannedMachine {
  name: string;
  role: Role;
  /** Null where the address is only learned when the machine calls. */
  address: string | null;
  mac: string | null;
}

export interface Reservation {
  clusterId: string;
  members: { name: string; role: Role; allocation: string }[];
  /** What they must have, for providers that have machines to choose from. */
  machines?: ClusterMachines | undefined;
}

/** Where a cluster's machines will be. Everything needed to find the segment again is in `providerData`. */
export interface Segment {
  machines: PlannedMachine[];
  /** The metadata server's URL as these machines reach it. */
  serverUrl: string;
  providerData: Record<string, string>;
}

export interface MachineSpec {
  clusterId: string;
  allocation: string;
  name: string;
  address: string | null;
  mac: string | null;
  kubernetesVersion: string;
  providerData: Record<string, string>;
  seed: Seed;
}

export interface RunningMachine {
  clusterId: string;
  allocation: string;
}

/**
 * Where machines come from. Machines are not children of the server process: a killed server leaves them running.
 * Every call is idempotent, so that it can be repeated after a crash at any point.
 */
export interface MachineProvider {
  readonly name: string;
  /** From launch to a member's first contact. */
  readonly provisionAllowanceMs: number;
  /** Versions for which there is an image, newest first. */
  kubernetesVersions(): Promise<string[]>;
  /** Reserves network and addresses. Throws DomainError `no-capacity` where there are none. */
  reserve(request: Reservation): Promise<Segment>;
  launch(machine: MachineSpec, signal: AbortSignal): Promise<void>;
  /** Makes room for the same launch again after one that was cut off, where `terminate` would do more than that. */
  abandonLaunch?(machine: RunningMachine): Promise<void>;
  /** Ends the machine and removes all that is its own. No error where there is none. */
  terminate(machine: RunningMachine): Promise<void>;
  /** Gives the cluster's network back, once its machines are gone. */
  release(clusterId: string): Promise<void>;
  /** Every machine and every reserved segment (allocation "") that exists, whoever owns it. */
  list(): Promise<RunningMachine[]>;
}
