import type { MissingPeer } from "#api/report.ts";
import { BootstrapError } from "../errors.ts";
import type { KubernetesApi } from "../kubernetes/api-client.ts";
import { isReady, type KubernetesNode, whyNotReady } from "../kubernetes/node.ts";
import { waitForNode } from "../kubernetes/wait-for-node.ts";
import { watchNodes } from "../kubernetes/watch-nodes.ts";
import type { OpenSource } from "../open-source.ts";
import { apiOf } from "./kubernetes-api.ts";
import type { ClaimedNode } from "./node-context.ts";

type PeerSource = Pick<OpenSource, "peers">;

const retryDelayMs = 200;
const peersTimeoutMs = 3000;

/** The first control plane proves that every peer is a Ready Node. Any other node proves that it is one itself. */
export async function verify(node: ClaimedNode, source: PeerSource, signal: AbortSignal): Promise<void> {
  const { peers } = node.metadata;
  using api = await apiOf(node, peers === undefined ? "kubelet" : "admin");
  // Awaited here: `using` would close the client as soon as a promise is returned.
  if (peers !== undefined) return await verifyPeers(source, { api, signal, peers });
  const { name } = node.metadata.self;
  await waitForNode(api, { name, whyNot: whyNotReady, signal, failure: `Cannot get Node ${name} Ready` });
}

async function verifyPeers(
  source: PeerSource,
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
  const reports = await lastReports(source, { missing, seen });
  throw toMissingError(missing, { reports, total: peers.length, lastError });
}

const isReadyNode = (node: KubernetesNode | undefined) => node !== undefined && isReady(node);

/**
 * Returns what the server last heard of the missing peers. It may be away as well, which does not change the verdict.
 * Without a server, returns what the API server knows of them.
 */
async function lastReports(
  source: PeerSource,
  { missing, seen }: { missing: string[]; seen: Map<string, KubernetesNode> },
): Promise<MissingPeer[]> {
  if (source.peers === undefined)
    return missing.map((name) => ({
      name,
      lastPhase: seen.has(name) ? "registered, not Ready" : "never registered",
      lastReportAgoMs: null,
    }));
  const known = await source.peers(AbortSignal.timeout(peersTimeoutMs)).then(
    ({ peers }) => new Map(peers.map((peer) => [peer.name, peer])),
    () => new Map<string, MissingPeer>(),
  );
  return missing.map((name) => known.get(name) ?? { name, lastPhase: "unknown", lastReportAgoMs: null });
}

function toMissingError(
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
