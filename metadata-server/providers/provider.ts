import type { ClusterMachines } from "#api/cluster-machines.ts";
import type { Role } from "#api/name.ts";
import type { InstanceIdentity } from "#api/instance-identity.ts";
import type { Network } from "#api/network.ts";
import type { Seed } from "#api/seed.ts";
import type { Subnet } from "#lib/subnet.ts";
import type { LaunchedMachine, NodePoolRecord } from "../store/records.ts";

export interface PlannedMachine {
  name: string;
  role: Role;
  /** Null if the address is unknown until the machine calls. */
  address: string | null;
  mac: string | null;
}

export interface Reservation {
  clusterId: string;
  members: { name: string; role: Role; allocation: string; nodePool?: string | undefined }[];
  /** What the cluster has already, if `members` are to be added to it. */
  present?: readonly Pick<PlannedMachine, "name" | "address">[] | undefined;
  /** Requirements, for providers that choose from existing machines. */
  machines?: ClusterMachines | undefined;
  /** The same for the members of node pools; `machines`, if given, comes before those of the pool `default`. */
  nodePools?: readonly NodePoolRecord[] | undefined;
  network?: Network | undefined;
}

/** A cluster's place in its provider's network. `providerData` has everything needed to find it again. */
export interface Segment {
  machines: PlannedMachine[];
  /** The metadata server's URL as these machines reach it. */
  serverUrl: string;
  providerData: Record<string, string>;
  /** An address that no machine gets, for control planes to share. */
  virtualAddress?: string;
  /** Subnets of addresses that are not known yet; pods and services must use none of them. */
  subnets?: readonly Subnet[];
}

export interface MachineSpec {
  clusterId: string;
  allocation: string;
  name: string;
  role: Role;
  address: string | null;
  mac: string | null;
  kubernetesVersion: string;
  /** Of the image; the default one of the Kubernetes version if absent. */
  image?: string | undefined;
  /** In order of preference, in place of the provider's own. */
  instanceTypes?: readonly string[] | undefined;
  providerData: Record<string, string>;
  seed: Seed;
}

export interface RunningMachine {
  clusterId: string;
  allocation: string;
  /** The provider's own id, if one allocation can have several machines. */
  id?: string;
}

/** A machine that exists or has just ended, for operators and for the survey. */
export interface SurveyedMachine extends RunningMachine {
  id: string;
  state: string;
  kind: string;
  place: string;
  /** ISO 8601. */
  since: string;
  /** Why it ended, if Sprout did not terminate it. */
  ended?: string;
  /** A problem of a running machine: what fails, why, and what to do. */
  trouble?: string;
}

/**
 * Launches and terminates machines. They are not children of the server process: a killed server leaves them running.
 * Every call is idempotent, so that it can be repeated after a crash at any point.
 */
export interface MachineProvider {
  readonly name: string;
  /** Time from launch to a member's first contact. */
  readonly provisionAllowanceMs: number;
  /**
   * Set if only servers of this place reach its machines, such as those of one host. A cluster's `providerData` has the
   * place of its machines.
   */
  readonly place?: string;
  /** Set if the operator launches the machines: the metadata server's URL for their user-data. */
  readonly userDataServerUrl?: string;
  /** Where a virtual address comes from; absent if machines cannot have one. */
  readonly virtualAddresses?: "planned" | "given";
  /** Kubernetes versions that have an image, newest first. */
  kubernetesVersions(): Promise<string[]>;
  /** Names of that version's further images, for node pools; absent if the operator chooses each machine's image. */
  imageNames?(kubernetesVersion: string): Promise<string[]>;
  /** What node pools may name, for providers with machines of several types. */
  readonly nodePoolInstanceTypes?: readonly string[];
  /** Reserves network and addresses. Throws DomainError `no-capacity` if none are free. */
  reserve(request: Reservation): Promise<Segment>;
  launch(machine: MachineSpec, signal: AbortSignal): Promise<LaunchedMachine | void>;
  /** Finishes a launch that a crash interrupted. Undefined: no machine came of it, and none will. */
  adopt?(machine: RunningMachine & Pick<MachineSpec, "providerData">): Promise<LaunchedMachine | undefined>;
  /** Makes room to repeat an interrupted launch, for providers whose `terminate` would do more than that. */
  abandonLaunch?(machine: RunningMachine): Promise<void>;
  /** Terminates the machine and removes all its resources. No error if there is none. */
  terminate(machine: RunningMachine): Promise<void>;
  /** Releases the cluster's network once its machines are gone. */
  release(clusterId: string): Promise<void>;
  /** Every machine and every reserved segment (allocation "") that exists, with or without a cluster. */
  list(): Promise<RunningMachine[]>;
  /** All its machines, every `surveyIntervalMs`, for providers whose machines can end or double on their own. */
  survey?(): Promise<SurveyedMachine[]>;
  readonly surveyIntervalMs?: number;
  /** Returns why a caller with this identity is not that machine; undefined if it is. */
  doubtIdentity?(launched: LaunchedMachine, identity: InstanceIdentity | undefined): string | undefined;
}
