import { createHash, timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import type { Actor } from "../clusters/audit.ts";
import { wrongMachine } from "../clusters/admission.ts";
import { hashToken } from "../clusters/identifiers.ts";
import type { Store } from "../store/store.ts";
import { addressOf } from "./caller.ts";
import { HttpProblem } from "./problem.ts";

/**
 * A security scheme of the OpenAPI document, and what it says about the caller. `read` throws HttpProblem or
 * DomainError.
 */
export interface Security<Caller> {
  scheme: "apiToken" | "nodeToken";
  read(c: Context): Caller | Promise<Caller>;
}

/** Compares the cluster API's one token in constant time. */
export function requireApiToken(token: string): MiddlewareHandler {
  const expected = digest(token);
  return async (c, next) => {
    if (!timingSafeEqual(digest(bearerToken(c)), expected))
      throw unauthorized("The API token is wrong; it is in the file token of the server's data directory");
    await next();
  };
}

/** `requireApiToken` has already checked the token: it also guards unknown paths. */
export const apiToken: Security<Actor> = {
  scheme: "apiToken",
  read: (c) => ({ actor: "api", from: addressOf(c) }),
};

interface NodeCaller {
  /**
   * The store knows tokens only by their hash, so the time of a lookup says nothing about how much of one was right.
   */
  tokenHash: string;
  from: string | null;
}

/** Looks the token up before anything else of the request is read, and refuses an unknown one as the domain does. */
export const nodeToken = (store: Pick<Store, "memberByKey">): Security<NodeCaller> => ({
  scheme: "nodeToken",
  async read(c) {
    const tokenHash = hashToken(bearerToken(c));
    if ((await store.memberByKey(tokenHash)) === undefined) throw wrongMachine();
    return { tokenHash, from: addressOf(c) };
  },
});

/** Returns the hash of the request's bearer token, if it has one. */
export function bearerTokenHash(c: Context): string | undefined {
  const token = findBearerToken(c);
  return token && hashToken(token);
}

const findBearerToken = (c: Context) => /^Bearer +([^\s]{1,512})$/i.exec(c.req.header("authorization") ?? "")?.[1];

function bearerToken(c: Context): string {
  const token = findBearerToken(c);
  if (token === undefined) throw unauthorized("Send Authorization: Bearer <token>");
  return token;
}

const unauthorized = (message: string) => new HttpProblem("unauthorized", message, { "www-authenticate": "Bearer" });
const digest = (token: string) => createHash("sha256").update(token).digest();
