import { createHash, timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { hashToken } from "../clusters/identifiers.ts";
import { HttpProblem } from "./problem.ts";

/** The cluster API's one token, compared in constant time. */
export function requireApiToken(token: string): MiddlewareHandler {
  const expected = digest(token);
  return async (c, next) => {
    if (!timingSafeEqual(digest(bearerToken(c)), expected))
      throw unauthorized("The API token is wrong; it is in the file token of the server's data directory");
    await next();
  };
}

/** The store knows tokens by their hash alone: looking one up tells nothing about how much of it was right. */
export const nodeTokenHash = (c: Context) => hashToken(bearerToken(c));

function bearerToken(c: Context): string {
  const [, token] = /^Bearer +([^\s]{1,512})$/i.exec(c.req.header("authorization") ?? "") ?? [];
  if (token === undefined) throw unauthorized("Send Authorization: Bearer <token>");
  return token;
}

const unauthorized = (message: string) => new HttpProblem("unauthorized", message, { "www-authenticate": "Bearer" });
const digest = (token: string) => createHash("sha256").update(token).digest();
