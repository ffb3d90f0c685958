import type { PeerReports } from "#api/node-metadata.ts";
import type { MissingPeer } from "#api/report.ts";
import type { MemberRecord } from "../store/records.ts";
import { wrongMachine } from "./admission.ts";
import type { ClusterDependencies } from "./dependencies.ts";

/** What was last heard of every peer, for the first control plane's verdict. Throws DomainError `wrong-machine`. */
export async function answerPeers(
  deps: ClusterDependencies,
  { tokenHash }: { tokenHash: string },
): Promise<PeerReports> {
  const member = await deps.store.memberByTokenHash(tokenHash);
  const isLive = member?.reportTokenHash === tokenHash || (member?.capabilityHash === tokenHash && !member.frozen);
  if (member === undefined || !isLive || !member.first) throw wrongMachine(member);
  const members = await deps.store.members(member.clusterId);
  const now = deps.clock.now();
  return { peers: members.map((peer) => toPeerReport(peer, now)) };
}

/** `none` where the machine never called. */
export function toPeerReport(member: MemberRecord, now: number): MissingPeer {
  const heardAt = member.lastReportAt ?? member.firstContactAt;
  return {
    name: member.name,
    lastPhase: member.phase ?? (heardAt === null ? "none" : "metadata"),
    lastReportAgoMs: heardAt === null ? null : Math.max(0, Math.round(now - heardAt)),
  };
}
