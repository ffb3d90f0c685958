import type { FieldError } from "#api/problem.ts";

/** Refusals of the domain; `http/problem.ts` maps each code to a status and a problem type. */
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

/** The refused node, for the audit log; never part of an answer. */
export interface RefusedNode {
  clusterId: string | null;
  member: string | null;
  /** The audit entry was already written with the decision. */
  isRecorded?: boolean;
}

/** The error of every refusal. `errors` lists every invalid field at once (JSON pointers, RFC 6901). */
export class DomainError extends Error {
  override name = "DomainError";
  readonly code: DomainErrorCode;
  readonly errors: FieldError[];
  /** Set if the refusal belongs in the audit log. */
  readonly refused: RefusedNode | undefined;
  constructor(
    code: DomainErrorCode,
    message: string,
    options: { cause?: unknown; errors?: FieldError[]; refused?: RefusedNode } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.errors = options.errors ?? [];
    this.refused = options.refused;
  }
}
