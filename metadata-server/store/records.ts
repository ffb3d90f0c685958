import type { CloudInitStage } from "#api/cloud-init.ts";
import type { ClusterFailure, ClusterState } from "#api/cluster.ts";
import type { MemberFailure, MemberState, PhaseRecord } from "#api/member.ts";
import type { JoinMode, Role } from "#api/name.ts";
import type { Network } from "#api/network.ts";
import type { NodePoolMachines } from "#api/node-pool.ts";
import type { Hardware } from "#api/node-metadata.ts";
import type { Phase, PhaseState } from "#api/phase.ts";

/** Workers of a cluster that are alike. */
export interface NodePoolRecord {
  name: string;
  /** Name of an image of the cluster's Kubernetes version; its default image if absent. */
  image?: string | undefined;
  /** In order of preference; the provider's own if absent. */
  instanceTypes?: string[] | undefined;
  /** Requirements on inventory machines. */
  machines?: NodePoolMachines | undefined;
}

/** A cluster as the store keeps it. Times are milliseconds since the epoch, by the server's clock. */
export interface ClusterRecord {
  id: string;
  /** Unique among clusters that are not `deleted`. */
  name: string;
  state: ClusterState;
  failure: ClusterFailure | null;
  kubernetesVersion: string;
  provider: string;
  /** How the workers join. */
  join: JoinMode;
  /** `host:port` by which nodes reach the API server. */
  endpoint: string;
  /** The endpoint is a load balancer that the operator keeps; workers have none of their own. */
  hasExternalEndpoint?: true;
  /** Where the endpoint leads if the control planes share an address; `auto` until the provider has planned it. */
  virtualAddress?: string;
  network: Network;
  labels: Record<string, string>;
  /** Names in order; the first runs init. Addresses are null until known. An attached one is here once it is Ready. */
  controlPlanes: { name: string; address: string | null }[];
  nodes: number;
  /** What the pool `default` requires of inventory machines; absent if it takes any. */
  workerMachines?: NodePoolMachines;
  /** In addition to the pool `default`. */
  nodePools?: NodePoolRecord[];
  /** Members whose machines have terminated are replaced while there are at most this many; absent for none. */
  maxUnhealthy?: number;
  deadlineSeconds: number;
  failedTtlSeconds: number;
  createdAt: number;
  /** End of the provision allowance: counted from the first control plane's launch, before that from the request. */
  provisionDeadlineAt: number;
  /** Set when the first control plane first gets its metadata. */
  deadlineAt: number | null;
  readyAt: number | null;
  availableAt: number | null;
  failedAt: number | null;
  deletedAt: number | null;
  expiresAt: number | null;
  /** The earliest `joinBy` of its members that are not Ready yet. */
  joinBy?: number;
  /** The cluster's data key, sealed by the server's key; null once wiped. */
  sealedDataKey: string | null;
  /** The highest number in a worker's name that is not used again: its member was detached. */
  workersNamed?: number;
  /** The same of control planes. */
  controlPlanesNamed?: number;
  /** Control planes that were detached because others replace them, and that none has replaced yet. */
  controlPlanesOwed?: number;
  /** What the provider needs to find its resources again. */
  providerData: Record<string, string>;
  /** Version that was read; 0 for a record that is not yet stored. */
  version: number;
}

/** A machine as its provider launched it. The server compares a caller that claims to be this machine. */
export interface LaunchedMachine {
  id: string;
  address: string;
  mac: string;
  /** For the timeline, such as `m6i.large in eu-west-1a`. */
  description: string;
  /** Values that the machine's identity document must have. */
  identity: Record<string, string>;
}

/** A member leaves its cluster. */
interface Detachment {
  /** The drain ends by then. */
  drainBy: number;
  /** Whether it leaves even if pods are left then. */
  force: boolean;
  /** Set once no pod needs its machine any longer: from then on it does not stay. */
  drainedAt?: number;
  /** A control plane that another one is to replace. */
  isReplaced?: true;
}

export interface MemberRecord {
  clusterId: string;
  name: string;
  role: Role;
  /** A worker's node pool; absent in the pool `default`. */
  nodePool?: string;
  /** True for the first control plane, which runs init and proves that every peer is Ready. */
  first: boolean;
  allocation: string;
  address: string | null;
  /** `CLUSTER/ADDRESS` if the machine reported its address: no two members have one key. Absent if it was planned. */
  addressKey?: string | null;
  mac: string | null;
  podCidr: string;
  /** Attached to a Ready cluster: by then it must be a Ready node, or it has failed. */
  joinBy?: number;
  detachment?: Detachment;
  /** Why it stayed when it was last to leave. */
  detachFailure?: { at: string; error: string };
  /** A few workers for this node to probe, with addresses if the plan has them; absent if there are none. */
  neighbours?: { name: string; address: string | null }[];
  state: MemberState;
  /** SHA-256 (base64url) of the capability; null once the capability is spent. */
  capabilityHash: string | null;
  /** Hash of the spent capability, kept so that a late use raises an alert. */
  spentCapabilityHash: string | null;
  /** The inventory machine that the capability was given to; its calls must come from there. Absent for others. */
  givenTo?: { from?: string; uuid?: string };
  reportTokenHash: string | null;
  /** When a report first used the present token. */
  reportTokenUsedAt: number | null;
  /** The machine that first used the capability. */
  bound: Hardware | null;
  /** What the provider launched, if the provider reports that. */
  machine?: LaunchedMachine;
  /** Launched again after a crash. A machine left by the first launch has a capability that is no longer valid. */
  relaunched?: true;
  /** When the machine was found terminated, without an order by Sprout. */
  endedAt?: number;
  /** The machine's current problem, as last reported. */
  trouble?: string;
  /** How often the same machine fetched its credentials. */
  claims: number;
  confirmedAt: number | null;
  /** How often the same machine confirmed; absent in older records. */
  confirmations?: number;
  /** A duplicate machine was seen, so nothing more is handed out. */
  frozen: boolean;
  phase: Phase | null;
  phases: PhaseRecord[];
  lastSequence: number;
  launchedAt: number | null;
  firstContactAt: number | null;
  lastReportAt: number | null;
  failure: MemberFailure | null;
  /** Reports of the machine's cloud-init, each kept once; absent without cloud-init. */
  cloudInit?: { stage: CloudInitStage; state: PhaseState; error?: string }[];
  version: number;
}
