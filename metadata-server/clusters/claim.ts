import type { ClaimConfirmed, Credentials } from "#api/credentials.ts";
import { DomainError } from "../errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { type Admission, admit, bindMachine, type Caller } from "./admission.ts";
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
    if (admission.spent) throw await refuseLateClaim(deps, admission);
    const at = deps.clock.now();
    const bound = bindMachine(admission, { hardware: caller.hardware, at });
    const { cluster, member } = bound ?? admission;
    if (!hasAddress(member)) throw new DomainError("not-final", "The node's address is not known yet; ask again");
    const { credentials, secrets } = await openCredentials(deps, { cluster, member });
    const clusters = cluster === admission.cluster ? [] : [cluster];
    const events = bound === undefined ? [] : [memberEvent(member, { at })];
    const changes = { clusters, members: [{ ...member, claims: member.claims + 1 }], secrets, events };
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
    if (spent && !isWithinDeadline(cluster, at)) throw await refuseLateClaim(deps, admission);
    if (member.claims === 0)
      throw new DomainError("not-ready", "There is nothing to confirm: credentials were not claimed");
    const reportToken = createToken(deps.random);
    const confirmed: MemberRecord = {
      ...member,
      capabilityHash: null,
      spentCapabilityHash: caller.tokenHash,
      reportTokenHash: hashToken(reportToken),
      confirmedAt: member.confirmedAt ?? at,
    };
    const secrets = [{ clusterId: cluster.id, member: member.name, sealed: null }];
    return { changes: { members: [confirmed], secrets }, result: { reportToken } };
  });
}

async function refuseLateClaim(deps: ClusterDependencies, { member }: Admission): Promise<DomainError> {
  const message = `Credentials of ${member.name} were asked for again after their confirmation`;
  await raiseAlert(deps, { member, code: "already-claimed", message, freeze: false });
  return new DomainError("already-claimed", "These credentials were handed out and confirmed; they exist no more");
}

const hasAddress = (member: MemberRecord): member is KnownAddress => member.address !== null;

const isWithinDeadline = (cluster: ClusterRecord, now: number) =>
  cluster.state !== "ready" && (cluster.deadlineAt === null || now < cluster.deadlineAt);
