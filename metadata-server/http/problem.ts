import type { z } from "zod";
import type { Problem } from "#api/problem.ts";
import { DomainError, type DomainErrorCode } from "../errors.ts";
import { StoreUnavailable } from "../store/store.ts";

export interface ProblemType {
  status: number;
  title: string;
  /** For `/problems/<name>`: what happened and what to do. */
  text: string;
}

/** What can go wrong before the domain is asked. */
type HttpProblemName =
  | "malformed-json"
  | "unsupported-media-type"
  | "too-large"
  | "unauthorized"
  | "no-such-route"
  | "method-not-allowed"
  | "misdirected"
  | "forbidden"
  | "store-unavailable"
  | "internal";
export type ProblemName = DomainErrorCode | HttpProblemName;

/** The one table from code to status, type and title. */
export const problemTypes: Record<ProblemName, ProblemType> = {
  "invalid-request": {
    status: 400,
    title: "Invalid request",
    text: "Fields of the request cannot be used. `errors` lists all of them by JSON pointer; correct them and send it again.",
  },
  "malformed-json": { status: 400, title: "Malformed JSON", text: "The body is not JSON. Send one JSON object." },
  unauthorized: {
    status: 401,
    title: "Unauthorized",
    text: "Send `Authorization: Bearer <token>`: the API token of the server's data directory, or a node's own token.",
  },
  "wrong-machine": {
    status: 403,
    title: "Wrong machine",
    text: "The capability is unknown or bound to another machine. Which of the two it is, is not told.",
  },
  forbidden: {
    status: 403,
    title: "Forbidden",
    text: "The request came in a way that is not allowed here; its detail says which.",
  },
  "not-found": { status: 404, title: "Not found", text: "There is no such resource." },
  "no-such-route": { status: 404, title: "No such route", text: "Nothing is served there; see /openapi.json." },
  "method-not-allowed": {
    status: 405,
    title: "Method not allowed",
    text: "The resource knows other methods; they are in the Allow header.",
  },
  "already-claimed": {
    status: 409,
    title: "Already claimed",
    text: "The node confirmed its credentials and they were destroyed here. A node that lost them needs a new allocation.",
  },
  "not-ready": {
    status: 409,
    title: "Not ready",
    text: "The request comes too early in the resource's life; try later.",
  },
  "wrong-state": {
    status: 409,
    title: "Wrong state",
    text: "The resource is in a state that leaves no room for the request, and will not come out of it.",
  },
  "name-taken": {
    status: 409,
    title: "Name taken",
    text: "A cluster of that name has not been deleted yet. Choose another name, or delete that cluster first.",
  },
  gone: { status: 410, title: "Gone", text: "The cluster failed, is being deleted or has passed its deadline." },
  "too-large": { status: 413, title: "Content too large", text: "The body is larger than this route takes." },
  "unsupported-media-type": {
    status: 415,
    title: "Unsupported media type",
    text: "Send the body as `Content-Type: application/json`.",
  },
  misdirected: {
    status: 421,
    title: "Misdirected request",
    text: "The server does not know itself by the host of the URL. Use a name of its certificate, or add one: `--server-names`.",
  },
  "idempotency-key-reused": {
    status: 422,
    title: "Idempotency-Key reused",
    text: "The key was used with a different body. Use a new key for each different request.",
  },
  "no-image": {
    status: 422,
    title: "No image",
    text: "The provider has no image for that Kubernetes version. Bake one: `sprout image bake`.",
  },
  internal: {
    status: 500,
    title: "Internal error",
    text: "A defect or an outage of the server; its log has the reason.",
  },
  "not-final": {
    status: 503,
    title: "Not final",
    text: "The document is not final for this node yet. Ask again after Retry-After seconds.",
  },
  "store-unavailable": {
    status: 503,
    title: "Store unavailable",
    text: "The server's store cannot be asked now. What was asked for may have been done: ask again, a POST with the same Idempotency-Key.",
  },
  "provider-unusable": {
    status: 503,
    title: "Provider unusable",
    text: "The provider cannot start machines as it is set up: its detail tells everything that is wrong. Correct it, and ask again.",
  },
  "no-capacity": {
    status: 503,
    title: "No capacity",
    text: "The provider has no room for the machines asked for. Delete clusters, or ask for fewer nodes.",
  },
};

/** A refusal by the HTTP surface itself. */
export class HttpProblem extends Error {
  override name = "HttpProblem";
  readonly problem: HttpProblemName;
  readonly headers: Record<string, string>;
  constructor(problem: HttpProblemName, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.problem = problem;
    this.headers = headers;
  }
}

export interface ProblemAnswer {
  body: Problem;
  headers: Record<string, string>;
}

/** Whatever was thrown, as RFC 9457 has it; what is not a refusal hides its detail. */
export function toProblem(error: unknown, instance: string): ProblemAnswer {
  if (error instanceof DomainError) {
    const retry = error.code === "not-final" ? { "retry-after": "1" } : undefined;
    return answer(error.code, { detail: error.message, instance, errors: error.errors, headers: retry });
  }
  if (error instanceof HttpProblem)
    return answer(error.problem, { detail: error.message, instance, headers: error.headers });
  if (error instanceof StoreUnavailable)
    return answer("store-unavailable", {
      detail: "The server's store cannot be asked now; its log has the reason",
      instance,
      headers: { "retry-after": "1" },
    });
  // A client that goes away in the middle of its body is its own affair, and none of the log's.
  if ((error as NodeJS.ErrnoException).code === "ECONNRESET")
    return answer("malformed-json", { detail: "The body broke off", instance });
  return answer("internal", { detail: "The server could not handle the request; its log has the reason", instance });
}

function answer(
  name: ProblemName,
  options: {
    detail: string;
    instance: string;
    errors?: NonNullable<Problem["errors"]>;
    headers?: Record<string, string> | undefined;
  },
): ProblemAnswer {
  const { status, title } = problemTypes[name];
  const { detail, instance, errors = [] } = options;
  const body = { type: `/problems/${name}`, title, status, detail, instance, ...(errors.length > 0 ? { errors } : {}) };
  return {
    body,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...options.headers },
  };
}

/** Every invalid field at once, an unknown one by its own pointer (RFC 6901). */
export function toInvalidRequest(error: z.ZodError): DomainError {
  const errors = error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => ({ pointer: toPointer([...issue.path, key]), detail: "is unknown" }));
    return [{ pointer: toPointer(issue.path), detail: toDetail(issue) }];
  });
  return new DomainError("invalid-request", "The request has invalid fields", { errors });
}

const toDetail = ({ code, message }: z.core.$ZodIssue) =>
  code === "invalid_type" && message.endsWith("received undefined") ? "is required" : message;

const toPointer = (path: PropertyKey[]) =>
  path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
