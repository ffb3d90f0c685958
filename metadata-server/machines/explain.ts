import type { Explanation, ExplainQuery, MachineExplanation } from "#api/machine-explanation.ts";
import { toTime } from "../clusters/lifecycle.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import type { MemberRecord } from "../store/records.ts";
import { type BootDecision, decideBoot } from "./boot-decision.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { findByUuid } from "./find-by-uuid.ts";
import { needsInspection } from "./inspection.ts";
import { toMachine } from "./view.ts";

const maxMachines = 10;

type Identity = MachineExplanation["identity"];

/** Explains what each machine that fits the query gets if it asks now. Changes nothing. */
export async function explainMachine(
  { store, clock }: Pick<MachineDependencies, "store" | "clock">,
  { mac, uuid, ip }: ExplainQuery,
): Promise<Explanation> {
  const found = await findBy();
  const machines = await Promise.all(
    found.map(async (machine) => {
      const { clusterId, member: name } = machine.assignment ?? {};
      const member = clusterId && name ? await store.member(clusterId, name) : undefined;
      return explain(machine, { member, matched, now: clock.now() });
    }),
  );
  return { machines, advice: machines.length > 0 ? null : advise() };

  function matched({ macs, id }: MachineRecord): string {
    if (mac !== undefined) return `MAC ${mac} is one of ${macs.length} of ${id}`;
    if (ip !== undefined)
      return `${id} was last seen from ${ip}; an address may have had other machines, so check its MAC too`;
    return found.length > 1 ? `UUID ${uuid}, which ${found.length - 1} other machines share` : `UUID ${uuid}`;
  }

  async function findBy(): Promise<MachineRecord[]> {
    if (mac !== undefined) return [await store.machineByMac(mac)].flatMap((machine) => machine ?? []);
    if (ip !== undefined) return store.machines({ from: ip, limit: maxMachines });
    return uuid ? findByUuid(store, { uuid, limit: maxMachines }) : [];
  }

  function advise(): string {
    const asked = mac ?? ip ?? uuid;
    return `No machine with ${asked} is known: it never asked, or newer machines displaced it. Check that it boots from the network and reaches this server`;
  }
}

function explain(
  machine: MachineRecord,
  options: { member: MemberRecord | undefined; matched: (machine: MachineRecord) => string; now: number },
): MachineExplanation {
  const { member, now } = options;
  const decision = decideBoot(machine, now);
  const alerts = machine.events.filter(({ type }) => type === "alert").map(({ message }) => `Alert: ${message}`);
  return {
    machine: toMachine(machine),
    matched: options.matched(machine),
    identity: identify(machine, member),
    answer: describeDecision(decision),
    because: [
      ...reasons(machine, { member, now }),
      ...(needsInspection(machine, now) ? [inspection] : []),
      ...alerts.slice(-5),
    ],
  };
}

const inspection =
  "Its hardware is unknown: if an image is baked for network boot, it boots that first and reports its hardware, once an hour at most";
const segment = "an isolated segment is required, because any machine on it can claim the same";

function identify({ firstSeenAt, uuid, provisioningMac }: MachineRecord, member: MemberRecord | undefined): Identity {
  const bound = member?.bound?.macs.includes(member.mac ?? provisioningMac) === true;
  if (bound && member.confirmedAt !== null)
    return {
      level: "confirmed",
      meaning: "It used its capability and has its credentials; no other machine can get them",
    };
  if (bound)
    return { level: "capability", meaning: "It presented the capability of this power-on, which is bound to it now" };
  if (firstSeenAt === null) return { level: "unseen", meaning: "It never asked; what is known was entered by hand" };
  if (uuid === null) return { level: "mac", meaning: `Its MAC is a claim: ${segment}` };
  return { level: "mac-and-uuid", meaning: `Its MAC and UUID are claims that match: ${segment}` };
}

function describeDecision(decision: BootDecision): string {
  if (decision.do === "nothing") return `Nothing: ${decision.because}`;
  if (decision.do === "wipe") return "A script that wipes its disk";
  if (decision.do === "wait")
    return decision.for === "approval"
      ? "A script that shows its MAC and UUID and asks again until it is approved"
      : "A script that asks again until a cluster takes it";
  if (decision.from === "disk") return "A script that boots its disk";
  if (!decision.isWindowOpen) return "A script that asks again: no capability can be issued now";
  const how = decision.install ? "and installs it to the disk" : "from memory";
  return `A script that boots the image ${how}, with a capability (not shown)`;
}

function reasons(
  { state, assignment, bootWindow, power, wasInstalled }: MachineRecord,
  { member, now }: { member: MemberRecord | undefined; now: number },
): string[] {
  const first = `It is ${state}${assignment === null ? "" : `: node ${assignment.member} of cluster ${assignment.clusterId}`}`;
  if (state !== "assigned") return [first, ...advice[state]];
  return [
    first,
    describeWindow(bootWindow, now),
    ...(wasInstalled && !assignment?.install ? ["It was installed once: it is wiped before it runs from memory"] : []),
    ...(member?.frozen === true ? ["Another machine presented its capability: no further credentials are issued"] : []),
    ...(power.driver === "manual" ? ["It is switched on and off by hand"] : []),
  ];
}

const advice = {
  seen: ["It waits for approval: sprout machines approve, or an approval rule"],
  approved: ["It becomes free when it asks for the first time"],
  free: ["No cluster has taken it"],
  released: ["Its last cluster is deleted; it becomes free once nothing of that cluster is left on it"],
  refused: ["sprout machines approve lets it in again"],
};

function describeWindow(bootWindow: MachineRecord["bootWindow"], now: number): string {
  if (bootWindow === null) return "Its boot window was never opened";
  const { issuedAt, closesAt } = bootWindow;
  if (issuedAt !== null) return `The one capability of this boot window was issued at ${toTime(issuedAt)}`;
  if (now < closesAt) return `Its boot window is open until ${toTime(closesAt)}`;
  return `Its boot window closed at ${toTime(closesAt)}; sprout machines approve opens it again`;
}
