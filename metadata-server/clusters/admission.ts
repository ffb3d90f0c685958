import { isSameUuid } from "#api/hardware-identity.ts";
import type { Hardware } from "#api/node-metadata.ts";
import { DomainError, type RefusedNode } from "../errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { raiseAlert } from "./alerts.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { hasEnded } from "./lifecycle.ts";

/** A machine that shows a capability, and what it reports about itself. */
export interface Caller {
  tokenHash: string;
  /** Address of its connection. */
  from: string | null;
  hardware: Hardware;
  /** Undefined if the call does not name it. */
  allocation?: string;
}

export interface Admission {
  cluster: ClusterRecord;
  member: MemberRecord;
  /** The capability was exchanged for a report token. */
  spent: boolean;
}

/** The same answer for an unknown capability and for another machine's, so that an attacker cannot distinguish them. */
export const wrongMachine = (member?: Pick<MemberRecord, "clusterId" | "name">, { isRecorded = false } = {}) =>
  new DomainError("wrong-machine", "This capability is unknown, or bound to another machine", {
    refused: { ...toRefused(member), isRecorded },
  });

export const toRefused = (member?: Pick<MemberRecord, "clusterId" | "name">): RefusedNode => ({
  clusterId: member?.clusterId ?? null,
  member: member?.name ?? null,
});

/**
 * Finds who calls, by the capability's hash in constant time. If another machine shows a capability, its member is
 * frozen and an alert raised. Throws DomainError `wrong-machine` or `gone`.
 */
export async function admit(deps: ClusterDependencies, caller: Caller): Promise<Admission> {
  const member = await deps.store.memberByKey(caller.tokenHash);
  if (member === undefined || member.reportTokenHash === caller.tokenHash) throw wrongMachine(member);
  const cluster = await deps.store.cluster(member.clusterId);
  if (cluster === undefined) throw wrongMachine(member);
  const doubt = doubtMachine(deps, { cluster, member, caller });
  if (doubt !== undefined) {
    throw await refuseDuplicate(deps, { member, from: caller.from, doubt });
  }
  if (member.frozen || (caller.allocation !== undefined && caller.allocation !== member.allocation))
    throw wrongMachine(member);
  if (hasEnded(cluster))
    throw new DomainError("gone", `Cluster ${cluster.name} is ${cluster.state}; no node can join it`, {
      refused: toRefused(member),
    });
  return { cluster, member, spent: member.spentCapabilityHash === caller.tokenHash };
}

/**
 * Returns why this is another machine, or undefined. Throws DomainError `not-final` while the launch is not recorded.
 */
function doubtMachine(
  { providers }: ClusterDependencies,
  { cluster, member, caller }: { cluster: ClusterRecord; member: MemberRecord; caller: Caller },
): string | undefined {
  const { hardware, from } = caller;
  const provider = providers.get(cluster.provider);
  if (provider?.doubtIdentity !== undefined && !member.frozen) {
    if (member.machine === undefined)
      throw new DomainError("not-final", "The launch of this machine is not recorded yet; ask again");
    const doubt = provider.doubtIdentity(member.machine, hardware.instanceIdentity);
    if (doubt !== undefined) return doubt;
  }
  return doubtHardware(member, hardware) ?? doubtAddress(member, from);
}

/**
 * MACs decide, because containers share their host's SMBIOS. A machine that showed its UUID at its first call, or has
 * one in the inventory, must show it every time.
 */
function doubtHardware({ mac, bound, givenTo }: MemberRecord, { macs, uuid }: Hardware): string | undefined {
  const shown = `MAC ${macs.join(", ")}`;
  if (mac !== null && !macs.includes(mac)) return shown;
  if (bound !== null && !macs.some((each) => bound.macs.includes(each))) return shown;
  const expected = bound?.uuid ?? givenTo?.uuid;
  if (expected === undefined || (uuid !== undefined && isSameUuid(uuid, expected))) return undefined;
  return `${shown}, UUID ${uuid ?? "none"}`;
}

/** Returns why a capability from a boot script is not with the machine that it was given to. */
const doubtAddress = ({ givenTo }: MemberRecord, from: string | null): string | undefined =>
  givenTo?.from === undefined || from === givenTo.from
    ? undefined
    : `from ${from ?? "an unknown address"}, not ${givenTo.from}`;

/** For calls that show nothing but a capability. Throws DomainError `wrong-machine`, as `admit` does. */
export async function requireGivenAddress(
  deps: ClusterDependencies,
  { member, from }: { member: MemberRecord; from: string | null },
): Promise<void> {
  const doubt = doubtAddress(member, from);
  if (doubt !== undefined) throw await refuseDuplicate(deps, { member, from, doubt });
}

/** Freezes the member with an alert, and returns the refusal. */
async function refuseDuplicate(
  deps: ClusterDependencies,
  { member, from, doubt }: { member: MemberRecord; from: string | null; doubt: string },
): Promise<DomainError> {
  const message = `Another machine showed the capability of ${member.name} (${doubt})`.slice(0, 1000);
  await raiseAlert(deps, { member, code: "wrong-machine", message, freeze: true, by: { actor: "unknown", from } });
  return wrongMachine(member, { isRecorded: true });
}
