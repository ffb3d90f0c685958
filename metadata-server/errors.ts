/** What can go wrong in the domain; `http/problem.ts` maps each code to a status and a problem type. */
export type DomainErrorCode =
  | "invalid-request"
  | "not-found"
  | "not-final"
  | "wrong-machine"
  | "already-claimed"
  | "not-ready"
  | "wrong-state"
  | "name-taken"
  | "idempotency-key-reused"
  | "no-capacity"
  | "no-image"
  | "gone";

/** One shape for every refusal. `errors` lists every invalid field at once (JSON pointers, RFC 6901). */
export class DomainError extends Error {
  override name = "DomainError";
  readonly code: DomainErrorCode;
  readonly errors: { pointer: string; detail: string }[];
  constructor(
    code: DomainErrorCode,
    message: string,
    options: { cause?: unknown; errors?: { pointer: string; detail: string }[] } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.errors = options.errors ?? [];
  }
}
