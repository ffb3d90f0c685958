import type { FieldError, Problem } from "#api/problem.ts";
import { DomainError, type DomainErrorCode } from "../errors.ts";
import { StoreUnavailable } from "../store/store.ts";

interface ProblemType {
  status: number;
  title: string;
  /** Answer of `/problems/<name>`: what happened and what to do. */
  text: string;
}

/** Problems of the HTTP surface, before the domain gets the request. */
type HttpProblemName =
  | "malformed-json"
  | "unsupported-media-type"
  | "too-large"
  | "unauthorized"
  | "no-such-route"
  | "method-not-allowed"
  | "misdirected"
  | "forbidden"
  | "too-many-requests"
  | "store-unavailable"
  | "internal";
export type ProblemName = DomainErrorCode | HttpProblemName;

/** The only table from problem name to status, title and text. */
export const problemTypes: Record<ProblemName, ProblemType> = {
  "invalid-request": {
    status: 400,
    title: "Invalid request",
    text: "Fields of the request are invalid. `errors` lists all of them by JSON pointer; correct them and send the request again.",
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
    text: "The capability is unknown, or bound to another machine; the answer does not say which.",
  },
  forbidden: {
    status: 403,
    title: "Forbidden",
    text: "The request came in a way that this route does not allow; `detail` says which.",
  },
  "not-found": { status: 404, title: "Not found", text: "The resource does not exist." },
  "no-such-route": {
    status: 404,
    title: "No such route",
    text: "The server has no route at this path; `/openapi.json` lists the routes.",
  },
  "method-not-allowed": {
    status: 405,
    title: "Method not allowed",
    text: "The resource has no such method; the `Allow` header lists its methods.",
  },
  "already-claimed": {
    status: 409,
    title: "Already claimed",
    text: "The node confirmed its credentials, and the server destroyed its copy. A node that lost them needs a new allocation.",
  },
  "not-ready": {
    status: 409,
    title: "Not ready",
    text: "The resource is not ready for this request yet; try again later.",
  },
  "wrong-state": {
    status: 409,
    title: "Wrong state",
    text: "The resource's state does not allow this request, and waiting will not change that.",
  },
  "name-taken": {
    status: 409,
    title: "Name taken",
    text: "Another cluster has this name. Choose another name, or delete that cluster first.",
  },
  gone: { status: 410, title: "Gone", text: "The cluster has failed, is being deleted, or has passed its deadline." },
  "too-large": { status: 413, title: "Content too large", text: "The body is larger than this route accepts." },
  "unsupported-media-type": {
    status: 415,
    title: "Unsupported media type",
    text: "Send the body as `Content-Type: application/json`.",
  },
  misdirected: {
    status: 421,
    title: "Misdirected request",
    text: "The URL's host is not a name of this server. Use a name of its certificate, or add one with `--server-names`.",
  },
  "idempotency-key-reused": {
    status: 422,
    title: "Idempotency-Key reused",
    text: "The key was used with a different body. Use a new key for each new request.",
  },
  "no-image": {
    status: 422,
    title: "No image",
    text: "The provider has no image of this Kubernetes version. Bake one with `sprout image bake`.",
  },
  "too-many-requests": {
    status: 429,
    title: "Too many requests",
    text: "This address or token has sent, or holds, more requests than the server allows. Send the request again after `Retry-After` seconds; `--requests-per-address` and `--connections-per-address` set the bounds.",
  },
  internal: {
    status: 500,
    title: "Internal error",
    text: "The server has a defect or an outage; its log has the reason.",
  },
  "not-final": {
    status: 503,
    title: "Not final",
    text: "The document is not final for this node yet. Send the request again after `Retry-After` seconds.",
  },
  "store-unavailable": {
    status: 503,
    title: "Store unavailable",
    text: "The server cannot reach its store. It may have done what the request asked for: send it again, a POST with the same `Idempotency-Key`.",
  },
  "provider-unusable": {
    status: 503,
    title: "Provider unusable",
    text: "The provider cannot start machines with its present settings; `detail` lists everything that is wrong. Correct it, and send the request again.",
  },
  "no-capacity": {
    status: 503,
    title: "No capacity",
    text: "The provider has no room for the requested machines. Delete clusters, or request fewer nodes.",
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

interface ProblemAnswer {
  body: Problem;
  headers: Record<string, string>;
}

/** Returns the problem document (RFC 9457) of any error. An error that is not a refusal hides its message. */
export function toProblem(error: unknown, instance: string): ProblemAnswer {
  if (error instanceof DomainError) {
    const retry = error.code === "not-final" ? { "retry-after": "1" } : undefined;
    return answer(error.code, { detail: error.message, instance, errors: error.errors, headers: retry });
  }
  if (error instanceof HttpProblem)
    return answer(error.problem, { detail: error.message, instance, headers: error.headers });
  if (error instanceof StoreUnavailable)
    return answer("store-unavailable", {
      detail: "The server cannot reach its store; its log has the reason",
      instance,
      headers: { "retry-after": "1" },
    });
  // A client that disconnects while it sends its body is no error of the server, so the log stays silent.
  if ((error as NodeJS.ErrnoException).code === "ECONNRESET")
    return answer("malformed-json", { detail: "The body is truncated", instance });
  return answer("internal", { detail: "The server could not handle the request; its log has the reason", instance });
}

function answer(
  name: ProblemName,
  options: {
    detail: string;
    instance: string;
    errors?: FieldError[];
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
