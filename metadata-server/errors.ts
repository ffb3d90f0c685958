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
  | "provider-unusable"
  | "gone";

/** Who was refused something, for the audit log; never part of an answer. */
export interface RefusedNode {
  clusterId: string | null;
  member: string | null;
  /** Already written with the decision. */
  isRecorded?: boolean;
}

/** One shape for every refusal. `errors` lists every invalid field at once (JSON pointers, RFC 6901). */
export class DomainError extends Error {
  override name = "DomainError";
  readonly code: DomainErrorCode;
  readonly errors: { pointer: string; detail: string }[];
  /** Set where the refusal belongs in the audit log. */
  readonly refused: RefusedNode | undefined;
  constructor(
    code: DomainErrorCode,
    message: string,
    options: { cause?: unknown; errors?: { pointer: string; detail: string }[]; refused?: RefusedNode } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.errors = options.errors ?? [];
    this.refused = options.refused;
  }
}
