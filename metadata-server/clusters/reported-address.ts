import { mismatch } from "#api/field-errors.ts";
import { DomainError } from "../errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import type { Caller } from "./admission.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { memberEvent } from "./lifecycle.ts";
import { describeReserved } from "./plan-network.ts";

interface ReportedAddress {
  fields: Pick<MemberRecord, "address" | "addressKey">;
  /** For the timeline, if the connection came from another address (NAT). */
  note?: string;
}

/**
 * Judges the address that a machine reports for a member without a planned one: its certificates will be for that
 * address. `pointer` is its place in the request. Throws DomainError `invalid-request` if no machine can have it, and
 * `wrong-state` if another member has it; the timeline says why.
 */
export async function acceptReportedAddress(
  deps: ClusterDependencies,
  { cluster, member }: { cluster: ClusterRecord; member: MemberRecord },
  { caller, pointer }: { caller: Caller; pointer: string },
): Promise<ReportedAddress> {
  const { from, hardware } = caller;
  const address = hardware.addresses?.[0];
  if (address === undefined) return { fields: { address: null, addressKey: null } };
  const refuse = (why: string) =>
    recordRefusedAddress(deps, { member, from, message: `${member.name} reported the address ${address}, ${why}` });

  const reserved = describeReserved(cluster.network, address);
  if (reserved !== undefined) {
    await refuse(`which is in ${reserved}`);
    const errors = [{ pointer, detail: mismatch(`an address outside ${reserved}`, address) }];
    throw new DomainError("invalid-request", "The machine's address cannot be used", { errors });
  }
  const addressKey = `${cluster.id}/${address}`;
  const holder = await findHolder(deps, { cluster, member, address, addressKey });
  if (holder !== undefined) {
    await refuse(`which ${holder} has`);
    throw new DomainError("wrong-state", `Another node of the cluster has the address ${address}`);
  }
  const isOther = from !== null && from !== address;
  return {
    fields: { address, addressKey },
    ...(isOther && { note: `${member.name} reported the address ${address}, and called from ${from}` }),
  };
}

/** Two members that call at one moment are distinguished by the commit, which stores no key twice. */
async function findHolder(
  { store }: ClusterDependencies,
  {
    cluster,
    member,
    address,
    addressKey,
  }: { cluster: ClusterRecord; member: MemberRecord; address: string; addressKey: string },
): Promise<string | undefined> {
  if (address === cluster.virtualAddress) return "all control planes";
  const holders = [
    ...cluster.controlPlanes.filter((node) => node.address === address),
    await store.memberByKey(addressKey),
  ];
  return holders.find((holder) => holder !== undefined && holder.name !== member.name)?.name;
}

/** A machine decides how often it is refused, so the limit of refusals holds for the timeline, too. */
async function recordRefusedAddress(
  { store, clock, refusals, logger }: ClusterDependencies,
  { member, from, message }: { member: MemberRecord; from: string | null; message: string },
): Promise<void> {
  const { clusterId, name } = member;
  const at = clock.now();
  logger.warn("Refused a machine's address", { clusterId, member: name, message });
  const audit = refusals.take({ actor: "unknown", from, clusterId, member: name, detail: message }, at);
  if (audit.length > 0) await store.commit({ events: [memberEvent(member, { at, message })], audit });
}
