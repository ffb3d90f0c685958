import type { ClusterMachines } from "#api/cluster-machines.ts";
import type { Role } from "#api/name.ts";
import type { InstanceIdentity } from "#api/instance-identity.ts";
import type { Network } from "#api/network.ts";
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
  network?: Network | undefined;
}

/** Where a cluster's machines will be. Everything needed to find the segment again is in `providerData`. */
export interface Segment {
  machines: PlannedMachine[];
  /** The metadata server's URL as these machines reach it. */
  serverUrl: string;
  providerData: Record<string, string>;
  /** Where addresses will be from that are not known yet: pods and services must have none of them. */
  subnets?: string[];
}

export interface MachineSpec {
  clusterId: string;
  allocation: string;
  name: string;
  role: Role;
  address: string | null;
  mac: string | null;
  kubernetesVersion: string;
  providerData: Record<string, string>;
  seed: Seed;
}

export interface RunningMachine {
  clusterId: string;
  allocation: string;
  /** As the provider calls it, where several could be of one allocation. */
  id?: string;
}

/** What is known of a machine once it is launched; kept with its member, for whoever calls in its name to be held against. */
export interface LaunchedMachine {
  id: string;
  address: string;
  mac: string;
  /** For the timeline, such as `m6i.large in eu-west-1a`. */
  description: string;
  /** What its identity must say. */
  identity: Record<string, string>;
}

/** A machine that exists or has just ended, for people and for whoever looks after it. */
export interface SurveyedMachine extends RunningMachine {
  id: string;
  state: string;
  kind: string;
  place: string;
  /** ISO 8601. */
  since: string;
  /** Why it ended, where it did so by itself. */
  ended?: string;
  /** What keeps it from its work although it runs, why, and what to do. */
  trouble?: string;
}

/**
 * Where machines come from. Machines are not children of the server process: a killed server leaves them running.
 * Every call is idempotent, so that it can be repeated after a crash at any point.
 */
export interface MachineProvider {
  readonly name: string;
  /** From launch to a member's first contact. */
  readonly provisionAllowanceMs: number;
  /** Where somebody else launches and ends the machines: the metadata server as they reach it, for their user-data. */
  readonly userDataServerUrl?: string;
  /** Versions for which there is an image, newest first. */
  kubernetesVersions(): Promise<string[]>;
  /** Reserves network and addresses. Throws DomainError `no-capacity` where there are none. */
  reserve(request: Reservation): Promise<Segment>;
  launch(machine: MachineSpec, signal: AbortSignal): Promise<LaunchedMachine | void>;
  /** Finishes a launch that a crash cut off, where there is such a machine; else there is none, and will be none of it. */
  adopt?(machine: RunningMachine & Pick<MachineSpec, "providerData">): Promise<LaunchedMachine | undefined>;
  /** Makes room for the same launch again after one that was cut off, where `terminate` would do more than that. */
  abandonLaunch?(machine: RunningMachine): Promise<void>;
  /** Ends the machine and removes all that is its own. No error where there is none. */
  terminate(machine: RunningMachine): Promise<void>;
  /** Gives the cluster's network back, once its machines are gone. */
  release(clusterId: string): Promise<void>;
  /** Every machine and every reserved segment (allocation "") that exists, whoever owns it. */
  list(): Promise<RunningMachine[]>;
  /** Every machine of its own, where they can end or be doubled by themselves; asked for every `surveyIntervalMs`. */
  survey?(): Promise<SurveyedMachine[]>;
  readonly surveyIntervalMs?: number;
  /** Why whoever shows this identity is not that machine; undefined where it is. */
  doubtIdentity?(launched: LaunchedMachine, identity: InstanceIdentity | undefined): string | undefined;
}
