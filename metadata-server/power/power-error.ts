export type PowerErrorCode =
  /** No answer, or none that makes sense, until the time was over. */
  | "unreachable"
  /** Its certificate is not the expected one; nothing was sent. */
  | "untrusted"
  /** Credentials are missing, wrong or may not do this. */
  | "forbidden"
  /** It understood and will not. */
  | "rejected"
  /** It offers no such thing. */
  | "unsupported";

/** Why a power action failed, in the controller's own words where it has any; never with a credential. */
export class PowerError extends Error {
  override name = "PowerError";
  readonly code: PowerErrorCode;
  constructor(code: PowerErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
  }
}
