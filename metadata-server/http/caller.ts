import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { Refusal } from "../clusters/refusal-limiter.ts";
import { DomainError } from "../errors.ts";
import { HttpProblem } from "./problem.ts";

/** The address of the connection. Any client could forge a header such as X-Forwarded-For. */
export function addressOf(c: Context): string | null {
  const bindings = c.env as Partial<HttpBindings> | undefined;
  // A listener for IPv6 sees IPv4 clients as mapped addresses (RFC 4291, 2.5.5.2).
  return bindings?.incoming?.socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/i, "") ?? null;
}

/** Returns the refusal for the audit log: refused tokens and credentials, not mistakes in a request. */
export function toRefusal(error: unknown, c: Context): Refusal | undefined {
  const from = addressOf(c);
  if (error instanceof HttpProblem && error.problem === "unauthorized")
    return { actor: "unknown", from, clusterId: null, member: null, detail: `${error.problem}: ${error.message}` };
  if (!(error instanceof DomainError) || error.refused === undefined || error.refused.isRecorded) return undefined;
  const { clusterId, member } = error.refused;
  const actor = c.req.path.startsWith("/v1/") ? "api" : actorOf(error, member);
  return { actor, from, clusterId, member, detail: `${error.code}: ${error.message}` };
}

/** A machine that shows another machine's capability is not the node of that capability. */
const actorOf = ({ code }: DomainError, member: string | null) =>
  member === null || code === "wrong-machine" ? "unknown" : `node ${member}`;
