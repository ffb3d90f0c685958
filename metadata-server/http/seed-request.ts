import type { Context } from "hono";
import { Capability } from "#api/seed.ts";
import { toServerUrl } from "#lib/server-url.ts";
import { wrongMachine } from "../clusters/admission.ts";
import type { PlainDependencies } from "./dependencies.ts";
import { requestUrlOf } from "./own-hosts.ts";

/** Reads the capability from the path. A malformed one gets the same answer as an unknown one. */
export function capabilityOf(c: Context): string {
  const parsed = Capability.safeParse(c.req.param("capability"));
  if (!parsed.success) throw wrongMachine();
  return parsed.data;
}

/** URL of the node API, at the host that the machine used for this request. */
export const serverUrlOf = (c: Context, { apiPort }: Pick<PlainDependencies, "apiPort">): string =>
  toServerUrl(requestUrlOf(c).hostname, apiPort);

/** URL for cloud-init's reports, the same for every data source. */
export const instanceUrl = (c: Context): string => `${requestUrlOf(c).origin}/nocloud/${capabilityOf(c)}`;

export const answerText = (text: string, headers: Record<string, string> = {}): Response =>
  new Response(text, {
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store", ...headers },
  });
