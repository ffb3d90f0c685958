import type { ClaimConfirmed, Credentials } from "#api/credentials.ts";
import { DomainError } from "../errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { type Admission, admit, auditBinding, bindMachine, type Caller, toRefused } from "./admission.ts";
import { auditAllowed, byNode } from "./audit.ts";
import { raiseAlert } from "./alerts.ts";
import { openCredentials } from "./cluster-secrets.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { createToken, hashToken } from "./identifiers.ts";
import { memberEvent } from "./lifecycle.ts";

type KnownAddress = MemberRecord & { address: string };

/**
 * Everything secret the node will ever get: the same for its machine until it confirms, counted durably before it is
 * handed out. Throws DomainError `wrong-machine`, `gone`, `already-claimed` (with an alert) or `not-final`.
 */
export async function claimCredentials(deps: ClusterDependencies, caller: Caller): Promise<Credentials> {
  return decide(deps.store, async () => {
    const admission = await admit(deps, caller);
    if (admission.spent) throw await refuseLateClaim(deps, { admission, from: caller.from });
    const at = deps.clock.now();
    const bound = bindMachine(admission, { hardware: caller.hardware, at });
    const { cluster, member } = bound ?? admission;
    if (!hasAddress(member)) throw new DomainError("not-final", "The node's address is not known yet; ask again");
    const { credentials, secrets } = await openCredentials(deps, { cluster, member });
    const clusters = cluster === admission.cluster ? [] : [cluster];
    const events = bound === undefined ? [] : [memberEvent(member, { at })];
    const claims = member.claims + 1;
    const by = byNode(member, caller.from);
    const subject = { at, clusterId: cluster.id, member: member.name };
    const audit = [
      ...(bound === undefined ? [] : [auditBinding(bound, { at, from: caller.from })]),
      auditAllowed(by, { action: "claim", ...subject, ...(claims > 1 && { detail: `claim number ${claims}` }) }),
    ];
    const changes = { clusters, members: [{ ...member, claims }], secrets, events, audit };
    return { changes, result: credentials };
  });
}

/**
 * The node has its files on disk: its private keys are destroyed here and its capability is exchanged for a token that
 * may only report. The same machine may confirm again within the deadline, should it have lost that token in a crash.
 */
export async function confirmClaim(deps: ClusterDependencies, caller: Caller): Promise<ClaimConfirmed> {
  return decide(deps.store, async () => {
    const admission = await admit(deps, caller);
    const { cluster, member, spent } = admission;
    const at = deps.clock.now();
    if (spent && !isWithinDeadline(cluster, at)) throw await refuseLateClaim(deps, { admission, from: caller.from });
    if (member.claims === 0)
      throw new DomainError("not-ready", "There is nothing to confirm: credentials were not claimed");
    const reportToken = createToken(deps.random);
    const confirmed: MemberRecord = {
      ...member,
      capabilityHash: null,
      spentCapabilityHash: caller.tokenHash,
      reportTokenHash: hashToken(reportToken),
      reportTokenUsedAt: null,
      confirmedAt: member.confirmedAt ?? at,
    };
    const secrets = [{ clusterId: cluster.id, member: member.name, sealed: null }];
    const subject = { at, clusterId: cluster.id, member: member.name };
    const audit = [auditAllowed(byNode(member, caller.from), { action: "confirm", ...subject })];
    return { changes: { members: [confirmed], secrets, audit }, result: { reportToken } };
  });
}

async function refuseLateClaim(
  deps: ClusterDependencies,
  { admission: { member }, from }: { admission: Admission; from: string | null },
): Promise<DomainError> {
  const message = `Credentials of ${member.name} were asked for again after their confirmation`;
  await raiseAlert(deps, { member, code: "already-claimed", message, freeze: false, by: byNode(member, from) });
  return new DomainError("already-claimed", "These credentials were handed out and confirmed; they exist no more", {
    refused: { ...toRefused(member), isRecorded: true },
  });
}

const hasAddress = (member: MemberRecord): member is KnownAddress => member.address !== null;

const isWithinDeadline = (cluster: ClusterRecord, now: number) =>
  cluster.state !== "ready" && (cluster.deadlineAt === null || now < cluster.deadlineAt);
