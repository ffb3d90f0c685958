import type { NewAuditEntry } from "#api/audit.ts";
import type { Hardware } from "#api/node-metadata.ts";
import { DomainError, type RefusedNode } from "../errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { auditAllowed, byNode } from "./audit.ts";
import { raiseAlert } from "./alerts.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { isOver } from "./lifecycle.ts";

/** A machine with a capability in its hands, and what it says of itself. */
export interface Caller {
  tokenHash: string;
  /** Address of its connection. */
  from: string | null;
  hardware: Hardware;
  /** Where the call names it. */
  allocation?: string;
}

export interface Admission {
  cluster: ClusterRecord;
  member: MemberRecord;
  /** The capability is dead: it was exchanged for a report token. */
  spent: boolean;
}

/** One answer for an unknown capability and for another machine's, so that neither tells which it was. */
export const wrongMachine = (member?: Pick<MemberRecord, "clusterId" | "name">, { isRecorded = false } = {}) =>
  new DomainError("wrong-machine", "This capability is unknown or belongs to another machine", {
    refused: { ...toRefused(member), isRecorded },
  });

export const toRefused = (member?: Pick<MemberRecord, "clusterId" | "name">): RefusedNode => ({
  clusterId: member?.clusterId ?? null,
  member: member?.name ?? null,
});

/**
 * Who calls: found by the capability's hash in constant time. A capability in another machine's hands freezes its
 * member and raises an alert. Throws DomainError `wrong-machine` or `gone`.
 */
export async function admit(deps: ClusterDependencies, caller: Caller): Promise<Admission> {
  const member = await deps.store.memberByTokenHash(caller.tokenHash);
  if (member === undefined || member.reportTokenHash === caller.tokenHash) throw wrongMachine(member);
  const cluster = await deps.store.cluster(member.clusterId);
  if (cluster === undefined) throw wrongMachine(member);
  const doubt = doubtMachine(deps, { cluster, member, hardware: caller.hardware });
  if (doubt !== undefined) {
    await refuseDuplicate(deps, { member, caller, doubt });
    throw wrongMachine(member, { isRecorded: true });
  }
  if (member.frozen || (caller.allocation !== undefined && caller.allocation !== member.allocation))
    throw wrongMachine(member);
  if (isOver(cluster))
    throw new DomainError("gone", `Cluster ${cluster.name} is ${cluster.state}: no node can join it`, {
      refused: toRefused(member),
    });
  return { cluster, member, spent: member.spentCapabilityHash === caller.tokenHash };
}

/** Why it is another machine; undefined where it is the one. Throws DomainError `not-final` while that cannot be told. */
function doubtMachine(
  { providers }: ClusterDependencies,
  { cluster, member, hardware }: { cluster: ClusterRecord; member: MemberRecord; hardware: Hardware },
): string | undefined {
  const { macs, instanceIdentity } = hardware;
  const provider = providers.get(cluster.provider);
  if (provider?.doubtIdentity !== undefined && !member.frozen) {
    if (member.machine === undefined)
      throw new DomainError("not-final", "The launch of this machine is not on record yet; ask again");
    const doubt = provider.doubtIdentity(member.machine, instanceIdentity);
    if (doubt !== undefined) return doubt;
  }
  return isSameMachine(member, hardware) ? undefined : `MAC ${macs.join(", ")}`;
}

/** By MAC, because containers share their host's SMBIOS; a UUID decides only where both sides have one. */
function isSameMachine(member: MemberRecord, hardware: Hardware): boolean {
  if (member.mac !== null && !hardware.macs.includes(member.mac)) return false;
  const { bound } = member;
  if (bound === null) return true;
  if (bound.uuid !== undefined && hardware.uuid !== undefined && bound.uuid !== hardware.uuid) return false;
  return hardware.macs.some((mac) => bound.macs.includes(mac));
}

async function refuseDuplicate(
  deps: ClusterDependencies,
  { member, caller, doubt }: { member: MemberRecord; caller: Caller; doubt: string },
): Promise<void> {
  const message = `Capability of ${member.name} was presented by another machine (${doubt})`.slice(0, 1000);
  const by = { actor: "unknown", from: caller.from };
  await raiseAlert(deps, { member, code: "wrong-machine", message, freeze: true, by });
}

/** The record of a machine's first contact; undefined where it has been here before. */
export function bindMachine(
  { cluster, member }: Admission,
  { hardware, at }: { hardware: Hardware; at: number },
): Admission | undefined {
  if (member.bound !== null) return undefined;
  // Checked with every call, and of no use afterwards.
  const { instanceIdentity: _proof, ...bound } = hardware;
  const address = member.address ?? hardware.addresses?.[0] ?? null;
  const controlPlanes = cluster.controlPlanes.map((controlPlane) =>
    controlPlane.name === member.name ? { ...controlPlane, address } : controlPlane,
  );
  const learned = member.role === "control-plane" && member.address === null && address !== null;
  return {
    cluster: learned ? { ...cluster, controlPlanes } : cluster,
    member: { ...member, bound, address, state: "bootstrapping", firstContactAt: at },
    spent: false,
  };
}

/** The first use of a capability. */
export const auditBinding = ({ member }: Admission, { at, from }: { at: number; from: string | null }): NewAuditEntry =>
  auditAllowed(byNode(member, from), {
    action: "capability-use",
    at,
    clusterId: member.clusterId,
    member: member.name,
    detail: `bound to MAC ${member.bound?.macs.join(", ")}`.slice(0, 1000),
  });
