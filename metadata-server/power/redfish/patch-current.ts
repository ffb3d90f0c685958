import { validateHeaderValue } from "node:http";
import { PowerError } from "../power-error.ts";
import type { RedfishClient } from "./client.ts";
import { type BootNow, readBoot } from "./computer-system.ts";

interface Patch {
  path: string;
  body: unknown;
  signal: AbortSignal;
}

const preconditionStatuses = [412, 428];
const maxSpellings = 5;

/**
 * Sends a PATCH with the ETag that the resource has now. Some controllers require `If-Match` (428), some accept only
 * another spelling of the ETag they sent, or none at all (412), and the resource may change between the two requests
 * (412 as well). So each spelling follows only such a refusal, and a fresh read.
 */
export async function patchCurrent(client: RedfishClient, { path, body, signal }: Patch): Promise<undefined> {
  const sent = new Set<string | null>();
  let { etags } = await readBoot(client, { path, signal });
  for (let index = 0; index < maxSpellings; index += 1) {
    const spelling = toSpellings(etags)[index];
    if (spelling === undefined || sent.has(spelling)) continue;
    sent.add(spelling);
    const isLast = toSpellings(etags)
      .slice(index + 1)
      .every((one) => one === undefined || sent.has(one));
    const headers: Record<string, string> = spelling === null ? {} : { "if-match": spelling };
    const accepts = isLast ? [] : preconditionStatuses;
    const { status } = await client.call({ method: "PATCH", path, headers, body }, { signal, accepts });
    if (status < 300) return;
    ({ etags } = await readBoot(client, { path, signal }));
  }
  throw new PowerError("rejected", `${client.host} refuses the change with every If-Match, and without one`);
}

/** Whether Node sends a header with this value. */
function isHeader(value: string): boolean {
  try {
    validateHeaderValue("if-match", value);
    return true;
  } catch {
    return false;
  }
}

/** What `If-Match` may be, by preference. Null: the request has no such header. Undefined: the controller sent none. */
function toSpellings({ header, body }: BootNow["etags"]): (string | null | undefined)[] {
  // An ETag of the body may have characters that no header can have.
  const usable = body !== undefined && isHeader(body) ? body : undefined;
  const given = header || usable || undefined;
  if (given === undefined) return [null, "*"];
  return [given, given.replace(/^W\//, ""), usable, "*", null];
}
