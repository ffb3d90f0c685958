import type { RedfishAnswer } from "./connection.ts";

/** Characters of a reference; the search for slashes at the end of a megabyte of slashes would take minutes. */
const maxReference = 2000;

export const sessionsPath = "/redfish/v1/SessionService/Sessions";

/**
 * Returns the path of the session that a login opened: of `Location`, else of the body's `@odata.id`, else by its `Id`.
 * Only the path counts, because controllers name themselves by addresses that this server cannot reach. Undefined if
 * the answer names no session.
 */
export function toSessionPath({ headers, body }: RedfishAnswer, origin: string): string | undefined {
  const { "@odata.id": link, Id: id } = (typeof body === "object" && body !== null ? body : {}) as Record<
    string,
    unknown
  >;
  return pathOf(headers.location, origin) ?? pathOf(link, origin) ?? pathOf(toMember(id), origin);
}

const toMember = (id: unknown) =>
  typeof id === "string" && id !== "" && id.isWellFormed() ? `Sessions/${encodeURIComponent(id)}` : undefined;

function pathOf(reference: unknown, origin: string): string | undefined {
  if (typeof reference !== "string" || reference === "" || reference.length > maxReference) return undefined;
  const url = URL.parse(reference, `${origin}${sessionsPath}`);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  // A reference to the collection, or to the service, names no session.
  const isSession = !`${sessionsPath}/`.startsWith(url.pathname.replace(/\/*$/, "/"));
  return isSession ? url.pathname + url.search : undefined;
}
