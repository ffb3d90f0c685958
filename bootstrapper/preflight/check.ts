import type { NodeMetadata } from "#api/node-metadata.ts";

export interface CheckInput {
  root: string;
  metadata: NodeMetadata;
  inContainer: boolean;
  /** What another allocation, or another tool, left here. */
  leftovers: string[];
  /** An earlier run has started it: then the ports are its own and its static pods'. */
  isKubeletActive: boolean;
  /** The server's clock minus this machine's. */
  clockOffsetMs: number | undefined;
  exec: (command: readonly [string, ...string[]], signal: AbortSignal) => Promise<string>;
  signal: AbortSignal;
}

/** Every problem it finds, each as `what: why; how to fix`; none is a pass. */
export type Check = (input: CheckInput) => Promise<string[]>;
