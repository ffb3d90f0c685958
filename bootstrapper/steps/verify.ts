import type { MissingPeer } from "#api/report.ts";
import { BootstrapError } from "../errors.ts";
import type { KubernetesApi } from "../kubernetes/api-client.ts";
import { isReady, type KubernetesNode, whyNotReady } from "../kubernetes/node.ts";
import { waitForNode } from "../kubernetes/wait-for-node.ts";
import { watchNodes } from "../kubernetes/watch-nodes.ts";
import { apiOf, type Session } from "../session.ts";

const retryDelayMs = 200;
const peersTimeoutMs = 3000;

/** The first control plane proves that every peer is a Ready Node; any other node that it is one itself. */
export async function verify(session: Session, signal: AbortSignal): Promise<void> {
  const { peers } = session.metadata;
  const api = await apiOf(session, peers === undefined ? "kubelet" : "admin");
  try {
    if (peers === undefined) await verifySelf(session, { api, signal });
    else await verifyPeers(session, { api, signal, peers });
  } finally {
    api.close();
  }
}

async function verifySelf(
  { metadata: { self } }: Session,
  { api, signal }: { api: KubernetesApi; signal: AbortSignal },
) {
  const failure = { code: "kubernetes", message: `Cannot get Node ${self.name} Ready` } as const;
  await waitForNode(api, { name: self.name, whyNot: whyNotReady, signal, failure });
}

async function verifyPeers(
  session: Session,
  { api, signal, peers }: { api: KubernetesApi; signal: AbortSignal; peers: string[] },
) {
  let missing = peers;
  let seen = new Map<string, KubernetesNode>();
  let lastError: string | undefined;
  const onError = (error: Error) => {
    lastError = error.message;
  };
  for await (const nodes of watchNodes(api, { signal, retryDelayMs, onError })) {
    seen = nodes;
    missing = peers.filter((name) => !isReadyNode(nodes.get(name)));
    if (missing.length === 0) return;
  }
  const reports = await lastReports(session, { missing, seen });
  throw toMissingError(missing, { reports, total: peers.length, lastError });
}

const isReadyNode = (node: KubernetesNode | undefined) => node !== undefined && isReady(node);

/**
 * What the server last heard of those that are missing; it may be away as well, which changes nothing of the verdict.
 * Without one, what the API server knows of them.
 */
async function lastReports(
  { origin }: Session,
  { missing, seen }: { missing: string[]; seen: Map<string, KubernetesNode> },
): Promise<MissingPeer[]> {
  if (origin.peers === undefined)
    return missing.map((name) => ({
      name,
      lastPhase: seen.has(name) ? "registered, not Ready" : "never registered",
      lastReportAgoMs: null,
    }));
  const known = await origin.peers(AbortSignal.timeout(peersTimeoutMs)).then(
    ({ peers }) => new Map(peers.map((peer) => [peer.name, peer])),
    () => new Map<string, MissingPeer>(),
  );
  return missing.map((name) => known.get(name) ?? { name, lastPhase: "unknown", lastReportAgoMs: null });
}

export function toMissingError(
  names: string[],
  { reports, total, lastError }: { reports: MissingPeer[]; total: number; lastError: string | undefined },
): BootstrapError {
  const each = reports.map(({ name, lastPhase, lastReportAgoMs }) =>
    lastReportAgoMs === null
      ? `${name} (${lastPhase})`
      : `${name} (${lastPhase}, ${Math.round(lastReportAgoMs / 1000)} s ago)`,
  );
  const also = lastError === undefined ? "" : `; last error of the API server: ${lastError}`;
  return new BootstrapError(
    "peers-missing",
    `Cannot prove the cluster: ${names.length} of ${total} peers are not Ready at the deadline: ${each.join(", ")}${also}`,
    { missing: reports },
  );
}
