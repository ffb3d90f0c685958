import type { ApprovalRule } from "#api/machine-requests.ts";
import type { MachineEvent, MachineHardware, MachineState } from "#api/machine.ts";

/** An inventory machine as the store keeps it. Times are milliseconds since the epoch, by the server's clock. */
export interface MachineRecord {
  id: string;
  state: MachineState;
  /** No two machines share a MAC. */
  macs: string[];
  uuid: string | null;
  serial: string | null;
  manufacturer: string | null;
  hardware: MachineHardware | null;
  labels: Record<string, string>;
  provisioningMac: string;
  clusterMac: string;
  power: PowerRecord;
  assignment: AssignmentRecord | null;
  /** Opened by a power action or an approval. While it is open, this machine may be given a capability. */
  bootWindow: BootWindow | null;
  /** When the machine was last asked to report its hardware; absent if it never was. */
  inspectionOfferedAt?: number;
  /** SHA-256 (base64url) of the token that proves that the machine was ordered to wipe its disk. */
  wipeTokenHash?: string;
  /** Address that this token was given to; absent in older records. */
  wipeOrderedFrom?: string | null;
  /** A cluster installed it. It is wiped once more before it runs a worker from memory. */
  wasInstalled?: true;
  createdAt: number;
  firstSeenAt: number | null;
  /** Not updated by every request: see `machines/sighting.ts`. */
  lastSeenAt: number | null;
  lastSeenFrom: string | null;
  /** Oldest first, bounded. */
  events: TimelineEntry[];
  version: number;
}

/** An entry of a machine's timeline. */
export interface TimelineEntry extends MachineEvent {
  /** Present if any host on the segment can cause the entry; absent in records of earlier releases. */
  claim?: ClaimKind;
}

/** What any host on the segment can cause again and again. Alerts have their codes. */
export type ClaimKind =
  | "boot-failure"
  | "inspection-order"
  | "wipe-order"
  | "uuid-mismatch"
  | "wrong-machine"
  | "duplicate-uuid"
  | "duplicate-mac"
  | "approval-limit";

export type PowerRecord = { driver: "manual" } | RedfishRecord;

interface RedfishRecord {
  driver: "redfish";
  url: string;
  /** User and password, sealed by the server's key. */
  sealedCredentials: string | null;
  /** Present if the controller refused these credentials: they are not sent again. */
  credentialsRefused?: true;
  trust: PowerTrust;
}

/** Which certificate of a controller to trust. `ca` is PEM, `sha256` a fingerprint in lower-case hexadecimal digits. */
export type PowerTrust =
  | { kind: "authority"; ca?: string }
  | { kind: "fingerprint"; sha256: string }
  | { kind: "first-use" };

export interface AssignmentRecord {
  clusterId: string;
  member: string;
  allocation: string;
  install: boolean;
  /** Least size of the disk that the machine is installed to; absent if the request did not say. */
  diskGiB?: number;
  installedAt: number | null;
  /** Name of the image that it boots; the default one of the cluster's Kubernetes version if absent. */
  image?: string;
}

interface BootWindow {
  openedAt: number;
  closesAt: number;
  /** When a capability was handed out in this window. */
  issuedAt: number | null;
}

/** Rules of automatic approval: a machine that matches any rule is approved. */
export interface ApprovalRulesRecord {
  rules: ApprovalRule[];
  /** How many machines these rules approved; absent in older records. */
  approved?: number;
  /** What these rules did within the last hour, oldest first; absent in older records. */
  lately?: RuleUse[];
  version: number;
}

/** `from`: the address of the machine; of an alert "all" if it is about all addresses. */
interface RuleUse {
  what: "approval" | "alert";
  from: string | null;
  at: number;
}
