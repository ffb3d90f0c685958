import type { NodeMetadata } from "#api/node-metadata.ts";

export interface CheckInput {
  root: string;
  metadata: NodeMetadata;
  inContainer: boolean;
  /** The server's clock minus this machine's. */
  clockOffsetMs: number | undefined;
  exec: (command: readonly [string, ...string[]], signal: AbortSignal) => Promise<string>;
  signal: AbortSignal;
}

/** Every problem it finds, each as `what: why; how to fix`; none is a pass. */
export type Check = (input: CheckInput) => Promise<string[]>;
