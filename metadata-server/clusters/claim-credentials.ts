import type { ClaimConfirmed, Credentials } from "#api/credentials.ts";
import { DomainError } from "../errors.ts";
import type { MemberRecord } from "../store/records.ts";
import { type Admission, admit, type Caller } from "./admission.ts";
import { auditAllowed, byNode } from "./audit.ts";
import { auditBinding, bindMachine } from "./bind-machine.ts";
import { openCredentials } from "./cluster-secrets.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { createToken, hashToken } from "./identifiers.ts";
import { memberEvent } from "./lifecycle.ts";
import { describeRepeats, type Repeat } from "./repeat-limiter.ts";
import { refuseSpent } from "./spent-capability.ts";

type KnownAddress = MemberRecord & { address: string };

/**
 * Returns every secret that the node will ever get. Its machine gets the same until it confirms. Each claim is counted
 * on disk before the answer. Throws DomainError `wrong-machine`, `gone`, `already-claimed` (with an alert),
 * `not-final`, or what `bindMachine` throws.
 */
export async function claimCredentials(deps: ClusterDependencies, caller: Caller): Promise<Credentials> {
  const { credentials, repeat } = await decide(deps.store, async () => {
    const admission = await admit(deps, caller);
    if (admission.spent) throw await refuseLateClaim(deps, admission.member, caller.from);
    const at = deps.clock.now();
    const bound = await bindMachine(deps, admission, { caller, pointer: "/hardware/addresses/0", at });
    const { cluster, member } = bound ?? admission;
    if (!hasAddress(member)) throw new DomainError("not-final", "The node's address is not known yet; ask again");
    const { credentials: opened, secrets } = await openCredentials(deps, { cluster, member });
    const clusters = cluster === admission.cluster ? [] : [cluster];
    const events = bound === undefined ? [] : [memberEvent(member, { at, ...(bound.note && { message: bound.note }) })];
    const claims = member.claims + 1;
    const taken = takeCall(deps, { action: "claim", number: claims, member, at, from: caller.from });
    const binding = bound === undefined ? [] : [auditBinding(bound, { at, from: caller.from })];
    const audit = [...binding, ...(taken.trace.audit ?? [])];
    const changes = { clusters, members: [{ ...member, claims }], secrets, events, audit };
    return { changes, result: { credentials: opened, repeat: taken } };
  });
  repeat.count();
  return credentials;
}

/**
 * Destroys the server's copy of the node's private keys, because the node has them on disk, and exchanges its
 * capability for a report token. Until that token is used, and within the deadline, the same machine may confirm again,
 * in case it lost the token in a crash; the timeline says so. Later it is `already-claimed`, with an alert.
 */
export async function confirmClaim(deps: ClusterDependencies, caller: Caller): Promise<ClaimConfirmed> {
  const { confirmation, repeats } = await decide(deps.store, async () => {
    const admission = await admit(deps, caller);
    const { cluster, member, spent } = admission;
    const at = deps.clock.now();
    if (spent && !mayConfirmAgain(admission, at)) throw await refuseLateClaim(deps, member, caller.from);
    if (member.claims === 0) throw new DomainError("not-ready", "Cannot confirm: the credentials were not claimed");
    const reportToken = createToken(deps.random);
    const confirmed: MemberRecord = {
      ...member,
      capabilityHash: null,
      spentCapabilityHash: caller.tokenHash,
      reportTokenHash: hashToken(reportToken),
      reportTokenUsedAt: null,
      confirmedAt: member.confirmedAt ?? at,
      confirmations: confirmationsOf(member) + 1,
    };
    const secrets = [{ clusterId: cluster.id, member: member.name, sealed: null }];
    const call = { action: "confirm" as const, number: confirmationsOf(confirmed), member, at, from: caller.from };
    const taken = takeCall(deps, call);
    const again = spent ? takeAgain(deps, { member, at, from: caller.from }) : undefined;
    const changes = { members: [confirmed], secrets, ...taken.trace, ...again?.trace };
    return { changes, result: { confirmation: { reportToken }, repeats: [taken, ...(again ? [again] : [])] } };
  });
  for (const repeat of repeats) repeat.count();
  return confirmation;
}

/** A node crashes a few times at most. */
const confirmationsShown = 10;

/** A repeated confirmation on the timeline: the node crashed, or another machine has its capability. */
function takeAgain(
  { repeats }: ClusterDependencies,
  { member, at, from }: { member: MemberRecord; at: number; from: string | null },
): Repeat {
  const message = `Confirmed its credentials again, from ${from ?? "an unknown address"}: its last report token is void`;
  const trace = (times: number) => ({
    events: [memberEvent(member, { at, message: describeRepeats(message, times) })],
  });
  return repeats.take(`confirm-again ${member.allocation}`, { at, trace, mostAtOnce: confirmationsShown });
}

/** Older records do not count confirmations. */
const confirmationsOf = ({ confirmations, confirmedAt }: MemberRecord) =>
  confirmations ?? (confirmedAt === null ? 0 : 1);

const words = { claim: "claim", confirm: "confirmation" };

/** Audit entry of a call that the same machine may repeat; it has the call's number from the second one on. */
function takeCall(
  { repeats }: ClusterDependencies,
  call: { action: "claim" | "confirm"; number: number; member: MemberRecord; at: number; from: string | null },
): Repeat {
  const { action, number, member, at, from } = call;
  const { clusterId, name, allocation } = member;
  const detail = number > 1 && { detail: `${words[action]} number ${number}` };
  const audit = [auditAllowed(byNode(member, from), { action, at, clusterId, member: name, ...detail })];
  return repeats.take(`${action} ${allocation}`, { at, trace: () => ({ audit }) });
}

const refuseLateClaim = (deps: ClusterDependencies, member: MemberRecord, from: string | null) =>
  refuseSpent(deps, {
    member,
    from,
    message: `Credentials of ${member.name} were claimed again after their confirmation`,
    detail: "These credentials were handed out and confirmed; the server no longer has them",
  });

const hasAddress = (member: MemberRecord): member is KnownAddress => member.address !== null;

/** A token that was used was not lost in a crash. */
const mayConfirmAgain = ({ cluster, member }: Admission, now: number) =>
  member.reportTokenUsedAt === null &&
  cluster.state !== "ready" &&
  (cluster.deadlineAt === null || now < cluster.deadlineAt);
