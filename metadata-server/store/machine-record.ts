import type { MachineEvent, MachineHardware, MachineState } from "#api/machine.ts";

/** What the store keeps of a machine of one's own. Times are milliseconds since the epoch, by the server's clock. */
export interface MachineRecord {
  id: string;
  state: MachineState;
  /** No two machines share one. */
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
  /** While it is open, this machine may be given a capability: a power action or an approval opened it. */
  bootWindow: BootWindow | null;
  /** When it was last told to say what it has; absent where it never was. */
  inspectionOfferedAt?: number;
  /** SHA-256 (base64url) of the token that shows that it was told to wipe its disk. */
  wipeTokenHash?: string;
  createdAt: number;
  firstSeenAt: number | null;
  /** Not of every request: see `machines/sighting.ts`. */
  lastSeenAt: number | null;
  lastSeenFrom: string | null;
  /** Oldest first, bounded. */
  events: MachineEvent[];
  version: number;
}

export type PowerRecord =
  | { driver: "manual" }
  /** `sealedCredentials`: user and password, sealed by the server's key. */
  | { driver: "redfish"; url: string; sealedCredentials: string | null; trust: PowerTrust };

/** How a controller's certificate is known; `ca` is PEM, `sha256` its fingerprint in lower-case hexadecimal digits. */
export type PowerTrust =
  | { kind: "authority"; ca?: string }
  | { kind: "fingerprint"; sha256: string }
  | { kind: "first-use" };

export interface AssignmentRecord {
  clusterId: string;
  member: string;
  allocation: string;
  install: boolean;
  /** What its disk must have where it is installed to one; absent where nobody said. */
  diskGiB?: number;
  installedAt: number | null;
}

export interface BootWindow {
  openedAt: number;
  closesAt: number;
  /** A capability was handed out within it. */
  issuedAt: number | null;
}

/** Whom the server approves by itself. A machine that fits any of the rules. */
export interface ApprovalRulesRecord {
  rules: ApprovalRule[];
  version: number;
}

/** Everything that is given must fit. */
export interface ApprovalRule {
  /** Beginning of one of its MACs, lower-case with colons. */
  macPrefix?: string | undefined;
  uuid?: string | undefined;
  serial?: string | undefined;
  manufacturer?: string | undefined;
  /** Given to machines that fit. */
  labels?: Record<string, string> | undefined;
}
