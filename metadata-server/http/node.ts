import type { z } from "zod";
import { ClaimConfirmed, ClaimRequest, Credentials } from "#api/credentials.ts";
import { type Hardware, MetadataQuery, NodeMetadata, PeerReports } from "#api/node-metadata.ts";
import { Report } from "#api/report.ts";
import { claimCredentials, confirmClaim } from "../clusters/claim-credentials.ts";
import { answerMetadata } from "../clusters/node-metadata.ts";
import { answerPeers } from "../clusters/peers.ts";
import { withSnapshot } from "../clusters/snapshot.ts";
import { acceptReport } from "../clusters/accept-report.ts";
import { nodeToken } from "./auth.ts";
import { type DefineRoute } from "./define-route.ts";
import { json } from "./openapi.ts";
import type { HoldingDependencies } from "./held-requests.ts";

/** The node API: a machine calls it with its capability or its report token. */
export function addNodeRoutes(defineRoute: DefineRoute, { clusters, held, stopping }: HoldingDependencies): void {
  const nodeCall = { security: nodeToken(clusters.store), maxBodyBytes: 64 * 1024 };
  const reading = withSnapshot(clusters);

  defineRoute({
    ...nodeCall,
    security: nodeToken(reading.store),
    method: "get",
    path: "/node/v1/metadata",
    summary: "Get the node's document; the request is held until the document is final",
    operationId: "nodeMetadata",
    query: MetadataQuery,
    answer: { status: 200, description: "The document, final for this node", content: json(NodeMetadata) },
    problems: ["wrong-machine", "already-claimed", "wrong-state", "gone", "not-final"],
    async handler(c, { caller, query }) {
      const clientSignal = () => AbortSignal.any([c.req.raw.signal, stopping]);
      const asked = { ...caller, hardware: toHardware(query) };
      return answer(await held.while(c, () => answerMetadata(reading, asked, { clientSignal })));
    },
  });

  defineRoute({
    ...nodeCall,
    method: "post",
    path: "/node/v1/claim",
    summary: "Claim the node's certificates and keys",
    operationId: "claimCredentials",
    body: json(ClaimRequest),
    answer: {
      status: 200,
      description: "The credentials, the same until they are confirmed",
      content: json(Credentials),
    },
    problems: ["wrong-machine", "already-claimed", "wrong-state", "gone", "not-final"],
    handler: async (_, { caller, body }) => answer(await claimCredentials(clusters, { ...caller, ...body })),
  });

  defineRoute({
    ...nodeCall,
    method: "post",
    path: "/node/v1/claim/confirm",
    summary: "Destroy the server's copy of the node's keys, and exchange its capability for a report token",
    operationId: "confirmClaim",
    body: json(ClaimRequest),
    answer: { status: 200, description: "Confirmed", content: json(ClaimConfirmed) },
    problems: ["wrong-machine", "already-claimed", "not-ready", "gone"],
    handler: async (_, { caller, body }) => answer(await confirmClaim(clusters, { ...caller, ...body })),
  });

  defineRoute({
    ...nodeCall,
    method: "post",
    path: "/node/v1/reports",
    summary: "Report the start or end of a step",
    operationId: "report",
    body: json(Report),
    answer: { status: 204, description: "Stored, or already known" },
    problems: ["wrong-machine", "already-claimed"],
    async handler(_, { caller, body: report }) {
      await acceptReport(clusters, { ...caller, report });
      return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
    },
  });

  defineRoute({
    ...nodeCall,
    method: "get",
    path: "/node/v1/peers",
    summary: "List the last report of every peer; first control plane only",
    operationId: "peers",
    answer: { status: 200, description: "Every peer", content: json(PeerReports) },
    problems: ["wrong-machine"],
    handler: async (_, { caller }) => answer(await answerPeers(clusters, caller)),
  });
}

/** Avoids `c.json`: with more than one header it builds a `Headers`, which takes as long as everything else. */
const answer = (document: object) =>
  new Response(JSON.stringify(document), {
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });

function toHardware(query: z.output<typeof MetadataQuery>): Hardware {
  const { mac: macs, address: addresses, identityDocument: document, identitySignature: signature, ...ids } = query;
  const instanceIdentity = document !== undefined && signature !== undefined && { document, signature };
  return { macs, ...ids, ...(addresses && { addresses }), ...(instanceIdentity && { instanceIdentity }) };
}
