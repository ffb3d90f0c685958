import type { PeerReports } from "#api/node-metadata.ts";
import type { MissingPeer } from "#api/report.ts";
import type { MemberRecord } from "../store/records.ts";
import { requireGivenAddress, wrongMachine } from "./admission.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { firstUse } from "./report-token.ts";
import { alertSpent } from "./spent-capability.ts";

/**
 * Returns the last report of every peer, for the first control plane's proof. Throws DomainError `wrong-machine`, with
 * an alert for a spent capability.
 */
export async function answerPeers(
  deps: ClusterDependencies,
  { tokenHash, from }: { tokenHash: string; from: string | null },
): Promise<PeerReports> {
  const { clusterId } = await decide(deps.store, async () => {
    const member = await deps.store.memberByKey(tokenHash);
    if (member?.spentCapabilityHash === tokenHash) {
      await alertSpent(deps, {
        member,
        from,
        message: `Peers of ${member.name} were asked for with its spent capability`,
      });
      throw wrongMachine(member, { isRecorded: true });
    }
    if (member?.capabilityHash === tokenHash) await requireGivenAddress(deps, { member, from });
    const isLive = member?.reportTokenHash === tokenHash || (member?.capabilityHash === tokenHash && !member.frozen);
    if (member === undefined || !isLive || !member.first) throw wrongMachine(member);
    const use = firstUse(member, { tokenHash, from, at: deps.clock.now() });
    return { ...(use && { changes: { members: [use.member], audit: [use.audit] } }), result: member };
  });
  const members = await deps.store.members(clusterId);
  const now = deps.clock.now();
  return { peers: members.map((peer) => toPeerReport(peer, now)) };
}

/** The last phase is `none` if the machine never called. */
export function toPeerReport(member: MemberRecord, now: number): MissingPeer {
  const heardAt = member.lastReportAt ?? member.firstContactAt;
  return {
    name: member.name,
    lastPhase: member.phase ?? (heardAt === null ? "none" : "metadata"),
    lastReportAgoMs: heardAt === null ? null : Math.max(0, Math.round(now - heardAt)),
  };
}
