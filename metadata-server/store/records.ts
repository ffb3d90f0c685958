import type { CloudInitStage } from "#api/cloud-init.ts";
import type { ClusterFailure, ClusterState } from "#api/cluster.ts";
import type { MemberFailure, MemberState, PhaseRecord } from "#api/member.ts";
import type { JoinMode, Role } from "#api/name.ts";
import type { Network } from "#api/network.ts";
import type { Hardware } from "#api/node-metadata.ts";
import type { Phase, PhaseState } from "#api/phase.ts";
import type { LaunchedMachine } from "../providers/provider.ts";

/** What the store keeps of a cluster. Times are milliseconds since the epoch, by the server's clock. */
export interface ClusterRecord {
  id: string;
  /** Unique among clusters that are not `deleted`. */
  name: string;
  state: ClusterState;
  failure: ClusterFailure | null;
  kubernetesVersion: string;
  provider: string;
  /** Of the workers. */
  join: JoinMode;
  /** `host:port` as nodes call the API server. */
  endpoint: string;
  network: Network;
  labels: Record<string, string>;
  /** Names in order; the first runs init. Addresses are null until known. */
  controlPlanes: { name: string; address: string | null }[];
  nodes: number;
  deadlineSeconds: number;
  failedTtlSeconds: number;
  createdAt: number;
  /** The provision allowance's end: counted from the first control plane's launch, before that from the request. */
  provisionDeadlineAt: number;
  /** Set when the first control plane's metadata is first answered. */
  deadlineAt: number | null;
  readyAt: number | null;
  availableAt: number | null;
  failedAt: number | null;
  deletedAt: number | null;
  expiresAt: number | null;
  /** The cluster's data key, sealed by the server's key; null once wiped. */
  sealedDataKey: string | null;
  /** What the provider needs to find its resources again. */
  providerData: Record<string, string>;
  /** Version read; 0 for a record not yet stored. */
  version: number;
}

export interface MemberRecord {
  clusterId: string;
  name: string;
  role: Role;
  /** The first control plane: it runs init and proves that every peer is there. */
  first: boolean;
  allocation: string;
  address: string | null;
  mac: string | null;
  podCidr: string;
  /** A few workers that this node is told of, with their addresses where the plan knows them; absent where there are none. */
  neighbours?: { name: string; address: string | null }[];
  state: MemberState;
  /** SHA-256 (base64url) of the capability; null once it is dead. */
  capabilityHash: string | null;
  /** The dead capability's hash, kept so that a late use raises an alert. */
  spentCapabilityHash: string | null;
  reportTokenHash: string | null;
  /** First report with the present token. */
  reportTokenUsedAt: number | null;
  /** The machine that first used the capability. */
  bound: Hardware | null;
  /** What its provider launched, where it tells. */
  machine?: LaunchedMachine;
  /** Launched again after a crash: what its first launch may have left has a capability that is dead. */
  relaunched?: true;
  /** When its machine was found to have ended by itself. */
  endedAt?: number;
  /** What keeps its machine from its work, as it was told last. */
  trouble?: string;
  /** Times the same machine fetched its credentials. */
  claims: number;
  confirmedAt: number | null;
  /** A duplicate machine was seen: nothing more is handed out. */
  frozen: boolean;
  phase: Phase | null;
  phases: PhaseRecord[];
  lastSequence: number;
  launchedAt: number | null;
  firstContactAt: number | null;
  lastReportAt: number | null;
  failure: MemberFailure | null;
  /** What its cloud-init has told, each once; absent where it has none. */
  cloudInit?: { stage: CloudInitStage; state: PhaseState; error?: string }[];
  version: number;
}
