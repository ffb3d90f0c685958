import type { Context, Hono } from "hono";
import { ClaimRequest } from "#api/credentials.ts";
import { type Hardware, MetadataQuery } from "#api/node-metadata.ts";
import { Report } from "#api/report.ts";
import type { Caller } from "../clusters/admission.ts";
import { claimCredentials, confirmClaim } from "../clusters/claim.ts";
import { answerMetadata } from "../clusters/node-metadata.ts";
import { answerPeers } from "../clusters/peers.ts";
import { acceptReport } from "../clusters/reports.ts";
import { nodeTokenHash } from "./auth.ts";
import type { HttpDependencies } from "./dependencies.ts";
import { addressOf } from "./origin.ts";
import { limitBody, parse, parseBody } from "./request.ts";

const maxBodyBytes = 64 * 1024;

/** What a machine asks of the server, with its capability or its report token. */
export function addNodeRoutes(app: Hono, { clusters, metrics, stopping }: HttpDependencies): void {
  const limit = limitBody(maxBodyBytes);

  app.get("/node/v1/metadata", async (c) => {
    const caller = { tokenHash: nodeTokenHash(c), from: addressOf(c), hardware: hardwareOf(c) };
    const clientSignal = () => AbortSignal.any([c.req.raw.signal, stopping]);
    return answer(await metrics.whileHeld(answerMetadata(clusters, caller, { clientSignal })));
  });

  app.post("/node/v1/claim", limit, async (c) => answer(await claimCredentials(clusters, await claimant(c))));

  app.post("/node/v1/claim/confirm", limit, async (c) => answer(await confirmClaim(clusters, await claimant(c))));

  app.post("/node/v1/reports", limit, async (c) => {
    const tokenHash = nodeTokenHash(c);
    await acceptReport(clusters, { tokenHash, from: addressOf(c), report: await parseBody(c, Report) });
    return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
  });

  app.get("/node/v1/peers", async (c) => answer(await answerPeers(clusters, { tokenHash: nodeTokenHash(c) })));
}

/** Not `c.json`: with more than one header it goes by way of `Headers`, which takes as long as all the rest. */
const answer = (document: object) =>
  new Response(JSON.stringify(document), {
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });

/** All but MACs and addresses come once; given twice they are lists, which the schema refuses. */
function hardwareOf(c: Context): Hardware {
  const { mac, address, ...once } = c.req.queries();
  const query = parse(MetadataQuery, { ...(mac && { mac }), ...(address && { address }), ...single(once) });
  const { mac: macs, address: addresses, identityDocument: document, identitySignature: signature, ...ids } = query;
  const instanceIdentity = document !== undefined && signature !== undefined && { document, signature };
  return { macs, ...ids, ...(addresses && { addresses }), ...(instanceIdentity && { instanceIdentity }) };
}

const single = (parameters: Record<string, string[]>) =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  );

async function claimant(c: Context): Promise<Caller> {
  const tokenHash = nodeTokenHash(c);
  const from = addressOf(c);
  return { tokenHash, from, ...(await parseBody(c, ClaimRequest)) };
}
