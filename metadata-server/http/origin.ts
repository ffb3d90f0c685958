import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { Origin } from "../clusters/audit.ts";
import type { Refusal } from "../clusters/refusals.ts";
import { DomainError } from "../errors.ts";
import { HttpProblem } from "./problem.ts";

/** Of the connection itself: what a header says of it, anybody can write. */
export function addressOf(c: Context): string | null {
  const bindings = c.env as Partial<HttpBindings> | undefined;
  return bindings?.incoming?.socket.remoteAddress ?? null;
}

/** Behind the check of the API token. */
export const byApi = (c: Context): Origin => ({ actor: "api", from: addressOf(c) });

/** What of an error belongs in the audit log: refused tokens and credentials, not mistakes in a request. */
export function toRefusal(error: unknown, c: Context): Refusal | undefined {
  const from = addressOf(c);
  if (error instanceof HttpProblem && error.problem === "unauthorized")
    return { actor: "unknown", from, clusterId: null, member: null, detail: `${error.problem}: ${error.message}` };
  if (!(error instanceof DomainError) || error.refused === undefined || error.refused.isRecorded) return undefined;
  const { clusterId, member } = error.refused;
  const actor = c.req.path.startsWith("/v1/") ? "api" : actorOf(error, member);
  return { actor, from, clusterId, member, detail: `${error.code}: ${error.message}` };
}

/** A capability in wrong hands does not make its presenter the node that it was made for. */
const actorOf = ({ code }: DomainError, member: string | null) =>
  member === null || code === "wrong-machine" ? "unknown" : `node ${member}`;
