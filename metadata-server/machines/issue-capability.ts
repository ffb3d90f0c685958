import { auditAllowed, bySprout } from "../clusters/audit.ts";
import { raiseAlert } from "../clusters/alerts.ts";
import { resealCredentials } from "../clusters/cluster-secrets.ts";
import { decide, type Decision } from "../clusters/decide.ts";
import type { ClusterDependencies } from "../clusters/dependencies.ts";
import { createToken, hashToken } from "../clusters/identifiers.ts";
import { isOver, memberEvent } from "../clusters/lifecycle.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { isOpen } from "./boot-decision.ts";
import { reallocate } from "./reallocate.ts";
import { withAlert, withEvent } from "./lifecycle.ts";

export type IssuedCapability =
  | { capability: string; cluster: ClusterRecord; member: MemberRecord }
  /** In words for the machine's console. */
  | { refused: string };

/** No capability can be issued to it now. */
interface ShutWindow {
  machine: MachineRecord;
  member: MemberRecord;
}

/**
 * A new capability for the member that this machine is to be, instead of the last one: once in each boot window. Who asks
 * again within the window may be another machine that says it is this one: the member is frozen, with an alert.
 */
export async function issueCapability(
  deps: ClusterDependencies,
  { machineId, from }: { machineId: string; from: string | null },
): Promise<IssuedCapability> {
  const issued = await decide(deps.store, async (): Promise<Decision<IssuedCapability | ShutWindow>> => {
    const machine = await deps.store.machine(machineId);
    const owner = machine && (await findOwner(deps, machine));
    if (machine === undefined || owner === undefined)
      return { result: { refused: "Its cluster is gone; it is free when it was released" } };
    const at = deps.clock.now();
    const { cluster, member } = owner;
    if (!isOpen(machine.bootWindow, at)) return { result: { machine, member } };
    if (member.frozen || isOver(cluster))
      return { result: { refused: `Nothing is handed out: ${member.name} of ${cluster.name} has failed` } };
    const capability = createToken(deps.random);
    const capabilityHash = hashToken(capability);
    const isNewcomer = member.confirmedAt === null;
    const holder = isNewcomer ? member : reallocate(member, { random: deps.random, now: at });
    const again = isNewcomer ? "" : `, as ${holder.allocation}: its memory is gone, and all that it was given`;
    const message = `Given a capability, over plain HTTP, at ${from ?? "an unknown address"}${again}`;
    const bootWindow = machine.bootWindow && { ...machine.bootWindow, issuedAt: at };
    const assignment = machine.assignment && { ...machine.assignment, allocation: holder.allocation };
    const changes = {
      machines: [withEvent({ ...machine, assignment, bootWindow }, { type: "boot", at, message })],
      members: [{ ...holder, capabilityHash }],
      events: isNewcomer ? [] : [memberEvent(holder, { at, message: "Its machine boots anew" })],
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

async function findOwner({ store }: ClusterDependencies, { state, assignment }: MachineRecord) {
  if (state !== "assigned" || assignment === null) return undefined;
  const [cluster, member] = await Promise.all([
    store.cluster(assignment.clusterId),
    store.member(assignment.clusterId, assignment.member),
  ]);
  if (cluster === undefined || member?.allocation !== assignment.allocation) return undefined;
  return { cluster, member };
}

/** Within a window whose capability was issued this is a duplicate; outside of every window nobody may be given one. */
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
  const message = `Asked for a second capability in the boot window opened at ${opened}: it started again, or another machine says it is this one`;
  const isNews = await decide(deps.store, async () => {
    const current = await deps.store.machine(machine.id);
    const told = current && withAlert(current, { at, message });
    return told === undefined || told === current ? { result: false } : { changes: { machines: [told] }, result: true };
  });
  const by = { actor: "unknown", from };
  if (isNews)
    await raiseAlert(deps, { member, code: "duplicate-boot", message: `${member.name}: ${message}`, freeze: true, by });
  return { refused: `A capability was issued since it was switched on; ${advice}` };
}
