type PowerErrorCode =
  /** No usable answer in time. */
  | "unreachable"
  /** The controller's certificate is not the expected one. Nothing was sent. */
  | "untrusted"
  /** The credentials are missing or wrong, or do not allow this. */
  | "forbidden"
  /** The controller refuses the request. */
  | "rejected"
  /** The controller does not offer this. */
  | "unsupported";

/** Why a power action failed, on one line, in the controller's words if it sent any; never with a credential. */
export class PowerError extends Error {
  override name = "PowerError";
  readonly code: PowerErrorCode;
  constructor(code: PowerErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message.replace(/[\p{C}\s]+/gu, " ").trim(), { cause: options.cause });
    this.code = code;
  }
}
