import type { Context } from "hono";
import { Capability } from "#api/seed.ts";
import { wrongMachine } from "../clusters/admission.ts";
import type { PlainDependencies } from "./dependencies.ts";

/** Of the path. What cannot be one is answered as one that nobody has. */
export function capabilityOf(c: Context): string {
  const parsed = Capability.safeParse(c.req.param("capability"));
  if (!parsed.success) throw wrongMachine();
  return parsed.data;
}

/** The node API, at the host by which the machine found this. */
export const serverUrlOf = (c: Context, { apiPort }: Pick<PlainDependencies, "apiPort">): string =>
  `https://${new URL(c.req.url).hostname}:${apiPort}`;

/** Where cloud-init tells what it does, whatever data source it came by. */
export const instanceUrl = (c: Context): string => `${new URL(c.req.url).origin}/nocloud/${capabilityOf(c)}`;

export const answerText = (text: string, headers: Record<string, string> = {}): Response =>
  new Response(text, {
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store", ...headers },
  });
