import { auditAllowed, bySprout } from "../clusters/audit.ts";
import { raiseAlert } from "../clusters/alerts.ts";
import { resealCredentials } from "../clusters/cluster-secrets.ts";
import { decide, type Decision } from "../clusters/decide.ts";
import type { ClusterDependencies } from "../clusters/dependencies.ts";
import { createAllocationId, createToken, hashToken, type RandomBytes } from "../clusters/identifiers.ts";
import { hasEnded, memberEvent, unheard } from "../clusters/lifecycle.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { isOpen } from "./boot-decision.ts";
import { withAlert, withEvent } from "./lifecycle.ts";

type IssuedCapability =
  | { capability: string; cluster: ClusterRecord; member: MemberRecord }
  /** The reason, for the machine's console. */
  | { refused: string };

/** A machine that cannot get a capability now. */
interface ShutWindow {
  machine: MachineRecord;
  member: MemberRecord;
}

/**
 * Issues a new capability for the machine's member, once in each boot window; earlier ones are no longer valid. A
 * second request within the window may come from a machine that only claims to be this one: it freezes the member, with
 * an alert.
 */
export async function issueCapability(
  deps: ClusterDependencies,
  { machineId, from }: { machineId: string; from: string | null },
): Promise<IssuedCapability> {
  const issued = await decide(deps.store, async (): Promise<Decision<IssuedCapability | ShutWindow>> => {
    const machine = await deps.store.machine(machineId);
    const owner = machine && (await findOwner(deps, machine));
    if (machine === undefined || owner === undefined)
      return { result: { refused: "Its cluster is deleted; release the machine to free it" } };
    const at = deps.clock.now();
    const { cluster, member } = owner;
    if (!isOpen(machine.bootWindow, at)) return { result: { machine, member } };
    if (member.frozen || hasEnded(cluster))
      return { result: { refused: `No capability is issued: ${member.name} of ${cluster.name} has failed` } };
    const capability = createToken(deps.random);
    const capabilityHash = hashToken(capability);
    const isNewcomer = member.confirmedAt === null;
    const holder = isNewcomer ? member : reallocate(member, { random: deps.random, now: at });
    const again = isNewcomer ? "" : `, as ${holder.allocation}: what was in its memory is lost`;
    const message = `Given a capability, over plain HTTP, at ${from ?? "an unknown address"}${again}`;
    const bootWindow = machine.bootWindow && { ...machine.bootWindow, issuedAt: at };
    const assignment = machine.assignment && { ...machine.assignment, allocation: holder.allocation };
    const changes = {
      machines: [withEvent({ ...machine, assignment, bootWindow }, { type: "boot", at, message })],
      members: [{ ...holder, capabilityHash, givenTo: toRecipient(machine, from) }],
      events: isNewcomer ? [] : [memberEvent(holder, { at, message: "Its machine rebooted" })],
      secrets: await resealCredentials(deps, { cluster, member, capabilityHash }),
      audit: [
        auditAllowed(
          { ...bySprout, from },
          {
            action: "capability-issue",
            at,
            clusterId: cluster.id,
            member: member.name,
            detail: `to machine ${machine.id} (MAC ${machine.provisioningMac})`,
          },
        ),
      ],
    };
    return { changes, result: { capability, cluster, member: holder } };
  });
  return "machine" in issued ? refuse(deps, issued, from) : issued;
}

/** A machine with another interface for its cluster calls from another address. */
const toRecipient = ({ uuid, provisioningMac, clusterMac }: MachineRecord, from: string | null) => ({
  ...(from !== null && clusterMac === provisioningMac && { from }),
  ...(uuid !== null && { uuid }),
});

/**
 * A node that ran from memory lost everything when its machine rebooted, so it becomes another allocation of the same
 * member, with new credentials. Those of the last allocation are no longer valid.
 */
function reallocate(member: MemberRecord, { random, now }: { random: RandomBytes; now: number }): MemberRecord {
  return {
    ...member,
    ...unheard,
    // The machine reports an address again, which DHCP may have changed.
    ...(member.addressKey && { address: null, addressKey: null }),
    allocation: createAllocationId(random),
    capabilityHash: null,
    state: "launched",
    launchedAt: now,
  };
}

async function findOwner({ store }: ClusterDependencies, { state, assignment }: MachineRecord) {
  if (state !== "assigned" || assignment === null) return undefined;
  const [cluster, member] = await Promise.all([
    store.cluster(assignment.clusterId),
    store.member(assignment.clusterId, assignment.member),
  ]);
  if (cluster === undefined || member?.allocation !== assignment.allocation) return undefined;
  return { cluster, member };
}

/**
 * A second request in one window is a duplicate, and raises an alert. Outside of a window no machine gets a capability.
 */
async function refuse(
  deps: ClusterDependencies,
  { machine, member }: ShutWindow,
  from: string | null,
): Promise<IssuedCapability> {
  const { bootWindow } = machine;
  const at = deps.clock.now();
  const isDuplicate = bootWindow !== null && bootWindow.issuedAt !== null && at < bootWindow.closesAt;
  const advice = `sprout machines approve ${machine.id} lets it boot again`;
  if (!isDuplicate) return { refused: `No capability can be issued now; ${advice}` };
  const opened = new Date(bootWindow.openedAt).toISOString();
  const message = `Asked for a second capability in the boot window opened at ${opened}: it started again, or another machine claims to be this one`;
  const isNews = await decide(deps.store, async () => {
    const current = await deps.store.machine(machine.id);
    const warned = current && withAlert(current, { at, message });
    return warned === undefined || warned === current
      ? { result: false }
      : { changes: { machines: [warned] }, result: true };
  });
  const by = { actor: "unknown", from };
  if (isNews)
    await raiseAlert(deps, { member, code: "duplicate-boot", message: `${member.name}: ${message}`, freeze: true, by });
  return { refused: `A capability was issued since it was switched on; ${advice}` };
}
